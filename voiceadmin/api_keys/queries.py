"""List API keys, and look them up by their secret."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import exists, select

from voiceadmin.accounts.queries.accounts import list_accounts
from voiceadmin.accounts.types import AccountRow
from voiceadmin.api_keys.models import ApiKey, ApiKeyOrganization
from voiceadmin.api_keys.types import ApiKeyRow, AuthenticatedKey, CreatorIssue
from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_first_row, string_agg
from voiceadmin.database.types import parse_timestamp
from voiceadmin.identity import EVERYTHING, Role, Scope
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

    Executes four statements regardless of the number of keys.
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
    # The accounts of all organizations, because a creator may have lost the role; a row says no more than that.
    creators = {account.email: account for account in list_accounts(EVERYTHING)}
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
            creator_issue=_find_issue(creators.get(key.created_by), None if key.all_organizations else names[key.id]),
        )
        for key in keys
    ]


def count_keys_without_creator(scope: Scope, email: str, now: datetime) -> int:
    """Return how many active keys of the scope an account created that can no longer manage them."""
    return sum(
        key.created_by == email and key.creator_issue is not None and key.is_active(now) for key in list_api_keys(scope)
    )


def _find_issue(creator: AccountRow | None, reads: Mapping[int, str] | None) -> CreatorIssue | None:
    """Return why the creator can no longer manage a key that reads these organizations, None for all of them."""
    if creator is None:
        return None
    administers = {role.organization_id for role in creator.roles if role.role is Role.ADMIN}
    if not creator.platform and (reads is None or not administers.issuperset(reads)):
        return CreatorIssue.NOT_ADMIN
    return CreatorIssue.DISABLED if creator.disabled_at else None


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
