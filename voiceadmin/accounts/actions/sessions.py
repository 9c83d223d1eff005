"""Sign in and out, stay signed in, give the password again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, insert, select, update

from voiceadmin.accounts import passwords
from voiceadmin.accounts.models import Account, AccountSession
from voiceadmin.audit.actions import record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import RateLimited, SessionNotFound, SignInRefused
from voiceadmin.identity import Actor, ActorKind, Requester, SessionRow
from voiceadmin.rate_limits.actions import (
    SIGN_IN_FROM_ADDRESS,
    SIGN_IN_OF_ACCOUNT,
    TOLD_AGAIN,
    draw,
    forget_full_buckets,
    network,
    put_back,
)
from voiceadmin.rate_limits.types import RateLimit
from voiceadmin.text import normalize_email, quote_value
from voiceadmin.tokens import generate_token, hash_token

MINUTE = timedelta(minutes=1)


MAX_USER_AGENT = 300  # letters kept of what a browser says of itself


REFUSED = "E-mail and password do not fit together. Check both; a link for a new password comes from an admin."


def sign_in(email: str, password: str, *, address: str, user_agent: str, idle: timedelta, now: datetime) -> str:
    """Begin a session; the token of its cookie, which nobody can read again.

    Raises RateLimited, or SignInRefused, which does not tell whether there is
    such an account. idle: sessions older than that are cleared away.
    """
    nobody = Actor(ActorKind.ANONYMOUS, None, "", address)
    key = normalize_email(email)
    found = select(Account.id, Account.email, Account.password_hash).where(
        Account.email_key == key, Account.disabled_at.is_(None)
    )
    _try(key, address, AuditTarget(ObjectKind.ACCOUNT, None, email), by=nobody, now=now)
    row = db.session.execute(found).one_or_none()
    account_id, stored_email, kept = row or (None, email, None)
    db.session.rollback()  # a password takes its time, and nothing should be held meanwhile
    thing = AuditTarget(ObjectKind.ACCOUNT, account_id, stored_email)
    if not passwords.is_password(password, kept):
        with write_transaction():
            record_event(AuditEventType.SIGN_IN_FAILED, thing, by=nobody, now=now)
        raise SignInRefused(REFUSED)
    renewed = passwords.password_hash(password) if kept and passwords.is_outdated(kept) else kept
    with write_transaction():
        row = db.session.execute(found.with_for_update()).one_or_none()
        if row is None or row.password_hash != kept:  # changed or disabled meanwhile
            raise SignInRefused(REFUSED)
        if renewed != kept:
            db.session.execute(update(Account).where(Account.id == row.id).values(password_hash=renewed))
        _give_back(key, address, now)
        forget_full_buckets(now)
        db.session.execute(delete(AccountSession).where(AccountSession.last_active_at < now - idle))
        by = Actor(ActorKind.ACCOUNT, row.id, row.email, address)
        record_event(AuditEventType.SIGNED_IN, AuditTarget(ObjectKind.ACCOUNT, row.id, row.email), by=by, now=now)
        return create_session(row.id, address=address, user_agent=user_agent, now=now)


def create_session(account_id: int, *, address: str, user_agent: str, now: datetime) -> str:
    """Add a session; its token. Call while writing, and for somebody who has proved who they are."""
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
    """Make sure that somebody has the password of an account; its id. Raises SignInRefused, RateLimited.

    A wrong one goes into the audit trail; a right one gives the try back.
    """
    key, address = normalize_email(email), by.address or ""
    _try(key, address, AuditTarget(ObjectKind.ACCOUNT, None, email), by=by, now=now)
    found = select(Account.id, Account.password_hash).where(Account.email_key == key, Account.disabled_at.is_(None))
    row = db.session.execute(found).one_or_none()
    account_id, kept = row or (None, None)
    db.session.rollback()
    if account_id is None or not passwords.is_password(password, kept):
        with write_transaction():
            record_event(
                AuditEventType.PASSWORD_CONFIRMATION_FAILED,
                AuditTarget(ObjectKind.ACCOUNT, account_id, email),
                by=by,
                now=now,
            )
        raise SignInRefused("That is not the password of this account. Type it again.")
    with write_transaction():
        _give_back(key, address, now)
    return account_id


def confirm(requester: Requester, password: str, *, now: datetime) -> None:
    """Take somebody's password again, which allows dangerous acts for a while. Raises SignInRefused, RateLimited."""
    session, by = _session(requester), requester.actor
    check_password(by.name, password, by=by, now=now)
    with write_transaction():
        db.session.execute(update(AccountSession).where(AccountSession.id == session.id).values(reauthenticated_at=now))
        record_event(
            AuditEventType.PASSWORD_CONFIRMED,
            AuditTarget(ObjectKind.ACCOUNT, session.account_id, by.name),
            by=by,
            now=now,
        )


