"""Revoke the sessions and one-time links of an account."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, or_, update

from voiceadmin.accounts.actions.sessions import end_sessions
from voiceadmin.accounts.models import Account, OneTimeLink
from voiceadmin.database.base import db


def revoke_access(account: Account, *, now: datetime) -> None:
    """End all sessions of an account, and void its open links.

    These are the password reset links for the account, and the links that it
    created for others: it may have lost the role that allowed them. Call
    inside a write transaction.
    """
    end_sessions(account.id)
    void_links(or_(OneTimeLink.account_id == account.id, OneTimeLink.created_by == account.id), now=now)


def void_links(*conditions: ColumnElement[bool], now: datetime) -> None:
    """Mark the unused links that match all conditions as used. Call inside a write transaction."""
    db.session.execute(update(OneTimeLink).where(OneTimeLink.used_at.is_(None), *conditions).values(used_at=now))
