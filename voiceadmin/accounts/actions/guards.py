"""Checks of the actions on accounts: whom an admin may manage, and that a platform admin remains."""

from __future__ import annotations

from sqlalchemy import select

from voiceadmin.accounts.models import Account, Membership
from voiceadmin.accounts.types import Grant
from voiceadmin.audit.types import AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock
from voiceadmin.errors import AccountNotFound, ChangeRefused, OrganizationNotFound
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role, Scope
from voiceadmin.organizations.models import Organization

# Serializes changes of accounts, roles, links and keys: two admins cannot demote each other, a change that is sent
# twice is made and recorded once, and a merge of organizations leaves none behind.
ACCOUNTS_LOCK = "account"


def check_grant(scope: Scope, grant: Grant) -> None:
    """Check that an admin of the scope may grant this role. Its organization exists until the transaction ends.

    Raises:
        ChangeRefused: if the role is platform admin and the scope is not all organizations.
        OrganizationNotFound: if the organization does not exist or is outside the scope.
    """
    acquire_advisory_lock(ACCOUNTS_LOCK)
    if grant.organization_id is None:
        if scope != EVERYTHING:
            raise ChangeRefused("Only platform admins can grant the role of platform admin.")
    elif not scope.covers(grant.organization_id) or not _is_organization(grant.organization_id):
        raise OrganizationNotFound(f"There is no organization {grant.organization_id}.")


def _is_organization(organization_id: int) -> bool:
    """Return whether an organization exists and was not merged into another one."""
    organization = db.session.get(Organization, organization_id)
    return organization is not None and organization.merged_into_id is None


def get_visible_account(scope: Scope, account_id: int) -> Account:
    """Return an account that has a role inside the scope.

    Raises:
        AccountNotFound: if there is no such account, or it has no role inside the scope.
    """
    account = db.session.get(Account, account_id)
    if account is None or not (scope == EVERYTHING or any(map(scope.covers, list_organization_ids(account_id)))):
        raise AccountNotFound(f"There is no account {account_id}.")
    return account


def get_managed_account(scope: Scope, account_id: int) -> Account:
    """Return an account whose roles all lie inside the scope.

    Otherwise an admin of one organization could take over the account of
    another one, for example with a password reset link.

    Raises:
        AccountNotFound: if there is no such account, or it has no role inside the scope.
        ChangeRefused: if the account has roles outside the scope too.
    """
    account = get_visible_account(scope, account_id)
    if not has_all_roles_inside(scope, account):
        raise ChangeRefused(
            f"{account.email} also has roles outside your organizations. "
            "Remove the role in your organization, or ask a platform admin."
        )
    return account


def has_all_roles_inside(scope: Scope, account: Account) -> bool:
    """Return whether all roles of an account lie inside the scope."""
    return scope == EVERYTHING or (not account.platform and scope.covers_all(list_organization_ids(account.id)))


def is_own_account(account: Account, by: Actor) -> bool:
    """Return whether the actor is this account."""
    return by.kind is ActorKind.ACCOUNT and by.id == account.id


def refuse_own_account(account: Account, by: Actor, what: str) -> None:
    """Raise ChangeRefused if the actor is this account. what: the attribute to change, such as "role"."""
    if is_own_account(account, by):
        raise ChangeRefused(f"This is your own {what}. Ask another admin to change it.")


def refuse_last_platform_admin(account: Account) -> None:
    """Raise ChangeRefused if no other enabled account is a platform admin."""
    others = select(Account.id).where(Account.platform, Account.disabled_at.is_(None), Account.id != account.id)
    if db.session.scalars(others.limit(1)).first() is None:
        raise ChangeRefused(f"{account.email} is the last platform admin. Make another account a platform admin first.")


def get_role(account_id: int, organization_id: int) -> Role | None:
    """Return the role of an account in an organization, None if it has none."""
    role = db.session.scalar(
        select(Membership.role).where(
            Membership.account_id == account_id, Membership.organization_id == organization_id
        )
    )
    return None if role is None else Role(role)


def account_target(account: Account) -> AuditTarget:
    """Return an account as the target of an audit event."""
    return AuditTarget(ObjectKind.ACCOUNT, account.id, account.email)


def list_organization_ids(account_id: int) -> frozenset[int]:
    """Return the ids of the organizations in which an account has a role."""
    return frozenset(db.session.scalars(select(Membership.organization_id).where(Membership.account_id == account_id)))
