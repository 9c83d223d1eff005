"""People as their admins see them, and what each sees of themselves: accounts, open invitations, sessions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select

from voiceadmin.accounts.models import Account, AccountSession, Membership, OneTimeLink
from voiceadmin.accounts.queries.credentials import LINK_COLUMNS, link_row
from voiceadmin.accounts.types import AccountRow, LinkPurpose, OneTimeLinkRow, OrganizationRole
from voiceadmin.database.base import db
from voiceadmin.errors import AccountNotFound
from voiceadmin.identity import EVERYTHING, Requester, Role, Scope, SessionRow
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import format_iso8601

_ACCOUNT_COLUMNS = (
    Account.id,
    Account.email,
    Account.name,
    Account.platform,
    Account.disabled_at,
    Account.created_at,
    select(func.max(AccountSession.last_active_at))
    .where(AccountSession.account_id == Account.id)
    .scalar_subquery()
    .label("last_active_at"),
)


def list_accounts(scope: Scope) -> list[AccountRow]:
    """Everybody with a role in the scope, by e-mail, in two statements. A whole scope shows those without one too."""
    return _accounts(scope, select(*_ACCOUNT_COLUMNS))


def export_accounts(scope: Scope, format: ExportFormat) -> Iterator[str]:
    """Everybody of that list as the text of a file, in pieces."""
    return format_records(FIELDS, map(_record, list_accounts(scope)), format)


FIELDS = ("id", "email", "name", "platform", "roles", "others_elsewhere", "disabled_at", "created_at", "last_active_at")


def _record(account: AccountRow) -> dict[str, Any]:
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
        "others_elsewhere": account.elsewhere,
        "disabled_at": account.disabled_at and format_iso8601(account.disabled_at),
        "created_at": format_iso8601(account.created_at),
        "last_active_at": account.last_active_at and format_iso8601(account.last_active_at),
    }


def get_account(scope: Scope, account_id: int) -> AccountRow:
    """One of them. Raises AccountNotFound."""
    found = _accounts(scope, select(*_ACCOUNT_COLUMNS).where(Account.id == account_id))
    if not found:
        raise AccountNotFound(f"There is no account {account_id}.")
    return found[0]


def get_own_account(requester: Requester) -> AccountRow:
    """The account of somebody who signed in, with all of its roles."""
    assert requester.account_id is not None  # noqa: S101  # the views that come here are for people who signed in
    return get_account(EVERYTHING, requester.account_id)


def _accounts(scope: Scope, statement: Any) -> list[AccountRow]:
    if scope != EVERYTHING:
        statement = statement.where(
            exists().where(Membership.account_id == Account.id, restrict_to_scope(scope, Membership.organization_id))
        )
    rows = db.session.execute(statement.order_by(Account.email_key)).all()
    roles: dict[int, list[OrganizationRole]] = defaultdict(list)
    elsewhere = set()
    granted = (
        select(Membership.account_id, Membership.role, Organization.id, Organization.name)
        .join_from(Membership, Organization)
        .where(Membership.account_id.in_([row.id for row in rows]))
        .order_by(Organization.name, Organization.id)
    )
    for account_id, role, organization_id, name in db.session.execute(granted):
        if scope.covers(organization_id):
            roles[account_id].append(OrganizationRole(organization_id, name, Role(role)))
        else:
            elsewhere.add(account_id)
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
            elsewhere=row.id in elsewhere,
        )
        for row in rows
    ]


def list_invitations(scope: Scope, now: datetime) -> list[OneTimeLinkRow]:
    """The invitations that nobody has used yet, the newest first."""
    found = (
        select(*LINK_COLUMNS)
        .outerjoin_from(OneTimeLink, Organization, Organization.id == OneTimeLink.organization_id)
        .where(
            OneTimeLink.purpose == LinkPurpose.INVITATION, OneTimeLink.used_at.is_(None), OneTimeLink.expires_at > now
        )
        .where(restrict_to_scope(scope, OneTimeLink.organization_id))
        .order_by(OneTimeLink.id.desc())
    )
    return [link_row(row) for row in db.session.execute(found)]


def list_sessions(
    scope: Scope, account_id: int, *, now: datetime, idle: timedelta, absolute: timedelta
) -> list[SessionRow]:
    """The sessions of somebody in the scope that have not ended, the last active first. Raises AccountNotFound."""
    get_account(scope, account_id)
    return _sessions(account_id, now=now, idle=idle, absolute=absolute)


def list_own_sessions(requester: Requester, *, now: datetime, idle: timedelta, absolute: timedelta) -> list[SessionRow]:
    """The sessions of somebody who signed in, the one that asks among them."""
    return (
        [] if requester.account_id is None else _sessions(requester.account_id, now=now, idle=idle, absolute=absolute)
    )


def _sessions(account_id: int, *, now: datetime, idle: timedelta, absolute: timedelta) -> list[SessionRow]:
    columns = [getattr(AccountSession, name) for name in SessionRow._fields]
    found = (
        select(*columns)
        .where(AccountSession.account_id == account_id)
        .where(AccountSession.last_active_at > now - idle, AccountSession.created_at > now - absolute)
        .order_by(AccountSession.last_active_at.desc(), AccountSession.id.desc())
    )
    return [SessionRow._make(row) for row in db.session.execute(found)]


def list_assignable_accounts(scope: Scope) -> dict[int, str]:
    """The e-mails, by account, of those who can act in an organization of the scope; in their order."""
    acts = (
        select(Membership.account_id)
        .where(restrict_to_scope(scope, Membership.organization_id), Membership.role >= Role.OPERATOR)
        .correlate(None)
    )
    found = (
        select(Account.id, Account.email)
        .where(Account.disabled_at.is_(None), Account.platform | Account.id.in_(acts))
        .order_by(Account.email_key)
    )
    return {row.id: row.email for row in db.session.execute(found)}
