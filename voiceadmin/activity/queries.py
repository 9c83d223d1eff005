"""List the audit events that a requester may read, as a page and as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select

from voiceadmin.audit.models import AuditEvent, AuditEventOrganization
from voiceadmin.audit.types import AuditEventRow, AuditEventType, AuditFilters, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, NOTHING, ActorKind, Requester, Role, Scope
from voiceadmin.operations.models import Operation
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import build_name_key, format_iso8601

EVENTS_PER_PAGE = 50

_COLUMNS = [getattr(AuditEvent, name) for name in AuditEventRow._fields if hasattr(AuditEvent, name)]

EXPORT_FIELDS = (*(column.key for column in _COLUMNS), "organization_name")


def list_activity(requester: Requester, filters: AuditFilters) -> tuple[list[AuditEventRow], bool]:
    """Return a page of the events that the requester may read, newest first, and whether there are older ones.

    Executes one statement.
    """
    rows = [_as_row(row) for row in db.session.execute(_select(requester, filters).limit(EVENTS_PER_PAGE + 1))]
    return rows[:EVENTS_PER_PAGE], len(rows) > EVENTS_PER_PAGE


def export_activity(requester: Requester, filters: AuditFilters, format: ExportFormat) -> Iterator[str]:
    """Yield all events that the requester may read as the lines of a file, newest first."""
    rows = db.session.execute(_select(requester, filters), execution_options={"yield_per": 1000})
    return format_records(EXPORT_FIELDS, (_as_record(_as_row(row)) for row in rows), format)


def _as_record(event: AuditEventRow) -> dict[str, Any]:
    values = {name: getattr(event, name) for name in EXPORT_FIELDS}
    plain = {name: value.value if isinstance(value, StrEnum) else value for name, value in values.items()}
    return plain | {"at": format_iso8601(event.at)}


def _select(requester: Requester, filters: AuditFilters) -> Select[Any]:
    return (
        select(
            *_COLUMNS,
            Organization.name.label("organization_name"),
            Operation.object_count.label("operation_object_count"),
            Operation.undone_by.is_not(None).label("undone"),
        )
        .outerjoin_from(AuditEvent, Organization, Organization.id == AuditEvent.organization_id)
        .outerjoin(Operation, Operation.id == AuditEvent.operation_id)
        .where(_is_readable(requester), *_conditions(filters))
        .order_by(AuditEvent.id.desc())
    )


def _is_readable(requester: Requester) -> ColumnElement[bool]:
    """Return the condition that the requester may read an event.

    Platform admins read all events. Others read their own, and those of the
    organizations in which they have the role that the type of the event
    requires. Events that concern no organization are for platform admins only.
    """
    if requester.scope(Role.PLATFORM) == EVERYTHING:
        return AuditEvent.id > 0
    conditions = [
        and_(_is_in_scope(scope), AuditEvent.event_type.in_(_list_event_types(role)))
        for role in (Role.VIEWER, Role.ADMIN)
        if (scope := requester.scope(role)) != NOTHING
    ]
    if requester.account_id is not None:
        conditions.append(
            and_(AuditEvent.actor_kind == ActorKind.ACCOUNT.value, AuditEvent.actor_id == requester.account_id)
        )
    return or_(false(), *conditions)


def _list_event_types(role: Role) -> list[str]:
    """Return the stored values of the event types that require exactly this role."""
    return [event_type.value for event_type in AuditEventType if event_type.minimum_role is role]


def _is_in_scope(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that an event concerns an organization of the scope."""
    is_one_of_several = exists().where(
        AuditEventOrganization.event_id == AuditEvent.id,
        restrict_to_scope(scope, AuditEventOrganization.organization_id),
    )
    is_only_one = and_(AuditEvent.organization_id.is_not(None), restrict_to_scope(scope, AuditEvent.organization_id))
    return or_(is_only_one, and_(AuditEvent.organization_id.is_(None), is_one_of_several))


def _conditions(filters: AuditFilters) -> Iterator[ColumnElement[bool]]:
    if filters.who:
        yield AuditEvent.actor_key == build_name_key(filters.who)
    if filters.event_types:
        yield AuditEvent.event_type.in_([event_type.value for event_type in filters.event_types])
    if filters.voice is not None:
        yield and_(AuditEvent.object_kind == ObjectKind.VOICE.value, AuditEvent.object_id == filters.voice)
    if filters.source is not None:
        yield and_(AuditEvent.object_kind == ObjectKind.SOURCE.value, AuditEvent.object_id == filters.source)
    if filters.since is not None:
        yield AuditEvent.at >= filters.since
    if filters.until is not None:
        yield AuditEvent.at < filters.until
    if filters.older_than is not None:
        yield AuditEvent.id < filters.older_than


def _as_row(row: Any) -> AuditEventRow:
    values = row._asdict()
    return AuditEventRow(
        **values
        | {
            "actor_kind": ActorKind(row.actor_kind),
            "event_type": AuditEventType(row.event_type),
            "object_kind": ObjectKind(row.object_kind),
            "before": None if row.before is None else json.loads(row.before),
            "after": None if row.after is None else json.loads(row.after),
        }
    )
