"""Create and revoke API keys."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import insert, select

from voiceadmin.accounts.actions.guards import ACCOUNTS_LOCK
from voiceadmin.api_keys.models import ApiKey, ApiKeyOrganization
from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.errors import ChangeRefused, KeyNotFound, OrganizationNotFound
from voiceadmin.identity import EVERYTHING, Actor, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.tokens import HINT_LENGTH, generate_api_key, hash_token


def create_api_key(
    scope: Scope,
    name: str,
    organizations: frozenset[int] | None,
    *,
    expires_at: datetime | None,
    by: Actor,
    now: datetime,
) -> str:
    """Create an API key and return it. Only its hash is stored, so it cannot be read again.

    Args:
        organizations: ids of the organizations that the key reads; None for all, present and future.
        expires_at: None for never.

    Raises:
        OrganizationNotFound: if an organization is outside the scope.
        ChangeRefused: if there is no organization, if the key would have expired already, or if it
            would read all organizations and the scope does not.
    """
    _check_new_key(scope, organizations, expires_at, now)
    secret = generate_api_key()
    with write_transaction():
        ids = sorted(organizations or ())
        acquire_advisory_lock(ACCOUNTS_LOCK)  # a merge of organizations moves their keys
        _check_organizations(scope, ids)
        key = ApiKey(
            name=name,
            token_hash=hash_token(secret),
            hint=secret[:HINT_LENGTH],
            all_organizations=organizations is None,
            created_by=by.name,
            created_at=now,
            expires_at=expires_at,
        )
        db.session.add(key)
        db.session.flush()
        if ids:
            db.session.execute(insert(ApiKeyOrganization), [{"key_id": key.id, "organization_id": id} for id in ids])
        facts = {"key": key.hint, "expires_at": None if expires_at is None else expires_at.isoformat()}
        target = AuditTarget(ObjectKind.KEY, key.id, key.name)
        record_event(AuditEventType.KEY_CREATED, target, by=by, now=now, organizations=ids, after=facts)
    return secret


def _check_new_key(
    scope: Scope, organizations: frozenset[int] | None, expires_at: datetime | None, now: datetime
) -> None:
    if expires_at is not None and expires_at <= now:
        raise ChangeRefused("The key would have expired already. Choose a later day.")
    if organizations is None and scope != EVERYTHING:
        raise ChangeRefused("Only a platform admin can create a key for all organizations.")
    if organizations is not None and not organizations:
        raise ChangeRefused("The key would read no organization. Select at least one.")


def _check_organizations(scope: Scope, ids: Collection[int]) -> None:
    is_usable = (Organization.id.in_(ids), Organization.merged_into_id.is_(None))
    existing = set(db.session.scalars(select(Organization.id).where(*is_usable)))
    for id in ids:
        if id not in existing or not scope.covers(id):
            raise OrganizationNotFound(f"There is no organization {id}.")


def revoke_api_key(scope: Scope, key_id: int, *, by: Actor, now: datetime) -> str:
    """Revoke an API key and return its name. Requests with it are refused from now on.

    Raises:
        KeyNotFound: if there is no such key, or it reads organizations outside the scope.
    """
    with write_transaction():
        key = db.session.get(ApiKey, key_id, with_for_update=True)  # so that the key is revoked once
        organizations = frozenset(
            db.session.scalars(select(ApiKeyOrganization.organization_id).where(ApiKeyOrganization.key_id == key_id))
        )
        if key is None or not (scope == EVERYTHING or (organizations and scope.covers_all(organizations))):
            raise KeyNotFound(f"There is no API key {key_id}.")
        if key.revoked_at is None:
            key.revoked_at = now
            facts = {"key": key.hint}
            target = AuditTarget(ObjectKind.KEY, key.id, key.name)
            record_event(AuditEventType.KEY_REVOKED, target, by=by, now=now, organizations=organizations, before=facts)
        return key.name
