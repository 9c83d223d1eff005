"""Add a note to voices, assistants and sources. A note is an audit event and changes nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from voiceadmin.audit.types import AuditEventType, ObjectRef
from voiceadmin.operations.actions.handler import (
    ActionContext,
    ActionHandler,
    Change,
    RecordedChange,
    TargetObject,
    Value,
)
from voiceadmin.triage.types import TriageAction

KEY = "note"  # in `before` of the event that removes a note


def _read(targets: Sequence[TargetObject]) -> dict[ObjectRef, Value]:
    return {}


def _plan(context: ActionContext) -> Iterator[Change]:
    for target in context.targets:
        yield Change(AuditEventType.NOTE_ADDED, target, None, None)


def _write(values: Mapping[TargetObject, Value]) -> None:
    """Write nothing."""


def _revert(recorded: RecordedChange, target: TargetObject) -> Change:
    if recorded.event_type is AuditEventType.NOTE_ADDED:
        return Change(AuditEventType.NOTE_REMOVED, target, {KEY: recorded.note}, None)
    return Change(AuditEventType.NOTE_ADDED, target, None, None)


HANDLER = ActionHandler(
    actions=frozenset({TriageAction.NOTE}),
    audit_key="",
    event_types=frozenset({AuditEventType.NOTE_ADDED, AuditEventType.NOTE_REMOVED}),
    read=_read,
    plan=_plan,
    write=_write,
    revert=_revert,
)
