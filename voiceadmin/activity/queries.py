"""The audit trail as each may read it: what happened to voices for all, people and keys for admins, oneself always."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select

from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventRow, AuditEventType, AuditFilters, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, ActorKind, Requester, Role, Scope
from voiceadmin.operations.models import Operation
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import build_name_key, format_iso8601

LINES = 50  # a page


_COLUMNS = [getattr(AuditEvent, name) for name in AuditEventRow._fields if hasattr(AuditEvent, name)]


FIELDS = (*(column.key for column in _COLUMNS), "organization_name")


def list_activity(requester: Requester, filters: AuditFilters) -> tuple[list[AuditEventRow], bool]:
    """A page of the lines that somebody may read, the newest first, and whether there are older ones. One statement."""
    rows = [_row(row) for row in db.session.execute(_select(requester, filters).limit(LINES + 1))]
    return rows[:LINES], len(rows) > LINES


def export_activity(requester: Requester, filters: AuditFilters, format: ExportFormat) -> Iterator[str]:
    """All lines that somebody may read as the text of a file, in pieces, the newest first."""
    found = db.session.execute(_select(requester, filters), execution_options={"yield_per": 1000})
    return format_records(FIELDS, (_record(_row(row)) for row in found), format)


def _record(line: AuditEventRow) -> dict[str, Any]:
    values = {name: getattr(line, name) for name in FIELDS}
    plain = {name: value.value if isinstance(value, StrEnum) else value for name, value in values.items()}
    return plain | {"at": format_iso8601(line.at)}


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
        .where(_readable(requester), *_conditions(filters))
        .order_by(AuditEvent.id.desc())
    )


def _readable(requester: Requester) -> ColumnElement[bool]:
    if requester.scope(Role.PLATFORM) == EVERYTHING:
        return AuditEvent.id > 0
    own = AuditEvent.actor_kind == ActorKind.ACCOUNT.value, AuditEvent.actor_id == requester.account_id
    ways = [and_(*own)] if requester.account_id is not None else []
    for role in (Role.VIEWER, Role.ADMIN):
        words = [word.value for word in AuditEventType if word.minimum_role is role]
        scope = requester.scope(role)
        if scope.organizations != frozenset():
            ways.append(and_(_of(scope), AuditEvent.event_type.in_(words)))
    return or_(false(), *ways)


def _of(scope: Scope) -> ColumnElement[bool]:
    """In an organization of the scope: what belongs to none is for admins of the platform."""
    return and_(AuditEvent.organization_id.is_not(None), restrict_to_scope(scope, AuditEvent.organization_id))


def _conditions(filters: AuditFilters) -> Iterator[ColumnElement[bool]]:
    if filters.who:
        yield AuditEvent.actor_key == build_name_key(filters.who)
    if filters.event_types:
        yield AuditEvent.event_type.in_([event_type.value for event_type in filters.event_types])
    if filters.voice is not None:
        yield and_(AuditEvent.object_kind == ObjectKind.VOICE.value, AuditEvent.object_id == filters.voice)
    if filters.since is not None:
        yield AuditEvent.at >= filters.since
    if filters.until is not None:
        yield AuditEvent.at < filters.until
    if filters.older_than is not None:
        yield AuditEvent.id < filters.older_than


def _row(row: Any) -> AuditEventRow:
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
