"""Change the roles of accounts.

`scope` holds the organizations that the actor administers: all of them for
platform admins and for the CLI. Accounts outside of it are not found.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete

from voiceadmin.accounts.actions.events import record_account_event
from voiceadmin.accounts.actions.guards import (
    ACCOUNTS_LOCK,
    account_target,
    check_grant,
    get_managed_account,
    get_role,
    get_visible_account,
    refuse_last_platform_admin,
    refuse_own_account,
)
from voiceadmin.accounts.actions.revocation import revoke_access, revoke_access_in, void_links
from voiceadmin.accounts.models import Account, Membership, OneTimeLink
from voiceadmin.accounts.types import Grant
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.identity import Actor, Role, Scope


def change_role(
    scope: Scope, account_id: int, organization_id: int, role: Role | None, *, by: Actor, now: datetime
) -> str:
    """Set the role of an account in an organization, end its sessions there, and return its e-mail.

    Args:
        role: the new role; None removes the account from the organization.

    Raises:
        AccountNotFound: if the account is outside the scope.
        OrganizationNotFound: if the organization is outside the scope.
        ChangeRefused: if it is the actor's own account.
    """
    with write_transaction():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        account = get_visible_account(scope, account_id)
        check_grant(scope, Grant(organization_id, role or Role.VIEWER))
        refuse_own_account(account, by, "role")
        before = get_role(account.id, organization_id)
        if before is not role:
            store_role(account, organization_id, role, now=now)
            record_account_event(
                AuditEventType.ROLE_CHANGED,
                account_target(account),
                by=by,
                now=now,
                organization_id=organization_id,
                before={"role": (before or Role.ANYONE).slug},
                after={"role": (role or Role.ANYONE).slug},
            )
        return account.email


def set_platform_admin(scope: Scope, account_id: int, *, on: bool, by: Actor, now: datetime) -> str:
    """Make an account a platform admin or not, end its sessions, and return its e-mail.

    Raises:
        AccountNotFound: if the account is outside the scope.
        ChangeRefused: if it is the actor's own account, or the last platform admin.
    """
    with write_transaction():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        account = get_managed_account(scope, account_id)
        check_grant(scope, Grant(None, Role.PLATFORM))
        refuse_own_account(account, by, "role")
        if account.platform != on:
            if not on:
                refuse_last_platform_admin(account)
            store_platform_admin(account, on=on, now=now)
            record_account_event(
                AuditEventType.ROLE_CHANGED,
                account_target(account),
                by=by,
                now=now,
                before={"platform": not on},
                after={"platform": on},
            )
        return account.email


def store_role(account: Account, organization_id: int, role: Role | None, *, now: datetime) -> None:
    """Write or delete a membership and revoke what the former role allowed. Call inside a write transaction."""
    if get_role(account.id, organization_id) is None:
        # An admin of the only organization that the account had may have created a reset link. With it, that admin
        # could now enter this organization.
        void_links(OneTimeLink.account_id == account.id, now=now)
    if role is None:
        db.session.execute(
            delete(Membership).where(Membership.account_id == account.id, Membership.organization_id == organization_id)
        )
    else:
        row = {"account_id": account.id, "organization_id": organization_id, "role": int(role)}
        db.session.execute(upsert_statement(Membership), [row])
    revoke_access_in(organization_id, account, now=now)


def store_platform_admin(account: Account, *, on: bool, now: datetime) -> None:
    """Write whether an account is a platform admin and revoke what it was before. Call inside a write transaction."""
    account.platform = on
    revoke_access(account, now=now)
