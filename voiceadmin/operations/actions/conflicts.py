"""Optimistic concurrency: find what other people changed since a page was made or an operation was applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select

from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType, ObjectKind, ObjectRef
from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.identity import Actor
from voiceadmin.operations.actions.handler import ActionHandler, RecordedChange
from voiceadmin.operations.actions.registry import HANDLER_OF_ACTION, HANDLERS
from voiceadmin.operations.actions.targets import is_about
from voiceadmin.operations.queries import get_last_operation_id
from voiceadmin.operations.types import ActionRequest, SkipReason

CONFLICT_REASONS = {
    AuditEventType.VOICE_ARCHIVED: SkipReason.ARCHIVED_MEANWHILE,
    AuditEventType.VOICE_RESTORED: SkipReason.RESTORED_MEANWHILE,
    AuditEventType.VOICE_DELETED_AT_PROVIDER: SkipReason.CHANGED_MEANWHILE,
    AuditEventType.VOICE_NOT_DELETED_AT_PROVIDER: SkipReason.CHANGED_MEANWHILE,
    AuditEventType.ASSIGNED: SkipReason.ASSIGNEE_CHANGED_MEANWHILE,
    AuditEventType.ACKNOWLEDGED: SkipReason.ACKNOWLEDGED_MEANWHILE,
    AuditEventType.SNOOZED: SkipReason.SNOOZED_MEANWHILE,
    AuditEventType.UNMUTED: SkipReason.UNMUTED_MEANWHILE,
}


class Conflict(NamedTuple):
    """The last change of an object by another person. actor_name: "" when the person has no name."""

    reason: SkipReason
    actor_name: str


def find_conflicts(request: ActionRequest, by: Actor) -> dict[ObjectRef, Conflict]:
    """Return the objects that another person changed after the page was made.

    Only changes of the value that the request would change count: a voice that was assigned can be archived.
    """
    handler = HANDLER_OF_ACTION[request.action]
    if not handler.audit_key or get_last_operation_id() <= request.last_seen_operation_id:
        return {}
    conflicts: dict[ObjectRef, Conflict] = {}
    for batch in split_into_batches(request.refs):
        rows = db.session.execute(
            select(AuditEvent.object_kind, AuditEvent.object_id, AuditEvent.event_type, AuditEvent.actor_name)
            .where(
                is_about(AuditEvent, batch),
                AuditEvent.operation_id > request.last_seen_operation_id,
                AuditEvent.event_type.in_(_event_types(handler)),
                (AuditEvent.actor_kind != by.kind.value) | AuditEvent.actor_id.is_distinct_from(by.id),
            )
            .order_by(AuditEvent.id)
        )
        for kind, object_id, event_type, actor_name in rows:
            ref = ObjectRef(ObjectKind(kind), object_id or 0)
            conflicts[ref] = Conflict(CONFLICT_REASONS[AuditEventType(event_type)], actor_name)
    return conflicts


def find_later_changes(recorded: Sequence[RecordedChange]) -> dict[int, str]:
    """Return who changed the same value of the same object later, by the id of the recorded change.

    Args:
        recorded: changes of different objects.
    """
    later: dict[int, str] = {}
    for handler in HANDLERS:
        own = {change.ref: change.id for change in recorded if change.event_type in handler.event_types}
        if handler.audit_key:
            later |= _find_later(own, handler)
    return later


def _find_later(own: Mapping[ObjectRef, int], handler: ActionHandler) -> dict[int, str]:
    later: dict[int, str] = {}
    for batch in split_into_batches(list(own)):
        rows = db.session.execute(
            select(AuditEvent.id, AuditEvent.object_kind, AuditEvent.object_id, AuditEvent.actor_name)
            .where(
                is_about(AuditEvent, batch),
                AuditEvent.id > min(own[ref] for ref in batch),
                AuditEvent.event_type.in_(_event_types(handler)),
            )
            .order_by(AuditEvent.id)
        )
        for event_id, kind, object_id, actor_name in rows:
            own_id = own[ObjectRef(ObjectKind(kind), object_id or 0)]
            if event_id > own_id:
                later[own_id] = actor_name
    return later


def _event_types(handler: ActionHandler) -> list[str]:
    return [event_type.value for event_type in handler.event_types]
