"""Signing in and out, staying signed in, giving the password again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, select

from tests.conftest import NOW
from tests.factories import DAY, PASSWORD, make_account, make_organization
from voiceadmin.accounts import passwords
from voiceadmin.accounts.actions.sessions import (
    SIGN_IN_REFUSED,
    check_password,
    confirm_password,
    create_session,
    end_other_sessions,
    end_own_session,
    sign_in,
    sign_out,
    touch_session,
)
from voiceadmin.accounts.models import Account, AccountSession
from voiceadmin.accounts.queries.credentials import find_session
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditEventRow, AuditEventType, AuditFilters, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import RateLimited, SessionNotFound, SignInRefused
from voiceadmin.identity import Actor, ActorKind, Requester, Role, anonymous_requester
from voiceadmin.tokens import hash_token

pytestmark = pytest.mark.usefixtures("store")

SECOND = timedelta(seconds=1)
IDLE = timedelta(minutes=30)
HOME = "203.0.113.7"


def enter(
    email: str = "ada@example.com", password: str = PASSWORD, *, user_agent: str = "x", now: datetime = NOW
) -> str:
    return sign_in(email, password, address=HOME, user_agent=user_agent, idle=IDLE, now=now)


def begun(account: Account, now: datetime = NOW) -> Requester:
    """Somebody in a session that has just begun."""
    with write_transaction():
        token = create_session(account.id, address=HOME, user_agent="x", now=now)
    return seen(token)


def seen(token: str) -> Requester:
    db.session.rollback()
    found = find_session(token, HOME)
    assert found is not None
    return found


def sessions() -> list[int]:
    db.session.rollback()
    return list(db.session.scalars(select(AccountSession.id).order_by(AccountSession.id)))


def trail() -> list[tuple[AuditEventType, str, str, int | None, Any]]:
    """Word, actor, object, its id and what is after of each line, the oldest first."""
    rows: list[AuditEventRow] = list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0][::-1]
    assert all(row.at == NOW and row.address == HOME and row.object_kind is ObjectKind.ACCOUNT for row in rows)
    return [(row.event_type, row.actor_name, row.object_name, row.object_id, row.after) for row in rows]


class Counting(PasswordHasher):
    """Counts how often a password is compared."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def verify(self, kept: str | bytes, password: str | bytes) -> Literal[True]:
        self.verified += 1
        return super().verify(kept, password)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    hasher = Counting()
    monkeypatch.setattr(passwords, "hasher", hasher)
    return hasher


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level("INFO", "voiceadmin.audit"):
        yield caplog


# In


def test_whoever_has_the_password_gets_a_session() -> None:
    acme = make_organization()
    ada = make_account("Ada@example.com", roles={acme: Role.OPERATOR})

    requester = seen(enter(" ADA@Example.com", user_agent='Mozilla/5.0 "x"\n'))

    assert requester.actor == Actor(ActorKind.ACCOUNT, ada.id, "Ada@example.com", HOME)
    assert (requester.roles, requester.global_role) == ({acme.id: Role.OPERATOR}, Role.ANYONE)
    session = requester.session
    assert session is not None
    assert (session.created_at, session.last_active_at, session.reauthenticated_at) == (NOW, NOW, NOW)
    assert (session.account_id, session.address, session.user_agent) == (ada.id, HOME, 'Mozilla/5.0 \\"x\\"\\n')
    assert trail() == [(AuditEventType.SIGNED_IN, "Ada@example.com", "Ada@example.com", ada.id, None)]


def test_the_store_keeps_the_hash_of_the_cookie_alone() -> None:
    make_account("ada@example.com")

    token = enter(user_agent="y" * 5000)

    row = db.session.execute(select(AccountSession.token_hash, AccountSession.user_agent)).one()
    assert row.token_hash == hash_token(token)
    assert token not in str(row)
    assert set(row.user_agent) == {"y"}
    assert 290 <= len(row.user_agent) <= 300


