"""The audit trail as each may read it: what happened to voices for all, people and keys for admins, oneself always."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select

from voiceadmin.audit.models import AuditLine
from voiceadmin.audit.types import AuditFilters, AuditRow, AuditWord, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, ActorKind, Role, Scope, Visitor
from voiceadmin.operations.models import Deed
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import within
from voiceadmin.tabular import ExportFormat, as_lines
from voiceadmin.text import iso, name_key

LINES = 50  # a page


_COLUMNS = [getattr(AuditLine, name) for name in AuditRow._fields if hasattr(AuditLine, name)]


FIELDS = (*(column.key for column in _COLUMNS), "organization_name")


def list_activity(visitor: Visitor, filters: AuditFilters) -> tuple[list[AuditRow], bool]:
    """A page of the lines that somebody may read, the newest first, and whether there are older ones. One statement."""
    rows = [_row(row) for row in db.session.execute(_select(visitor, filters).limit(LINES + 1))]
    return rows[:LINES], len(rows) > LINES


def activity_file(visitor: Visitor, filters: AuditFilters, format: ExportFormat) -> Iterator[str]:
    """All lines that somebody may read as the text of a file, in pieces, the newest first."""
    found = db.session.execute(_select(visitor, filters), execution_options={"yield_per": 1000})
    return as_lines(FIELDS, (_record(_row(row)) for row in found), format)


def _record(line: AuditRow) -> dict[str, Any]:
    values = {name: getattr(line, name) for name in FIELDS}
    plain = {name: value.value if isinstance(value, StrEnum) else value for name, value in values.items()}
    return plain | {"at": iso(line.at)}


def _select(visitor: Visitor, filters: AuditFilters) -> Select[Any]:
    return (
        select(
            *_COLUMNS,
            Organization.name.label("organization_name"),
            Deed.number.label("deed_number"),
            Deed.undone_by.is_not(None).label("undone"),
        )
        .outerjoin_from(AuditLine, Organization, Organization.id == AuditLine.organization_id)
        .outerjoin(Deed, Deed.id == AuditLine.deed_id)
        .where(_readable(visitor), *_conditions(filters))
        .order_by(AuditLine.id.desc())
    )


def _readable(visitor: Visitor) -> ColumnElement[bool]:
    if visitor.scope(Role.PLATFORM) == EVERYTHING:
        return AuditLine.id > 0
    own = AuditLine.actor_kind == ActorKind.ACCOUNT.value, AuditLine.actor_id == visitor.account_id
    ways = [and_(*own)] if visitor.account_id is not None else []
    for role in (Role.VIEWER, Role.ADMIN):
        words = [word.value for word in AuditWord if word.least is role]
        scope = visitor.scope(role)
        if scope.organizations != frozenset():
            ways.append(and_(_of(scope), AuditLine.word.in_(words)))
    return or_(false(), *ways)


def _of(scope: Scope) -> ColumnElement[bool]:
    """In an organization of the scope: what belongs to none is for admins of the platform."""
    return and_(AuditLine.organization_id.is_not(None), within(scope, AuditLine.organization_id))


def _conditions(filters: AuditFilters) -> Iterator[ColumnElement[bool]]:
    if filters.who:
        yield AuditLine.actor_key == name_key(filters.who)
    if filters.words:
        yield AuditLine.word.in_([word.value for word in filters.words])
    if filters.voice is not None:
        yield and_(AuditLine.object_kind == ObjectKind.VOICE.value, AuditLine.object_id == filters.voice)
    if filters.since is not None:
        yield AuditLine.at >= filters.since
    if filters.until is not None:
        yield AuditLine.at < filters.until
    if filters.older_than is not None:
        yield AuditLine.id < filters.older_than


def _row(row: Any) -> AuditRow:
    values = row._asdict()
    return AuditRow(
        **values
        | {
            "actor_kind": ActorKind(row.actor_kind),
            "word": AuditWord(row.word),
            "object_kind": ObjectKind(row.object_kind),
            "before": None if row.before is None else json.loads(row.before),
            "after": None if row.after is None else json.loads(row.after),
        }
    )