def touch_session(requester: Requester, *, now: datetime) -> Requester:
    """Note that somebody is active, in the store at most once a minute; the requester as it is then."""
    session = _session(requester)
    if now - session.last_active_at < MINUTE:
        return requester
    with write_transaction():
        db.session.execute(update(AccountSession).where(AccountSession.id == session.id).values(last_active_at=now))
    return replace(requester, session=session._replace(last_active_at=now))


def sign_out(requester: Requester, *, now: datetime) -> None:
    """End the session that somebody is in."""
    session = _session(requester)
    with write_transaction():
        db.session.execute(delete(AccountSession).where(AccountSession.id == session.id))
        thing = AuditTarget(ObjectKind.ACCOUNT, session.account_id, requester.actor.name)
        record_event(AuditEventType.SIGNED_OUT, thing, by=requester.actor, now=now)


def end_own_session(requester: Requester, session_id: int, *, now: datetime) -> None:
    """End one of somebody's own sessions. Raises SessionNotFound for one that is not there or not theirs."""
    session = _session(requester)
    with write_transaction():
        ended = end_sessions(session.account_id, only=session_id)
        if not ended:
            raise SessionNotFound("This session has ended already.")
        _record_ended(session.account_id, requester.actor.name, ended, by=requester.actor, now=now)


def end_other_sessions(requester: Requester, *, now: datetime) -> int:
    """End all of somebody's own sessions but the one that asks. How many there were."""
    session = _session(requester)
    with write_transaction():
        ended = end_sessions(session.account_id, but=session.id)
        _record_ended(session.account_id, requester.actor.name, ended, by=requester.actor, now=now)
        return ended


def end_sessions(account_id: int, *, but: int | None = None, only: int | None = None) -> int:
    """End the sessions of an account: all, all but one, or only one. How many. Call while writing."""
    statement = delete(AccountSession).where(AccountSession.account_id == account_id)
    if but is not None:
        statement = statement.where(AccountSession.id != but)
    if only is not None:
        statement = statement.where(AccountSession.id == only)
    result = db.session.execute(statement)
    assert isinstance(result, CursorResult)  # noqa: S101  # tells the type checker
    return result.rowcount


def _record_ended(account_id: int, email: str, number: int, *, by: Actor, now: datetime) -> None:
    if number:
        thing = AuditTarget(ObjectKind.ACCOUNT, account_id, email)
        record_event(AuditEventType.SESSION_ENDED, thing, by=by, now=now, after={"sessions": number})


def _session(requester: Requester) -> SessionRow:
    assert requester.session is not None  # noqa: S101  # the views that come here are for people who signed in
    return requester.session


def _buckets(key: str, address: str) -> tuple[tuple[str, RateLimit], tuple[str, RateLimit]]:
    """Of the account first: who tries one account many times must not use up what others at the address have."""
    return (
        (f"sign-in account {hash_token(key)}", SIGN_IN_OF_ACCOUNT),
        (f"sign-in address {network(address)}", SIGN_IN_FROM_ADDRESS),
    )


def _try(key: str, address: str, thing: AuditTarget, *, by: Actor, now: datetime) -> None:
    """Spend a try of the account and of the address, or of neither. Raises RateLimited."""
    try:
        with write_transaction():
            for name, limit in _buckets(key, address):
                drawn = draw(name, limit, now)
                if not drawn.tokens:
                    raise _Empty(name, drawn.wait)
    except _Empty as empty:
        with write_transaction():
            if draw(f"told {empty.name}", TOLD_AGAIN, now).tokens:
                record_event(AuditEventType.RATE_LIMITED, thing, by=by, now=now)
        minutes = max(1, round(empty.wait / 60))
        raise RateLimited(
            f"Too many tries. Wait {minutes} minute{'' if minutes == 1 else 's'}, then try again.", empty.wait
        ) from empty


class _Empty(Exception):
    """A bucket has nothing left."""

    def __init__(self, name: str, wait: float) -> None:
        super().__init__()
        self.name, self.wait = name, wait


def _give_back(key: str, address: str, now: datetime) -> None:
    for name, limit in _buckets(key, address):
        put_back(name, limit, now)
