"""List accounts, open invitations and sessions, for admins and for the owners of the accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, true

from voiceadmin.accounts.models import Account, AccountSession, Membership, OneTimeLink
from voiceadmin.accounts.queries.credentials import LINK_COLUMNS, as_link_row
from voiceadmin.accounts.types import AccountRow, LinkPurpose, OneTimeLinkRow, OrganizationRole
from voiceadmin.database.base import db
from voiceadmin.database.dialect import build_ids_condition, fetch_rows
from voiceadmin.errors import AccountNotFound
from voiceadmin.identity import EVERYTHING, Requester, Role, Scope, SessionRow
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import format_iso8601, normalize_email

_ACCOUNT_COLUMNS = (
    Account.id,
    Account.email,
    Account.name,
    Account.platform,
    Account.disabled_at,
    Account.created_at,
)


def list_accounts(scope: Scope) -> list[AccountRow]:
    """Return the accounts with a role in the scope, by e-mail; for all organizations also those without a role.

    Executes two statements regardless of the number of accounts.
    """
    return _list_accounts(scope)


def export_accounts(scope: Scope, format: ExportFormat) -> Iterator[str]:
    """Yield the same accounts as the lines of a file."""
    return format_records(FIELDS, map(_as_record, list_accounts(scope)), format)


FIELDS = (
    "id",
    "email",
    "name",
    "platform",
    "roles",
    "has_other_roles",
    "disabled_at",
    "created_at",
    "last_active_at",
)


def _as_record(account: AccountRow) -> dict[str, Any]:
    roles = [
        {"organization_id": role.organization_id, "organization": role.organization_name, "role": role.role.slug}
        for role in account.roles
    ]
    return {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "platform": account.platform,
        "roles": roles,
        "has_other_roles": account.has_other_roles,
        "disabled_at": account.disabled_at and format_iso8601(account.disabled_at),
        "created_at": format_iso8601(account.created_at),
        "last_active_at": account.last_active_at and format_iso8601(account.last_active_at),
    }


def get_account(scope: Scope, account_id: int) -> AccountRow:
    """Return an account with a role in the scope.

    Raises:
        AccountNotFound: if there is none.
    """
    accounts = _list_accounts(scope, Account.id == account_id)
    if not accounts:
        raise AccountNotFound(f"There is no account {account_id}.")
    return accounts[0]


def find_account_id(email: str) -> int:
    """Return the id of the account with an e-mail.

    Raises:
        AccountNotFound: if there is none.
    """
    account_id = db.session.scalar(select(Account.id).where(Account.email_key == normalize_email(email)))
    if account_id is None:
        raise AccountNotFound(f"There is no account with the e-mail {email}.")
    return account_id


def get_own_account(requester: Requester) -> AccountRow:
    """Return the account of a signed-in requester, with all its roles."""
    assert requester.account_id is not None  # noqa: S101  # only for views that require a session
    return get_account(EVERYTHING, requester.account_id)


def _list_accounts(scope: Scope, *conditions: ColumnElement[bool]) -> list[AccountRow]:
    last_active_at = select(func.max(AccountSession.last_active_at)).where(
        AccountSession.account_id == Account.id, _is_open_in(scope)
    )
    statement = select(*_ACCOUNT_COLUMNS, last_active_at.scalar_subquery().label("last_active_at")).where(*conditions)
    if scope != EVERYTHING:
        statement = statement.where(
            exists().where(Membership.account_id == Account.id, restrict_to_scope(scope, Membership.organization_id))
        )
    rows = db.session.execute(statement.order_by(Account.email_key)).all()
    roles: dict[int, list[OrganizationRole]] = defaultdict(list)
    with_other_roles = set()
    memberships = (
        select(Membership.account_id, Membership.role, Organization.id, Organization.name)
        .join_from(Membership, Organization)
        .where(Membership.account_id.in_([row.id for row in rows]))
        .order_by(Organization.name, Organization.id)
    )
    for account_id, role, organization_id, name in db.session.execute(memberships):
        if scope.covers(organization_id):
            roles[account_id].append(OrganizationRole(organization_id, name, Role(role)))
        else:
            with_other_roles.add(account_id)
    return [
        AccountRow(
            id=row.id,
            email=row.email,
            name=row.name,
            platform=row.platform,
            disabled_at=row.disabled_at,
            created_at=row.created_at,
            last_active_at=row.last_active_at,
            roles=roles[row.id],
            has_other_roles=row.id in with_other_roles,
        )
        for row in rows
    ]


def list_invitations(scope: Scope, now: datetime) -> list[OneTimeLinkRow]:
    """Return the invitations that were not accepted, revoked or expired yet, newest first."""
    invitations = (
        select(*LINK_COLUMNS)
        .outerjoin_from(OneTimeLink, Organization, Organization.id == OneTimeLink.organization_id)
        .where(
            OneTimeLink.purpose == LinkPurpose.INVITATION,
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now,
            restrict_to_scope(scope, OneTimeLink.organization_id),
        )
        .order_by(OneTimeLink.id.desc())
    )
    return [as_link_row(row) for row in db.session.execute(invitations)]


def list_sessions(
    scope: Scope, account_id: int, *, now: datetime, idle: timedelta, absolute: timedelta
) -> list[SessionRow]:
    """Return the open sessions of an account, last active first.

    Raises:
        AccountNotFound: if the account has no role in the scope.
    """
    get_account(scope, account_id)
    return _list_sessions(scope, account_id, now=now, idle=idle, absolute=absolute)


def list_own_sessions(requester: Requester, *, now: datetime, idle: timedelta, absolute: timedelta) -> list[SessionRow]:
    """Return the open sessions of the requester's account, the current one included, last active first."""
    if requester.account_id is None:
        return []
    return _list_sessions(EVERYTHING, requester.account_id, now=now, idle=idle, absolute=absolute)


def _list_sessions(
    scope: Scope, account_id: int, *, now: datetime, idle: timedelta, absolute: timedelta
) -> list[SessionRow]:
    sessions = (
        select(*[getattr(AccountSession, name) for name in SessionRow._fields])
        .where(
            AccountSession.account_id == account_id,
            AccountSession.last_active_at > now - idle,
            AccountSession.created_at > now - absolute,
            _is_open_in(scope),
        )
        .order_by(AccountSession.last_active_at.desc(), AccountSession.id.desc())
    )
    return [SessionRow._make(row) for row in db.session.execute(sessions)]


def _is_open_in(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a session has not ended in all organizations of the scope."""
    if scope == EVERYTHING:
        return true()
    return exists().where(
        Membership.account_id == AccountSession.account_id,
        Membership.ended_session_id < AccountSession.id,
        restrict_to_scope(scope, Membership.organization_id),
    )


def list_assignable_accounts(scope: Scope) -> dict[int, str]:
    """Return the e-mails by account id of the accounts that can act on voices of the scope, in their order."""
    in_scope, parameters = "TRUE", dict[str, Any]()
    if scope.organizations is not None:
        in_scope, parameters = build_ids_condition("organization_id", sorted(scope.organizations))
    rows = fetch_rows(
        "SELECT id, email FROM account WHERE disabled_at IS NULL AND (platform OR id IN (SELECT account_id"
        f" FROM membership WHERE role >= :role AND {in_scope})) ORDER BY email_key",
        parameters | {"role": int(Role.OPERATOR)},
    )
    return dict(rows)
