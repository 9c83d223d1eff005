"""Sign in and out, keep sessions alive, and confirm passwords."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from voiceadmin.accounts import passwords
from voiceadmin.accounts.actions.attempts import Attempt, acquire_attempt, return_attempt
from voiceadmin.accounts.actions.events import record_account_event
from voiceadmin.accounts.models import Account, AccountSession, Membership
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import (
    WriteUnavailable,
    execute_and_count,
    optional_write_transaction,
    write_transaction,
)
from voiceadmin.errors import SessionNotFound, SignInRefused
from voiceadmin.identity import Actor, ActorKind, Requester, SessionRow
from voiceadmin.rate_limits.actions import delete_full_buckets
from voiceadmin.text import normalize_email, quote_value
from voiceadmin.tokens import generate_token, hash_token

ACTIVITY_PRECISION = timedelta(minutes=1)  # limits writes to one per minute and session

MAX_USER_AGENT = 300  # characters; the longest user agents of real browsers have about 200

SIGN_IN_REFUSED = "The e-mail or the password is wrong. Check both. An admin can send you a link for a new password."
PASSWORD_REFUSED = "This is not the password of your account. Type it again."  # noqa: S105  # a message


def sign_in(
    email: str, password: str, *, address: str, device: str = "", user_agent: str, idle: timedelta, now: datetime
) -> str:
    """Check a password, start a session, and return its token, which is not stored and cannot be read again.

    Args:
        device: the id of a device on which the account has signed in before, "" for others.
        idle: how long a session lasts without activity; older ones of all accounts are deleted.

    Raises:
        SignInRefused: if the password is wrong, or there is no such account, or it is disabled; the message does not
            tell which.
        RateLimited: if there were too many wrong passwords.
    """
    anonymous = Actor(ActorKind.ANONYMOUS, None, "", address)
    key = normalize_email(email)
    statement = select(Account.id, Account.email, Account.password_hash).where(
        Account.email_key == key, Account.disabled_at.is_(None)
    )
    attempt = Attempt(key, address, device)
    acquire_attempt(attempt, AuditTarget(ObjectKind.ACCOUNT, None, email), by=anonymous, now=now)
    row = db.session.execute(statement).one_or_none()
    account_id, stored_email, stored_hash = row or (None, email, None)
    db.session.rollback()  # hashing is slow: keep no read transaction open
    if not passwords.is_password(password, stored_hash):
        with write_transaction():
            target = AuditTarget(ObjectKind.ACCOUNT, account_id, stored_email)
            record_account_event(AuditEventType.SIGN_IN_FAILED, target, by=anonymous, now=now)
        raise SignInRefused(SIGN_IN_REFUSED)
    is_outdated = stored_hash is not None and passwords.is_outdated(stored_hash)
    new_hash = passwords.hash_password(password) if is_outdated else stored_hash
    with write_transaction():
        row = db.session.execute(statement.with_for_update()).one_or_none()
        if (
            row is None or row.password_hash != stored_hash
        ):  # the account was disabled or its password changed in the meantime
            raise SignInRefused(SIGN_IN_REFUSED)
        if is_outdated:
            db.session.execute(update(Account).where(Account.id == row.id).values(password_hash=new_hash))
        return_attempt(attempt, now)
        _delete_expired(idle, now)
        by = Actor(ActorKind.ACCOUNT, row.id, row.email, address)
        record_account_event(
            AuditEventType.SIGNED_IN, AuditTarget(ObjectKind.ACCOUNT, row.id, row.email), by=by, now=now
        )
        return create_session(row.id, address=address, user_agent=user_agent, now=now)


def _delete_expired(idle: timedelta, now: datetime) -> None:
    delete_full_buckets(now)
    db.session.execute(delete(AccountSession).where(AccountSession.last_active_at < now - idle))


def create_session(account_id: int, *, address: str, user_agent: str, now: datetime) -> str:
    """Create a session of an account whose password was checked, and return its token.

    Call inside a write transaction.
    """
    token = generate_token()
    db.session.execute(
        insert(AccountSession).values(
            token_hash=hash_token(token),
            account_id=account_id,
            created_at=now,
            last_active_at=now,
            reauthenticated_at=now,
            address=address,
            user_agent=quote_value(user_agent, MAX_USER_AGENT)[1:-1],
        )
    )
    return token


def check_password(email: str, password: str, *, by: Actor, now: datetime) -> int:
    """Check the password of an account and return the id of the account. Records a wrong one in the audit log.

    Raises:
        SignInRefused: if the password is wrong, or the account is disabled.
        RateLimited: if there were too many wrong passwords.
    """
    key = normalize_email(email)
    has_session = by.kind is ActorKind.ACCOUNT and normalize_email(by.name) == key
    attempt = Attempt(key, by.address or "", has_session=has_session)
    acquire_attempt(attempt, AuditTarget(ObjectKind.ACCOUNT, None, email), by=by, now=now)
    statement = select(Account.id, Account.password_hash).where(Account.email_key == key, Account.disabled_at.is_(None))
    account_id, stored_hash = db.session.execute(statement).one_or_none() or (None, None)
    db.session.rollback()  # hashing is slow: keep no read transaction open
    if account_id is None or not passwords.is_password(password, stored_hash):
        with write_transaction():
            target = AuditTarget(ObjectKind.ACCOUNT, account_id, email)
            record_account_event(AuditEventType.PASSWORD_CONFIRMATION_FAILED, target, by=by, now=now)
        raise SignInRefused(PASSWORD_REFUSED)
    with write_transaction():
        return_attempt(attempt, now)
    return account_id


def confirm_password(requester: Requester, password: str, *, now: datetime) -> None:
    """Check the requester's password again, which allows sensitive actions for REAUTH_TTL.

    Raises:
        SignInRefused: if the password is wrong.
        RateLimited: if there were too many wrong passwords.
    """
    session, by = _get_session(requester), requester.actor
    check_password(by.name, password, by=by, now=now)
    with write_transaction():
        db.session.execute(update(AccountSession).where(AccountSession.id == session.id).values(reauthenticated_at=now))
        target = AuditTarget(ObjectKind.ACCOUNT, session.account_id, by.name)
        record_account_event(AuditEventType.PASSWORD_CONFIRMED, target, by=by, now=now)


def touch_session(requester: Requester, *, now: datetime) -> Requester:
    """Record that the requester is active, at most once a minute, and return the updated requester."""
    session = _get_session(requester)
    if now - session.last_active_at < ACTIVITY_PRECISION:
        return requester
    try:
        with optional_write_transaction():
            db.session.execute(update(AccountSession).where(AccountSession.id == session.id).values(last_active_at=now))
    except WriteUnavailable:  # the next request tries again
        return requester
    return replace(requester, session=session._replace(last_active_at=now))


def sign_out(requester: Requester, *, now: datetime) -> None:
    """End the requester's session."""
    session = _get_session(requester)
    with write_transaction():
        if end_sessions(session.account_id, only=session.id):
            target = AuditTarget(ObjectKind.ACCOUNT, session.account_id, requester.actor.name)
            record_account_event(AuditEventType.SIGNED_OUT, target, by=requester.actor, now=now)


