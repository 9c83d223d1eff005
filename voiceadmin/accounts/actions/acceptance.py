"""Accept a one-time link: create the first account, accept an invitation, or set a new password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, update

from voiceadmin.accounts.actions.events import record_account_event
from voiceadmin.accounts.actions.guards import ACCOUNTS_LOCK, account_target, get_role
from voiceadmin.accounts.actions.revocation import revoke_access
from voiceadmin.accounts.actions.roles import store_platform_admin, store_role
from voiceadmin.accounts.actions.sessions import SIGN_IN_REFUSED, check_password, create_session
from voiceadmin.accounts.models import Account, OneTimeLink
from voiceadmin.accounts.passwords import find_weakness, hash_password
from voiceadmin.accounts.queries.credentials import find_link, has_any_account
from voiceadmin.accounts.types import LinkPurpose, OneTimeLinkRow
from voiceadmin.audit.actions import Facts, record_event
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.errors import ChangeRefused, LinkRefused, SignInRefused
from voiceadmin.identity import Actor, ActorKind, Role
from voiceadmin.text import normalize_email

LINK_REFUSED = "This link has expired, was already used, or is incomplete."


class Acceptance(NamedTuple):
    """What accepting a link resulted in.

    Attributes:
        session_token: of the new session.
        void_organizations: the names of the organizations of an invitation in which it granted nothing, because it
            was revoked or replaced there, or its creator is no longer an admin.
    """

    session_token: str
    void_organizations: Sequence[str]


def accept_link(
    token: str, *, email: str, name: str, password: str, by: Actor, user_agent: str, now: datetime
) -> Acceptance:
    """Use a one-time link, and start a session.

    Args:
        email: of the first account; invitations and password reset links name their own.
        name: of a new account; "" for none.
        password: the existing one for an invitation of an account, otherwise a new one.

    Raises:
        LinkRefused: if the link is unknown, used or expired.
        ChangeRefused: if the new password is too weak.
        SignInRefused: if the existing password is wrong, or the account is disabled.
        RateLimited: if there were too many wrong passwords.
    """
    link = find_link(token, now)
    db.session.rollback()  # hashing is slow: keep no read transaction open
    if link is None:
        raise LinkRefused(LINK_REFUSED)
    if link.purpose is LinkPurpose.SETUP:
        link = replace(link, email=email)
    password_hash = _check_or_hash_password(link, name, password, by=by, now=now)
    with write_transaction():
        acquire_advisory_lock(ACCOUNTS_LOCK)
        used = replace(link, parts=_mark_used(link, now))
        account = _find_or_create_account(used, name, password_hash, by=by, now=now)
        actor = Actor(ActorKind.ACCOUNT, account.id, account.email, by.address)
        if link.purpose is LinkPurpose.RESET:
            _reset_password(account, password_hash, by=actor, now=now)
        elif link.purpose is LinkPurpose.INVITATION:
            for part in used.parts:
                _accept_invitation(account, part, by=actor, now=now)
        session_token = create_session(account.id, address=by.address or "", user_agent=user_agent, now=now)
    return Acceptance(session_token, [part.organization_name or "" for part in link.parts if part not in used.parts])


def _check_or_hash_password(link: OneTimeLinkRow, name: str, password: str, *, by: Actor, now: datetime) -> str:
    """Check the password of an invited account and return "", or return the hash of a new password."""
    if link.purpose is LinkPurpose.INVITATION and link.has_account:
        check_password(link.email, password, by=by, now=now)
        return ""
    weakness = find_weakness(password, link.email, name)
    if weakness:
        raise ChangeRefused(weakness)
    return hash_password(password)


def _mark_used(link: OneTimeLinkRow, now: datetime) -> list[OneTimeLinkRow]:
    """Mark the open parts of a link as used, and return them. Raises LinkRefused if another request was faster."""
    is_open_part = OneTimeLink.id.in_([part.id for part in link.parts]) & OneTimeLink.used_at.is_(None)
    ids = set(db.session.scalars(update(OneTimeLink).where(is_open_part).values(used_at=now).returning(OneTimeLink.id)))
    if not ids or (link.purpose is LinkPurpose.SETUP and has_any_account()):
        raise LinkRefused(LINK_REFUSED)
    return [part for part in link.parts if part.id in ids]


def _find_or_create_account(
    link: OneTimeLinkRow, name: str, password_hash: str, *, by: Actor, now: datetime
) -> Account:
    account = db.session.scalars(select(Account).where(Account.email_key == normalize_email(link.email))).one_or_none()
    if (account is not None) != link.has_account:
        raise LinkRefused(LINK_REFUSED)  # the account was created or removed while the password was hashed
    if account is None:
        return _create_account(link, name, password_hash, by=by, now=now)
    if account.disabled_at is not None:
        raise SignInRefused(SIGN_IN_REFUSED)
    return account


def _create_account(link: OneTimeLinkRow, name: str, password_hash: str, *, by: Actor, now: datetime) -> Account:
    """Create the account of a link, and record an event for each of its organizations."""
    account = Account(
        email=link.email,
        email_key=normalize_email(link.email),
        name=name.strip(),
        password_hash=password_hash,
        platform=link.purpose is LinkPurpose.SETUP,
        created_at=now,
    )
    db.session.add(account)
    db.session.flush()
    target = account_target(account)
    after = {"email": account.email, "platform": account.platform, "link": link.purpose.value}
    record_event(
        AuditEventType.ACCOUNT_CREATED,
        target,
        by=Actor(ActorKind.ACCOUNT, account.id, account.email, by.address),
        now=now,
        organizations=[part.organization_id for part in link.parts if part.organization_id is not None],
        after=after,
    )
    return account


def _reset_password(account: Account, password_hash: str, *, by: Actor, now: datetime) -> None:
    account.password_hash = password_hash
    revoke_access(account, now=now)
    record_account_event(
        AuditEventType.PASSWORD_CHANGED,
        account_target(account),
        by=by,
        now=now,
        after={"link": LinkPurpose.RESET.value},
    )


def _accept_invitation(account: Account, link: OneTimeLinkRow, *, by: Actor, now: datetime) -> None:
    """Grant the role of an invitation, unless the account has an equal or higher one. Records the event in any case."""
    before: Facts | None = None
    after: Facts | None = None
    if link.platform:
        if not account.platform:
            before, after = {"platform": False}, {"platform": True}
            store_platform_admin(account, on=True, now=now)
    elif link.organization_id is not None and link.role is not None:
        role = get_role(account.id, link.organization_id) or Role.ANYONE
        if role < link.role:
            before, after = {"role": role.slug}, {"role": link.role.slug}
            store_role(account, link.organization_id, link.role, now=now)
    record_account_event(
        AuditEventType.INVITATION_ACCEPTED,
        account_target(account),
        by=by,
        now=now,
        organization_id=link.organization_id,
        before=before,
        after=after,
    )
