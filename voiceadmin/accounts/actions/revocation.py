"""Revoke the sessions and one-time links of an account, everywhere or in one organization."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, update

from voiceadmin.accounts.actions.guards import has_all_roles_inside
from voiceadmin.accounts.actions.sessions import end_sessions, end_sessions_in
from voiceadmin.accounts.models import Account, Membership, OneTimeLink
from voiceadmin.database.base import db
from voiceadmin.identity import Scope


def revoke_access(account: Account, *, now: datetime) -> None:
    """End all sessions of an account, and void its open links.

    These are the password reset links for the account, and the links that it
    created for others: it may have lost the role that allowed them. Call
    inside a write transaction.
    """
    end_sessions(account.id)
    void_links(or_(OneTimeLink.account_id == account.id, OneTimeLink.created_by == account.id), now=now)


def revoke_access_in(organization_id: int, account: Account, *, now: datetime) -> None:
    """Revoke the access of an account to one organization, or all of it if the account has no role elsewhere.

    Ends its sessions there, and voids the links that it created for the organization: invitations to it, and password
    reset links for its members. Call inside a write transaction.
    """
    if has_all_roles_inside(Scope(frozenset({organization_id})), account):
        revoke_access(account, now=now)
        return
    end_sessions_in(organization_id, account.id)
    members = select(Membership.account_id).where(Membership.organization_id == organization_id)
    is_for_organization = or_(OneTimeLink.organization_id == organization_id, OneTimeLink.account_id.in_(members))
    void_links(OneTimeLink.created_by == account.id, is_for_organization, now=now)


def void_links(*conditions: ColumnElement[bool], now: datetime) -> None:
    """Mark the unused links that match all conditions as used. Call inside a write transaction."""
    db.session.execute(update(OneTimeLink).where(OneTimeLink.used_at.is_(None), *conditions).values(used_at=now))