def end_own_session(requester: Requester, session_id: int, *, now: datetime) -> None:
    """End one session of the requester's account.

    Raises:
        SessionNotFound: if the account has no such session.
    """
    session = _get_session(requester)
    with write_transaction():
        count = end_sessions(session.account_id, only=session_id)
        if not count:
            raise SessionNotFound("This session has ended already.")
        _record_ended(requester, session.account_id, count, now=now)


def end_other_sessions(requester: Requester, *, now: datetime) -> int:
    """End all sessions of the requester's account except the current one, and return how many there were."""
    session = _get_session(requester)
    with write_transaction():
        count = end_sessions(session.account_id, except_for=session.id)
        if count:
            _record_ended(requester, session.account_id, count, now=now)
        return count


def end_sessions(account_id: int, *, except_for: int | None = None, only: int | None = None) -> int:
    """End the sessions of an account and return how many there were. Call inside a write transaction.

    Args:
        except_for: the id of a session to keep.
        only: the id of the only session to end.
    """
    statement = delete(AccountSession).where(AccountSession.account_id == account_id)
    if except_for is not None:
        statement = statement.where(AccountSession.id != except_for)
    if only is not None:
        statement = statement.where(AccountSession.id == only)
    return execute_and_count(statement)


def end_sessions_in(organization_id: int, account_id: int) -> int:
    """End the sessions of an account in one organization and return how many there were.

    They go on in other organizations, and lack this one until the person signs in again. Call inside a write
    transaction.
    """
    membership = db.session.get(Membership, (account_id, organization_id))
    if membership is None:
        return 0
    is_open = AccountSession.id > membership.ended_session_id
    ids = db.session.scalars(select(AccountSession.id).where(AccountSession.account_id == account_id, is_open)).all()
    membership.ended_session_id = max(ids, default=membership.ended_session_id)
    return len(ids)


def _record_ended(requester: Requester, account_id: int, count: int, *, now: datetime) -> None:
    target = AuditTarget(ObjectKind.ACCOUNT, account_id, requester.actor.name)
    record_account_event(AuditEventType.SESSION_ENDED, target, by=requester.actor, now=now, after={"sessions": count})


def _get_session(requester: Requester) -> SessionRow:
    assert requester.session is not None  # noqa: S101  # these actions belong to views that require a session
    return requester.session
