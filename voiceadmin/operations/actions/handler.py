"""The parts of an action: what it reads and writes, which audit events it records, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from voiceadmin.accounts.models import Account
from voiceadmin.audit.types import AuditEventType, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.identity import Actor
from voiceadmin.operations.types import ActionRequest, SkippedItem, SkipReason
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.status import VoiceStatus

Value = Any  # what an action changes of an object, as JSON; None for the initial state


@dataclass(frozen=True, slots=True, eq=False)
class TargetObject:
    """A voice, an assistant or a source that is locked until the transaction ends.

    Attributes:
        organization_id: None for a source of the platform.
        status: of a voice; None for others.
        archived: when, by whom and why a voice was archived here; None if it was not.
    """

    ref: ObjectRef
    organization_id: int | None
    name: str
    status: VoiceStatus | None = None
    archived: Value = None


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one object, as its audit event records it."""

    event_type: AuditEventType
    target: TargetObject
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """The audit event of one object of an operation. organization_id: None for a source of the platform."""

    id: int
    event_type: AuditEventType
    ref: ObjectRef
    organization_id: int | None
    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    note: str


@dataclass(frozen=True, slots=True)
class ActionContext:
    """A request in the middle of its transaction.

    Attributes:
        assignee: the account of `request.assignee_id`.
        targets: the objects that no other person changed in the meantime.
    """

    request: ActionRequest
    assignee: Account | None
    targets: Sequence[TargetObject]
    thresholds: AttentionThresholds
    by: Actor
    now: datetime

    @property
    def actor_name(self) -> str:
        """The name of the actor, as stored with an archive or a mute."""
        return self.by.name or self.by.kind.label


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionHandler:
    """One kind of action. Each module of this package that defines `HANDLER` adds one.

    Attributes:
        actions: the actions of people that it applies.
        audit_key: the name of its value in `before` and `after` of audit events; "" if it changes no value.
        event_types: the audit events that record its changes.
        voices_only: whether it cannot be applied to assistants and sources.
        read: returns the current values by object; objects in the initial state are left out.
        plan: returns a change or the reason for skipping, for each target.
        write: writes new values by object.
        revert: returns the change that undoes a recorded change of a target.
    """

    actions: frozenset[TriageAction]
    audit_key: str
    event_types: frozenset[AuditEventType]
    read: Callable[[Sequence[TargetObject]], Mapping[ObjectRef, Value]]
    plan: Callable[[ActionContext], Iterator[Change | SkippedItem]]
    write: Callable[[Mapping[TargetObject, Value]], None]
    revert: Callable[[RecordedChange, TargetObject], Change]
    voices_only: bool = False

    def get_new_values(self, changes: Sequence[Change]) -> dict[TargetObject, Value]:
        """Return the values after these changes, by object."""
        if not self.audit_key:
            return {}
        return {change.target: (change.after or {})[self.audit_key] for change in changes}


def skip(target: TargetObject, reason: SkipReason, detail: str = "") -> SkippedItem:
    """Return the record of an object that is not changed."""
    return SkippedItem(target.ref.kind.value, target.ref.id, target.name, reason, detail)


def format_time(time: datetime) -> str:
    """Return a time as audit events store it."""
    return time.astimezone(UTC).isoformat()
