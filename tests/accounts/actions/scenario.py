"""Actors, invitations, sessions and audit events that the tests of account actions share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from tests.conftest import NOW, SHELL
from tests.factories import create_invitation
from voiceadmin.accounts.actions.acceptance import accept_link
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
ADDRESS = "203.0.113.7"
ANONYMOUS = Actor(ActorKind.ANONYMOUS, None, "", ADDRESS)
NEW_PASSWORD = "a new one of 2026"


def actor(account: Account) -> Actor:
    return Actor(ActorKind.ACCOUNT, account.id, account.email, ADDRESS)


def scope(*organizations: Organization) -> Scope:
    return Scope(frozenset(organization.id for organization in organizations))


def use_link(
    token: str, *, email: str = "ada@example.com", name: str = "Ada", password: str = NEW_PASSWORD, now: datetime = NOW
) -> Requester:
    """Accept a link, and return the requester of the new session."""
    accepted = accept_link(token, email=email, name=name, password=password, by=ANONYMOUS, user_agent="x", now=now)
    found = find_session(accepted.session_token, ADDRESS)
    assert found is not None
    return found


def start_session(account: Account) -> str:
    with write_transaction():
        return create_session(account.id, address=ADDRESS, user_agent="x", now=NOW)


def count_sessions(account: Account) -> int:
    db.session.rollback()
    found = select(func.count()).select_from(AccountSession).where(AccountSession.account_id == account.id)
    return db.session.scalar(found) or 0


def read_roles(account: Account) -> dict[int, int]:
    db.session.rollback()
    found = select(Membership.organization_id, Membership.role).where(Membership.account_id == account.id)
    return {row.organization_id: row.role for row in db.session.execute(found)}


def list_audit_events() -> list[AuditEventRow]:
    """Return all audit events, oldest first."""
    return list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0][::-1]


def summarize_audit_events() -> list[tuple[Any, ...]]:
    """Return type, actor, object, organization, before and after of each audit event."""
    return [
        (row.event_type, row.actor_name, row.object_name, row.organization_id, row.before, row.after)
        for row in list_audit_events()
    ]


def invite(email: str, grant: Grant, now: datetime = NOW) -> str:
    return create_invitation(EVERYTHING, email, grant, by=SHELL, now=now)


def grant_at(organization: Organization, role: Role = Role.VIEWER) -> Grant:
    return Grant(organization.id, role)


PLATFORM = Grant(None, Role.PLATFORM)
