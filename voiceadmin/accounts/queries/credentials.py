"""Look up sessions and one-time links by their secret tokens. The token replaces the scope."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import exists, select

from voiceadmin.accounts.models import Account, OneTimeLink
from voiceadmin.accounts.types import MAX_GRANTS, LinkPurpose, OneTimeLinkRow
from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_first_row, string_agg
from voiceadmin.database.types import parse_timestamp
from voiceadmin.identity import Actor, ActorKind, Requester, Role, SessionRow
from voiceadmin.organizations.models import Organization
from voiceadmin.text import normalize_email
from voiceadmin.tokens import hash_token, list_token_hashes


def find_session(token: str, address: str | None) -> Requester | None:
    """Return the requester of a session, without checking its age.

    Args:
        token: of the session's cookie.
        address: of the request.

    Returns:
        None if there is no such session, or its account is disabled.
    """
    row = fetch_first_row(_session_sql(string_agg("o.id || ':' || m.role")), {"hash": hash_token(token)})
    if row is None:
        return None
    (
        id,
        account_id,
        created_at,
        last_active_at,
        reauthenticated_at,
        session_address,
        user_agent,
        email,
        platform,
        grants,
        ended_role_count,
    ) = row
    session = SessionRow(
        id,
        account_id,
        parse_timestamp(created_at),
        parse_timestamp(last_active_at),
        parse_timestamp(reauthenticated_at),
        session_address,
        user_agent,
    )
    return Requester(
        Actor(ActorKind.ACCOUNT, account_id, email, address),
        roles=dict(map(_parse_grant, grants.split(","))) if grants else {},
        global_role=Role.PLATFORM if platform else Role.ANYONE,
        session=session,
        has_ended_roles=ended_role_count > 0,
    )


def _parse_grant(text: str) -> tuple[int, Role]:
    organization, _, role = text.partition(":")
    return int(organization), Role(int(role))


@cache
def _session_sql(grants: str) -> str:
    return (
        "SELECT s.id, s.account_id, s.created_at, s.last_active_at, s.reauthenticated_at, s.address, s.user_agent,"
        " a.email, a.platform,"
        # A role holds for the organizations that were merged into its organization, too.
        f" (SELECT {grants} FROM membership m JOIN organization o ON m.organization_id IN (o.id, o.merged_into_id)"
        " WHERE m.account_id = a.id AND m.ended_session_id < s.id) AS grants,"
        " (SELECT count(*) FROM membership WHERE account_id = a.id AND ended_session_id >= s.id) AS ended_role_count"
        " FROM account_session s JOIN account a ON a.id = s.account_id"
        " WHERE s.token_hash = :hash AND a.disabled_at IS NULL"
    )


def find_link(token: str, now: datetime) -> OneTimeLinkRow | None:
    """Return the open link of a token. None: it is unknown, used or expired, or a set-up link while accounts exist."""
    rows = db.session.execute(
        select(*LINK_COLUMNS)
        .outerjoin_from(OneTimeLink, Organization, Organization.id == OneTimeLink.organization_id)
        .where(OneTimeLink.token_hash.in_(list_token_hashes(token, MAX_GRANTS)), OneTimeLink.expires_at > now)
        .order_by(OneTimeLink.id)
    )
    parts = [as_link_row(row) for row in rows]
    link = next((part for part in parts if part.is_open), None)
    if link is None or (link.purpose is LinkPurpose.SETUP and has_any_account()):
        return None
    return replace(link, has_account=has_account(link.email), parts=parts)


LINK_COLUMNS = (
    OneTimeLink.id,
    OneTimeLink.purpose,
    OneTimeLink.email,
    OneTimeLink.organization_id,
    Organization.name,
    OneTimeLink.role,
    OneTimeLink.platform,
    OneTimeLink.created_at,
    OneTimeLink.expires_at,
    OneTimeLink.account_id,
    OneTimeLink.used_at.is_(None),
)


def as_link_row(row: Any) -> OneTimeLinkRow:
    """Convert a row of LINK_COLUMNS."""
    values = list(row)
    values[1] = LinkPurpose(values[1])
    values[5] = None if values[5] is None else Role(values[5])
    return OneTimeLinkRow(*values)


def has_account(email: str) -> bool:
    """Return whether there is an account with this e-mail."""
    return bool(db.session.scalar(select(exists().where(Account.email_key == normalize_email(email)))))


def has_any_account() -> bool:
    """Return whether there is any account, disabled ones included."""
    return bool(db.session.scalar(select(exists().where(Account.id > 0))))
