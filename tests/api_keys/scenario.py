"""API keys and audit events that the tests of actions and of the rate limiter share."""

from __future__ import annotations

from datetime import datetime

from tests.conftest import NOW
from voiceadmin.activity.queries import list_activity
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.api_keys.queries import find_api_key
from voiceadmin.api_keys.types import AuthenticatedKey
from voiceadmin.audit.types import AuditEventRow, AuditEventType, AuditFilters
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role, Scope, anonymous_requester

ADA = Actor(ActorKind.ACCOUNT, 77, "ada@example.com", "203.0.113.7")


def list_audit_events(*event_types: AuditEventType) -> list[AuditEventRow]:
    """Return the audit events of these types, oldest first."""
    return list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters(event_types=event_types))[0][::-1]


def create_key(
    organizations: frozenset[int] | None = None, *, scope: Scope = EVERYTHING, expires_at: datetime | None = None
) -> str:
    return create_api_key(scope, "status board", organizations, expires_at=expires_at, by=ADA, now=NOW)


def find_key(token: str) -> AuthenticatedKey:
    db.session.rollback()
    found = find_api_key(token)
    assert found is not None
    return found