@pytest.mark.parametrize("case", ["unknown", "disabled", "wrong"])
def test_why_somebody_is_refused_is_not_told_and_takes_as_long(counting: Counting, case: str) -> None:
    account = make_account("ada@example.com", disabled_at=NOW if case == "disabled" else None)
    email = "bo@example.com" if case == "unknown" else "ada@example.com"

    with pytest.raises(SignInRefused) as refused:
        enter(email, PASSWORD if case == "disabled" else "wrong password")

    assert str(refused.value) == SIGN_IN_REFUSED
    assert SIGN_IN_REFUSED.startswith("The e-mail or the password is wrong.")
    assert counting.verified == 1
    assert sessions() == []
    assert trail() == [(AuditEventType.SIGN_IN_FAILED, "", email, account.id if case == "wrong" else None, None)]


def test_a_right_password_is_compared_once_too(counting: Counting) -> None:
    make_account("ada@example.com")

    enter()

    assert counting.verified == 1


@pytest.mark.parametrize("meanwhile", [{"disabled_at": NOW}, {"password_hash": "another"}])
def test_what_changes_while_the_password_is_looked_at_counts(
    monkeypatch: pytest.MonkeyPatch, meanwhile: dict[str, Any]
) -> None:
    ada = make_account("ada@example.com")

    def slow(password: str, kept: str | None) -> bool:
        with write_transaction():
            account = db.session.get_one(Account, ada.id)
            for name, value in meanwhile.items():
                setattr(account, name, value)
        return True

    monkeypatch.setattr(passwords, "is_password", slow)

    with pytest.raises(SignInRefused, match="is wrong"):
        enter()
    assert sessions() == []


def test_an_outdated_hash_is_renewed_at_signing_in() -> None:
    old = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    ada = make_account("ada@example.com", password_hash=old)
    kept = select(Account.password_hash).where(Account.id == ada.id)

    with pytest.raises(SignInRefused):
        enter(password="wrong")
    assert db.session.scalar(kept) == old
    enter()
    renewed = db.session.scalar(kept)
    enter()

    assert renewed is not None
    assert renewed != old
    assert not passwords.is_outdated(renewed)
    assert db.session.scalar(kept) == renewed
    assert len(sessions()) == 2


def test_signing_in_clears_away_sessions_that_have_ended() -> None:
    bo = make_account()
    begun(bo, NOW - IDLE - SECOND)
    still = begun(bo, NOW - IDLE).session
    make_account("ada@example.com")

    enter()

    assert still is not None
    assert len(sessions()) == 2
    assert sessions()[0] == still.id


def test_a_disabled_account_has_no_session_any_more() -> None:
    ada = make_account("ada@example.com")
    token = enter()
    with write_transaction():
        db.session.get_one(Account, ada.id).disabled_at = NOW

    assert find_session(token, HOME) is None


# Again


def test_giving_the_password_again_makes_sure() -> None:
    ada = make_account("ada@example.com")
    requester = begun(ada, NOW - DAY)

    confirm_password(requester, PASSWORD, now=NOW)

    row = db.session.execute(select(AccountSession.reauthenticated_at, AccountSession.last_active_at)).one()
    assert (row.reauthenticated_at, row.last_active_at) == (NOW, NOW - DAY)
    assert trail() == [(AuditEventType.PASSWORD_CONFIRMED, "ada@example.com", "ada@example.com", ada.id, None)]


def test_a_wrong_password_makes_nothing_sure() -> None:
    ada = make_account("ada@example.com")
    requester = begun(ada, NOW - DAY)

    with pytest.raises(SignInRefused, match=r"^This is not the password of your account\. Type it again\.$"):
        confirm_password(requester, "wrong password", now=NOW)

    assert db.session.scalars(select(AccountSession.reauthenticated_at)).all() == [NOW - DAY]
    assert trail() == [
        (AuditEventType.PASSWORD_CONFIRMATION_FAILED, "ada@example.com", "ada@example.com", ada.id, None)
    ]


def test_tries_to_confirm_and_to_sign_in_come_out_of_the_same_bucket() -> None:
    requester = begun(make_account("ada@example.com"))
    for _ in range(9):
        with pytest.raises(SignInRefused):
            confirm_password(requester, "wrong", now=NOW)
    confirm_password(requester, PASSWORD, now=NOW)
    with pytest.raises(SignInRefused):
        enter(password="wrong")

    with pytest.raises(RateLimited):
        confirm_password(requester, PASSWORD, now=NOW)


