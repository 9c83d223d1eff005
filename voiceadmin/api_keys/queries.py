"""API keys as their admins see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import exists, select

from voiceadmin.api_keys.models import ApiKey, ApiKeyOrganization
from voiceadmin.api_keys.types import ApiKeyRow, AuthenticatedKey
from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_first_row, string_agg
from voiceadmin.database.types import parse_timestamp
from voiceadmin.errors import KeyNotFound
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import format_iso8601
from voiceadmin.tokens import hash_token


def list_api_keys(scope: Scope) -> list[ApiKeyRow]:
    """The keys that read only inside the scope, the newest first, in two statements. A whole scope shows all."""
    statement = select(ApiKey).order_by(ApiKey.id.desc())
    if scope != EVERYTHING:
        reads = ApiKeyOrganization.key_id == ApiKey.id
        statement = statement.where(
            ~ApiKey.all_organizations,
            exists().where(reads),
            ~exists().where(reads, ~restrict_to_scope(scope, ApiKeyOrganization.organization_id)),
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
        ApiKeyRow(
            id=key.id,
            name=key.name,
            hint=key.hint,
            organizations=None if key.all_organizations else names[key.id],
            created_by=key.created_by,
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            last_used_at=key.last_used_at,
        )
        for key in keys
    ]


def export_api_keys(scope: Scope, format: ExportFormat) -> Iterator[str]:
    """The same keys as the text of a file, in pieces: what their page says of them, never what they open with."""
    return format_records(FIELDS, map(_record, list_api_keys(scope)), format)


FIELDS = (
    *("id", "name", "begins", "all_organizations", "organizations"),
    *("made_by", "created_at", "expires_at", "revoked_at", "last_used_at"),
)


def _record(key: ApiKeyRow) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "begins": key.hint,
        "all_organizations": key.organizations is None,
        "organizations": [{"id": id, "name": name} for id, name in (key.organizations or {}).items()],
        "created_by": key.created_by,
        "created_at": format_iso8601(key.created_at),
        "expires_at": key.expires_at and format_iso8601(key.expires_at),
        "revoked_at": key.revoked_at and format_iso8601(key.revoked_at),
        "last_used_at": key.last_used_at and format_iso8601(key.last_used_at),
    }


def get_key(scope: Scope, key_id: int) -> ApiKeyRow:
    """One of them. Raises KeyNotFound."""
    for key in list_api_keys(scope):
        if key.id == key_id:
            return key
    raise KeyNotFound(f"There is no API key {key_id}.")


def find_api_key(token: str) -> AuthenticatedKey | None:
    """The API key of this token, also an expired one; None if there is none or it was revoked."""
    row = fetch_first_row(_key_sql(string_agg("organization_id")), {"hash": hash_token(token)})
    if row is None:
        return None
    id, name, expires_at, last_used_at, all_organizations, organizations = row
    ids = frozenset(int(number) for number in organizations.split(",")) if organizations else frozenset()
    return AuthenticatedKey(
        id, name, parse_timestamp(expires_at), parse_timestamp(last_used_at), None if all_organizations else ids
    )


@cache
def _key_sql(organizations: str) -> str:
    return (
        "SELECT id, name, expires_at, last_used_at, all_organizations,"
        f" (SELECT {organizations} FROM api_key_organization WHERE key_id = api_key.id) AS organizations"
        " FROM api_key WHERE token_hash = :hash AND revoked_at IS NULL"
    )
