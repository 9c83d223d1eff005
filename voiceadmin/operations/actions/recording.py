"""Record an operation and its audit events, and read them back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from voiceadmin.audit.actions import record_events
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind, ObjectRef
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock
from voiceadmin.identity import Actor
from voiceadmin.operations.actions.handler import Change, RecordedChange
from voiceadmin.operations.models import Operation
from voiceadmin.operations.queries import build_operation_row
from voiceadmin.operations.types import OperationRow, SkippedItem
from voiceadmin.triage.types import TriageAction

MAX_LISTED_SKIPPED = 100  # skipped objects that are stored by name; a page shows them all


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is stored of an operation.

    Attributes:
        key: see `build_request_key`.
        organizations: of all requested objects; None for sources of the platform.
        note: of the audit events.
        undoes: the operation that it undoes.
        in_use_count: how many of the archived voices are used by an assistant.
    """

    action: TriageAction
    key: str
    changes: Sequence[Change]
    skipped: Sequence[SkippedItem]
    organizations: Iterable[int | None]
    note: str
    undoes: int | None = None
    in_use_count: int = 0


def record_operation(outcome: Outcome, *, by: Actor, now: datetime) -> OperationRow:
    """Store an operation with one audit event for each change."""
    acquire_advisory_lock("operations")  # ids in the order of commits: a page that shows one has read all before it
    operation = Operation(
        key=outcome.key,
        at=now,
        actor_kind=by.kind.value,
        actor_id=by.id,
        actor_name=by.name,
        action=outcome.action.value,
        object_count=len(outcome.changes),
        outcome=_format_outcome(outcome),
        undoes=outcome.undoes,
    )
    db.session.add(operation)
    db.session.flush()
    for event_type in dict.fromkeys(change.event_type for change in outcome.changes):
        changes = [change for change in outcome.changes if change.event_type is event_type]
        _record_changes(event_type, changes, operation.id, by=by, now=now, note=outcome.note)
    return build_operation_row(operation)


def _format_outcome(outcome: Outcome) -> str:
    kinds = Counter(change.target.ref.kind for change in outcome.changes)
    values = {
        "voice_count": kinds[ObjectKind.VOICE],
        "source_count": kinds[ObjectKind.SOURCE],
        "skipped": [list(item) for item in outcome.skipped[:MAX_LISTED_SKIPPED]],
        "skipped_unlisted": max(0, len(outcome.skipped) - MAX_LISTED_SKIPPED),
        "organizations": sorted(outcome.organizations, key=lambda id: id or 0),
        "in_use_count": outcome.in_use_count,
    }
    return json.dumps(values, ensure_ascii=False)


def _record_changes(
    event_type: AuditEventType, changes: Sequence[Change], operation_id: int, *, by: Actor, now: datetime, note: str
) -> None:
    events = (
        (
            AuditTarget(change.target.ref.kind, change.target.ref.id, change.target.name),
            change.target.organization_id,
            change.before,
            change.after,
        )
        for change in changes
    )
    record_events(event_type, events, by=by, now=now, note=note, operation_id=operation_id)


def list_recorded_changes(operation_id: int) -> list[RecordedChange]:
    """Return the changes of an operation, in the order of their objects."""
    events = db.session.execute(
        select(
            AuditEvent.id,
            AuditEvent.event_type,
            AuditEvent.object_kind,
            AuditEvent.object_id,
            AuditEvent.organization_id,
            AuditEvent.object_name,
            AuditEvent.before,
            AuditEvent.after,
            AuditEvent.note,
        )
        .where(AuditEvent.operation_id == operation_id)
        .order_by(AuditEvent.object_kind, AuditEvent.object_id)
    )
    return [
        RecordedChange(
            id=id,
            event_type=AuditEventType(event_type),
            ref=ObjectRef(ObjectKind(kind), object_id or 0),
            organization_id=organization_id,
            name=name,
            before=json.loads(before or "null"),
            after=json.loads(after or "null"),
            note=note,
        )
        for id, event_type, kind, object_id, organization_id, name, before, after, note in events
    ]