def test_a_failure_names_the_account_that_was_meant_and_not_the_one_that_asks() -> None:
    ada, bo = make_account("ada@example.com"), make_account("bo@example.com")
    by = Actor(ActorKind.ACCOUNT, ada.id, "ada@example.com", HOME)

    with pytest.raises(SignInRefused):
        check_password("bo@example.com", "wrong", by=by, now=NOW)
    with pytest.raises(SignInRefused):
        check_password("nobody@example.com", PASSWORD, by=by, now=NOW)

    assert check_password("BO@example.com", PASSWORD, by=by, now=NOW) == bo.id
    assert trail() == [
        (AuditEventType.PASSWORD_CONFIRMATION_FAILED, "ada@example.com", "bo@example.com", bo.id, None),
        (AuditEventType.PASSWORD_CONFIRMATION_FAILED, "ada@example.com", "nobody@example.com", None, None),
    ]


def test_a_disabled_account_confirms_nothing() -> None:
    requester = begun(make_account("ada@example.com", disabled_at=None))
    with write_transaction():
        db.session.get_one(Account, requester.account_id).disabled_at = NOW

    with pytest.raises(SignInRefused):
        confirm_password(requester, PASSWORD, now=NOW)


# Staying


def test_an_activity_is_noted_once_a_minute() -> None:
    requester = begun(make_account())
    begins: list[Any] = []
    event.listen(db.engine, "begin", begins.append)

    noted = []
    for seconds in (0, 1, 59, 60, 61, 119, 120, -5):
        requester = touch_session(requester, now=NOW + seconds * SECOND)
        assert requester.session is not None
        noted.append((requester.session.last_active_at - NOW).total_seconds())

    assert noted == [0, 0, 0, 60, 60, 60, 120, 120]
    assert len(begins) == 2
    assert db.session.scalars(select(AccountSession.last_active_at)).all() == [NOW + 120 * SECOND]
    assert db.session.scalars(select(AccountSession.reauthenticated_at)).all() == [NOW]


# Out


def test_signing_out_ends_this_session_alone() -> None:
    ada = make_account("ada@example.com")
    one, other = begun(ada), begun(ada)

    sign_out(one, now=NOW)

    assert other.session is not None
    assert sessions() == [other.session.id]
    assert trail() == [(AuditEventType.SIGNED_OUT, "ada@example.com", "ada@example.com", ada.id, None)]


def test_one_ends_a_session_of_ones_own() -> None:
    ada = make_account("ada@example.com")
    here, there = begun(ada), begun(ada)
    assert here.session is not None
    assert there.session is not None

    end_own_session(here, there.session.id, now=NOW)

    assert sessions() == [here.session.id]
    assert trail() == [(AuditEventType.SESSION_ENDED, "ada@example.com", "ada@example.com", ada.id, {"sessions": 1})]
    with pytest.raises(SessionNotFound, match=r"^This session has ended already\.$"):
        end_own_session(here, there.session.id, now=NOW)


def test_one_ends_no_session_of_somebody_else() -> None:
    here, there = begun(make_account()), begun(make_account())
    assert there.session is not None

    with pytest.raises(SessionNotFound):
        end_own_session(here, there.session.id, now=NOW)

    assert len(sessions()) == 2
    assert trail() == []


def test_one_ends_all_others_of_ones_own() -> None:
    ada = make_account("ada@example.com")
    here, *_, theirs = begun(ada), begun(ada), begun(ada), begun(make_account())
    assert here.session is not None
    assert theirs.session is not None

    assert end_other_sessions(here, now=NOW) == 2
    assert end_other_sessions(here, now=NOW) == 0

    assert sessions() == [here.session.id, theirs.session.id]
    assert trail() == [(AuditEventType.SESSION_ENDED, "ada@example.com", "ada@example.com", ada.id, {"sessions": 2})]


def test_the_log_has_a_line_for_each_and_no_secret(log: pytest.LogCaptureFixture) -> None:
    make_account("ada@example.com")

    token = enter()
    with pytest.raises(SignInRefused):
        enter("bo\u2028@example.com", "a secret thing")

    assert log.messages == [
        f'signed-in: account "ada@example.com" from {HOME}, account 1 "ada@example.com"',
        f'sign-in-failed: anonymous "" from {HOME}, account  "bo\\u2028@example.com"',
    ]
    assert not any(secret in log.text for secret in (token, PASSWORD, "a secret thing"))
