"""Record audit events about accounts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from voiceadmin.accounts.models import Account, Membership
from voiceadmin.audit.actions import Facts, record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget
from voiceadmin.database.base import db
from voiceadmin.identity import Actor
from voiceadmin.text import normalize_email


def record_account_event(
    event_type: AuditEventType,
    account: AuditTarget,
    *,
    by: Actor,
    now: datetime,
    organization_id: int | None = None,
    before: Facts | None = None,
    after: Facts | None = None,
) -> None:
    """Record an audit event about an account. Call inside a write transaction.

    Args:
        account: known by its e-mail. For a failed sign-in its id is None, and there may be no such account.
        organization_id: the only organization that the event concerns; None for all in which the account has a role.
    """
    organizations = _list_organizations(account.name) if organization_id is None else [organization_id]
    record_event(event_type, account, by=by, now=now, organizations=organizations, before=before, after=after)


def _list_organizations(email: str) -> Sequence[int]:
    """Return the ids of the organizations in which the account with this e-mail has a role."""
    memberships = select(Membership.organization_id).join(Account, Account.id == Membership.account_id)
    return db.session.scalars(memberships.where(Account.email_key == normalize_email(email))).all()
