"""What the tests of actions on accounts share: people, invitations, and the audit events that they leave."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from tests.conftest import NOW, SHELL
from voiceadmin.accounts.actions.acceptance import accept_link
from voiceadmin.accounts.actions.links import create_invitation
from voiceadmin.accounts.actions.sessions import create_session
from voiceadmin.accounts.models import Account, AccountSession, Membership
from voiceadmin.accounts.queries.credentials import find_session
from voiceadmin.accounts.types import Grant
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditEventRow, AuditFilters
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Requester, Role, Scope, anonymous_requester
from voiceadmin.organizations.models import Organization

SECOND = timedelta(seconds=1)
HOME = "203.0.113.7"
VISITOR = Actor(ActorKind.ANONYMOUS, None, "", HOME)
NEW = "a new one of 2026"


def actor(account: Account) -> Actor:
    return Actor(ActorKind.ACCOUNT, account.id, account.email, HOME)


def scope(*organizations: Organization) -> Scope:
    return Scope(frozenset(organization.id for organization in organizations))


def come_in(
    token: str, *, email: str = "ada@example.com", name: str = "Ada", password: str = NEW, now: datetime = NOW
) -> Requester:
    """Use a link: whoever that lets in."""
    session = accept_link(token, email=email, name=name, password=password, by=VISITOR, user_agent="x", now=now)
    found = find_session(session, HOME)
    assert found is not None
    return found


def signed_in(account: Account) -> str:
    with write_transaction():
        return create_session(account.id, address=HOME, user_agent="x", now=NOW)


def sessions(account: Account) -> int:
    db.session.rollback()
    found = select(func.count()).select_from(AccountSession).where(AccountSession.account_id == account.id)
    return db.session.scalar(found) or 0


def roles(account: Account) -> dict[int, int]:
    db.session.rollback()
    found = select(Membership.organization_id, Membership.role).where(Membership.account_id == account.id)
    return {row.organization_id: row.role for row in db.session.execute(found)}


def trail() -> list[AuditEventRow]:
    """All lines, the oldest first."""
    return list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0][::-1]


def told() -> list[tuple[Any, ...]]:
    """Word, actor, object, organization, before and after of each line."""
    return [
        (row.event_type, row.actor_name, row.object_name, row.organization_id, row.before, row.after) for row in trail()
    ]


def invited(email: str, grant: Grant, now: datetime = NOW) -> str:
    return create_invitation(EVERYTHING, email, grant, by=SHELL, now=now)


def at(organization: Organization, role: Role = Role.VIEWER) -> Grant:
    return Grant(organization.id, role)


PLATFORM = Grant(None, Role.PLATFORM)
