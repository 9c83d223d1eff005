"""Read sources within a scope."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from voiceadmin.database.base import db
from voiceadmin.errors import SourceNotFound
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.sources.clients.types import RightCheck
from voiceadmin.sources.models import Source
from voiceadmin.sources.types import KeyTest, SourceKind, SourceRow


def is_visible(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a source is in a scope. Those of the platform are in no other scope than EVERYTHING."""
    own = restrict_to_scope(scope, Source.organization_id)
    return or_(Source.organization_id.is_(None), own) if scope == EVERYTHING else own


def list_sources(scope: Scope) -> list[SourceRow]:
    """Return the sources of a scope: those of the platform first, then by organization and name."""
    statement = (
        select(Source, Organization.name)
        .outerjoin(Organization, Organization.id == Source.organization_id)
        .where(is_visible(scope))
        .order_by(Organization.name.is_not(None), Organization.name, Source.name, Source.id)
    )
    return [_build_row(*row) for row in db.session.execute(statement)]


def get_source(scope: Scope, source_id: int) -> SourceRow:
    """Return one source.

    Raises:
        SourceNotFound: if there is no such source in the scope.
    """
    rows = [row for row in list_sources(scope) if row.id == source_id]
    if not rows:
        raise SourceNotFound(f"There is no source {source_id}.")
    return rows[0]


def _build_row(source: Source, organization_name: str | None) -> SourceRow:
    return SourceRow(
        id=source.id,
        organization_id=source.organization_id,
        organization_name=organization_name,
        kind=SourceKind(source.kind),
        name=source.name,
        address=source.address,
        key_variable=source.key_variable or "",
        assistant_ids=parse_ids(source.assistant_ids),
        created_at=source.created_at,
        created_by=source.created_by,
        disabled_at=source.disabled_at,
        test=None
        if source.tested_at is None
        else KeyTest(source.tested_at, _parse_rights(source), source.account_hash),
        account_changed_at=source.account_changed_at,
    )


def parse_ids(text: str) -> tuple[int, ...]:
    """Return the ids of a column."""
    return tuple(map(int, text.split(","))) if text else ()


def _parse_rights(source: Source) -> tuple[RightCheck, ...]:
    rights: list[Any] = json.loads(source.rights or "[]")
    return tuple(RightCheck(*right) for right in rights)
