"""API keys as their admins see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import exists, select

from voiceadmin.db import db
from voiceadmin.formats.record import iso
from voiceadmin.formats.writing import as_lines
from voiceadmin.models import ApiKey, ApiKeyOrganization, Organization
from voiceadmin.people import EVERYTHING, KeyRow, Scope
from voiceadmin.problems import KeyNotFound
from voiceadmin.queries.rows import within
from voiceadmin.vocabulary import ExportFormat


def list_keys(scope: Scope) -> list[KeyRow]:
    """The keys that read only inside the scope, the newest first, in two statements. A whole scope shows all."""
    statement = select(ApiKey).order_by(ApiKey.id.desc())
    if scope != EVERYTHING:
        reads = ApiKeyOrganization.key_id == ApiKey.id
        statement = statement.where(
            ~ApiKey.everywhere,
            exists().where(reads),
            ~exists().where(reads, ~within(scope, ApiKeyOrganization.organization_id)),
        )
    keys = db.session.scalars(statement).all()
    names: dict[int, dict[int, str]] = defaultdict(dict)
    read = (
        select(ApiKeyOrganization.key_id, Organization.id, Organization.name)
        .join_from(ApiKeyOrganization, Organization)
        .where(ApiKeyOrganization.key_id.in_([key.id for key in keys]))
        .order_by(Organization.name, Organization.id)
    )
    for key_id, organization_id, name in db.session.execute(read):
        names[key_id][organization_id] = name
    return [
        KeyRow(
            id=key.id,
            name=key.name,
            hint=key.hint,
            organizations=None if key.everywhere else names[key.id],
            maker=key.maker,
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            used_at=key.used_at,
        )
        for key in keys
    ]


def keys_file(scope: Scope, format: ExportFormat) -> Iterator[str]:
    """The same keys as the text of a file, in pieces: what their page says of them, never what they open with."""
    return as_lines(FIELDS, map(_record, list_keys(scope)), format)


FIELDS = (
    *("id", "name", "begins", "everywhere", "organizations"),
    *("made_by", "created_at", "expires_at", "revoked_at", "last_used_at"),
)


def _record(key: KeyRow) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "begins": key.hint,
        "everywhere": key.organizations is None,
        "organizations": [{"id": id, "name": name} for id, name in (key.organizations or {}).items()],
        "made_by": key.maker,
        "created_at": iso(key.created_at),
        "expires_at": key.expires_at and iso(key.expires_at),
        "revoked_at": key.revoked_at and iso(key.revoked_at),
        "last_used_at": key.used_at and iso(key.used_at),
    }


def get_key(scope: Scope, key_id: int) -> KeyRow:
    """One of them. Raises KeyNotFound."""
    for key in list_keys(scope):
        if key.id == key_id:
            return key
    raise KeyNotFound(f"There is no API key {key_id}.")
