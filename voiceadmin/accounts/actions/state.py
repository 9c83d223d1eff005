"""Disable and enable accounts, and end their sessions.

`scope` holds the organizations that the actor administers: all of them for
platform admins and for the CLI. Accounts outside of it are not found.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from voiceadmin.accounts.actions.events import record_account_event
from voiceadmin.accounts.actions.guards import (
    ACCOUNTS_LOCK,
    account_target,
    get_managed_account,
    get_visible_account,
    has_all_roles_inside,
    is_own_account,
    list_organization_ids,
    refuse_last_platform_admin,
    refuse_own_account,
)
from voiceadmin.accounts.actions.revocation import revoke_access
from voiceadmin.accounts.actions.sessions import end_sessions, end_sessions_in
from voiceadmin.accounts.models import Account, AccountSession
from voiceadmin.audit.actions import record_event
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Scope


def disable_account(scope: Scope, account_id: int, *, by: Actor, now: datetime) -> str:
    """Disable an account, end its sessions, and return its e-mail.

    Raises:
        AccountNotFound: if the account is outside the scope.
        ChangeRefused: if it is the actor's own account, or the last platform admin.
    """
    with write_transaction():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        account = get_managed_account(scope, account_id)
        refuse_own_account(account, by, "account")
        if account.platform:
            refuse_last_platform_admin(account)
        if account.disabled_at is None:
            account.disabled_at = now
            revoke_access(account, now=now)
            record_account_event(AuditEventType.ACCOUNT_DISABLED, account_target(account), by=by, now=now)
        return account.email


def enable_account(scope: Scope, account_id: int, *, by: Actor, now: datetime) -> str:
    """Enable a disabled account and return its e-mail.

    Raises:
        AccountNotFound: if the account is outside the scope.
        ChangeRefused: if a platform admin disabled the account, and the scope is not all organizations.
    """
    with write_transaction():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        account = get_managed_account(scope, account_id)
        if account.disabled_at is not None:
            if scope != EVERYTHING and _is_disabled_by_platform(account):
                raise ChangeRefused(
                    f"A platform admin disabled {account.email}. Ask a platform admin to enable the account."
                )
            account.disabled_at = None
            record_account_event(AuditEventType.ACCOUNT_ENABLED, account_target(account), by=by, now=now)
        return account.email


def _is_disabled_by_platform(account: Account) -> bool:
    """Return whether a platform admin or a command disabled the account, as the audit log says."""
    disabled = db.session.execute(
        select(AuditEvent.actor_kind, Account.platform)
        .outerjoin_from(AuditEvent, Account, Account.id == AuditEvent.actor_id)
        .where(AuditEvent.event_type == AuditEventType.ACCOUNT_DISABLED, AuditEvent.object_id == account.id)
        .order_by(AuditEvent.id.desc())
        .limit(1)
    ).one_or_none()
    return disabled is not None and (disabled.actor_kind == ActorKind.CLI or bool(disabled.platform))


def end_account_sessions(scope: Scope, account_id: int, *, by: Actor, now: datetime) -> int:
    """End the sessions of an account and return how many there were.

    If the account has roles outside the scope, its sessions end only in the organizations of the scope.

    Raises:
        AccountNotFound: if the account is outside the scope.
        ChangeRefused: if it is a platform admin, and the scope is not all organizations.
    """
    with write_transaction():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        account = get_visible_account(scope, account_id)
        if account.platform:
            get_managed_account(scope, account_id)
        if not (has_all_roles_inside(scope, account) or is_own_account(account, by)):
            return _end_sessions_inside(scope, account, by=by, now=now)
        count = end_sessions(account.id)
        if count:
            target, facts = account_target(account), {"sessions": count}
            record_account_event(AuditEventType.SESSION_ENDED, target, by=by, now=now, after=facts)
        return count


def _end_sessions_inside(scope: Scope, account: Account, *, by: Actor, now: datetime) -> int:
    """End the sessions of an account in each organization of the scope and return how many there were."""
    counts = {id: end_sessions_in(id, account.id) for id in list_organization_ids(account.id) if scope.covers(id)}
    organizations = [id for id, count in counts.items() if count]
    count = max(counts.values())
    if count:
        target, facts = account_target(account), {"sessions": count}
        record_event(AuditEventType.SESSION_ENDED, target, by=by, now=now, organizations=organizations, after=facts)
    return count


def end_all_sessions(*, by: Actor, now: datetime) -> int:
    """End the sessions of all accounts, the actor's included, and return how many there were."""
    with write_transaction():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        account_ids = set(db.session.scalars(select(AccountSession.account_id)))
        count = sum(end_sessions(account_id) for account_id in account_ids)
        if count:
            target = AuditTarget(ObjectKind.DATABASE, None, "all accounts")
            facts = {"sessions": count, "accounts": len(account_ids)}
            record_event(AuditEventType.SESSION_ENDED, target, by=by, now=now, after=facts)
        return count
