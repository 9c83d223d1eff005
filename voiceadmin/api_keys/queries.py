"""List API keys, and look them up by their secret."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import exists, select

from voiceadmin.api_keys.models import ApiKey, ApiKeyOrganization
from voiceadmin.api_keys.types import ApiKeyRow, AuthenticatedKey
from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_first_row, string_agg
from voiceadmin.database.types import parse_timestamp
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import format_iso8601
from voiceadmin.tokens import hash_token

EXPORT_FIELDS = (
    "id",
    "name",
    "hint",
    "all_organizations",
    "organizations",
    "created_by",
    "created_at",
    "expires_at",
    "revoked_at",
    "last_used_at",
)


def list_api_keys(scope: Scope) -> list[ApiKeyRow]:
    """Return the API keys that read no organization outside the scope, newest first.

    Executes two statements regardless of the number of keys.
    """
    statement = select(ApiKey).order_by(ApiKey.id.desc())
    if scope != EVERYTHING:
        reads = ApiKeyOrganization.key_id == ApiKey.id
        statement = statement.where(
            ~ApiKey.all_organizations,
            exists().where(reads),
            ~exists().where(reads, ~restrict_to_scope(scope, ApiKeyOrganization.organization_id)),
        )
    keys = db.session.scalars(statement).all()
    names = _organization_names([key.id for key in keys])
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


def _organization_names(key_ids: Sequence[int]) -> dict[int, dict[int, str]]:
    """Return the names of the organizations that keys read, by key id and organization id, ordered by name."""
    statement = (
        select(ApiKeyOrganization.key_id, Organization.id, Organization.name)
        .join_from(ApiKeyOrganization, Organization)
        .where(ApiKeyOrganization.key_id.in_(key_ids))
        .order_by(Organization.name, Organization.id)
    )
    names: dict[int, dict[int, str]] = defaultdict(dict)
    for key_id, organization_id, name in db.session.execute(statement):
        names[key_id][organization_id] = name
    return names


def export_api_keys(scope: Scope, format: ExportFormat) -> Iterator[str]:
    """Yield the same keys as the lines of a file. It contains their hints, never the keys."""
    return format_records(EXPORT_FIELDS, map(_as_record, list_api_keys(scope)), format)


def _as_record(key: ApiKeyRow) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "all_organizations": key.organizations is None,
        "organizations": [{"id": id, "name": name} for id, name in (key.organizations or {}).items()],
        "created_by": key.created_by,
        "created_at": format_iso8601(key.created_at),
        "expires_at": key.expires_at and format_iso8601(key.expires_at),
        "revoked_at": key.revoked_at and format_iso8601(key.revoked_at),
        "last_used_at": key.last_used_at and format_iso8601(key.last_used_at),
    }


def find_api_key(token: str) -> AuthenticatedKey | None:
    """Return the API key with this secret, an expired one included; None if it is unknown or revoked."""
    row = fetch_first_row(_key_sql(string_agg("organization_id")), {"hash": hash_token(token)})
    if row is None:
        return None
    id, name, expires_at, last_used_at, all_organizations, organizations = row
    ids = frozenset(map(int, organizations.split(","))) if organizations else frozenset()
    return AuthenticatedKey(
        id=id,
        name=name,
        expires_at=parse_timestamp(expires_at),
        last_used_at=parse_timestamp(last_used_at),
        organizations=None if all_organizations else ids,
    )


@cache
def _key_sql(organizations: str) -> str:
    return (
        "SELECT id, name, expires_at, last_used_at, all_organizations,"
        f" (SELECT {organizations} FROM api_key_organization WHERE key_id = api_key.id) AS organizations"
        " FROM api_key WHERE token_hash = :hash AND revoked_at IS NULL"
    )
