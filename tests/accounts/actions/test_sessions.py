"""Signing in and out, session activity, and password confirmation."""

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

pytestmark = pytest.mark.usefixtures("app")

SECOND = timedelta(seconds=1)
IDLE = timedelta(minutes=30)
ADDRESS = "203.0.113.7"


def sign_in_as(
    email: str = "ada@example.com", password: str = PASSWORD, *, user_agent: str = "x", now: datetime = NOW
) -> str:
    return sign_in(email, password, address=ADDRESS, user_agent=user_agent, idle=IDLE, now=now)


def start_session(account: Account, now: datetime = NOW) -> Requester:
    """Start a session, and return its requester."""
    with write_transaction():
        token = create_session(account.id, address=ADDRESS, user_agent="x", now=now)
    return find_requester(token)


def find_requester(token: str) -> Requester:
    db.session.rollback()
    found = find_session(token, ADDRESS)
    assert found is not None
    return found


def list_session_ids() -> list[int]:
    db.session.rollback()
    return list(db.session.scalars(select(AccountSession.id).order_by(AccountSession.id)))


def list_audit_events() -> list[tuple[AuditEventType, str, str, int | None, Any]]:
    """Return type, actor, object, object id and after of each audit event, oldest first."""
    rows: list[AuditEventRow] = list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0][::-1]
    assert all(row.at == NOW and row.address == ADDRESS and row.object_kind is ObjectKind.ACCOUNT for row in rows)
    return [(row.event_type, row.actor_name, row.object_name, row.object_id, row.after) for row in rows]


class CountingHasher(PasswordHasher):
    """Counts the password verifications."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified = 0

    def verify(self, stored: str | bytes, password: str | bytes) -> Literal[True]:
        self.verified += 1
        return super().verify(stored, password)


@pytest.fixture
def counting_hasher(monkeypatch: pytest.MonkeyPatch) -> CountingHasher:
    hasher = CountingHasher()
    monkeypatch.setattr(passwords, "hasher", hasher)
    return hasher


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level("INFO", "voiceadmin.audit"):
        yield caplog


# Signing in


def test_the_right_password_starts_a_session() -> None:
    acme = make_organization()
    ada = make_account("Ada@example.com", roles={acme: Role.OPERATOR})

    requester = find_requester(sign_in_as(" ADA@Example.com", user_agent='Mozilla/5.0 "x"\n'))

    assert requester.actor == Actor(ActorKind.ACCOUNT, ada.id, "Ada@example.com", ADDRESS)
    assert (requester.roles, requester.global_role) == ({acme.id: Role.OPERATOR}, Role.ANYONE)
    session = requester.session
    assert session is not None
    assert (session.created_at, session.last_active_at, session.reauthenticated_at) == (NOW, NOW, NOW)
    assert (session.account_id, session.address, session.user_agent) == (ada.id, ADDRESS, 'Mozilla/5.0 \\"x\\"\\n')
    assert list_audit_events() == [(AuditEventType.SIGNED_IN, "Ada@example.com", "Ada@example.com", ada.id, None)]


def test_the_database_stores_only_the_hash_of_the_cookie() -> None:
    make_account("ada@example.com")

    token = sign_in_as(user_agent="y" * 5000)

    row = db.session.execute(select(AccountSession.token_hash, AccountSession.user_agent)).one()
    assert row.token_hash == hash_token(token)
    assert token not in str(row)
    assert set(row.user_agent) == {"y"}
    assert 290 <= len(row.user_agent) <= 300


@pytest.mark.parametrize("case", ["unknown", "disabled", "wrong"])
def test_every_refused_sign_in_has_the_same_message_and_one_verification(
    counting_hasher: CountingHasher, case: str
) -> None:
    account = make_account("ada@example.com", disabled_at=NOW if case == "disabled" else None)
    email = "bo@example.com" if case == "unknown" else "ada@example.com"

    with pytest.raises(SignInRefused) as refused:
        sign_in_as(email, PASSWORD if case == "disabled" else "wrong password")

    assert str(refused.value) == SIGN_IN_REFUSED
    assert SIGN_IN_REFUSED.startswith("The e-mail or the password is wrong.")
    assert counting_hasher.verified == 1
    assert list_session_ids() == []
    assert list_audit_events() == [
        (AuditEventType.SIGN_IN_FAILED, "", email, account.id if case == "wrong" else None, None)
    ]


def test_a_right_password_is_verified_once(counting_hasher: CountingHasher) -> None:
    make_account("ada@example.com")

    sign_in_as()

    assert counting_hasher.verified == 1


@pytest.mark.parametrize("changes", [{"disabled_at": NOW}, {"password_hash": "another"}])
def test_a_change_of_the_account_during_the_password_check_is_respected(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    ada = make_account("ada@example.com")

    def change_concurrently(password: str, stored: str | None) -> bool:
        with write_transaction():
            account = db.session.get_one(Account, ada.id)
            for name, value in changes.items():
                setattr(account, name, value)
        return True

    monkeypatch.setattr(passwords, "is_password", change_concurrently)

    with pytest.raises(SignInRefused, match="is wrong"):
        sign_in_as()
    assert list_session_ids() == []


def test_signing_in_renews_an_outdated_hash() -> None:
    old = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    ada = make_account("ada@example.com", password_hash=old)
    stored = select(Account.password_hash).where(Account.id == ada.id)

    with pytest.raises(SignInRefused):
        sign_in_as(password="wrong")
    assert db.session.scalar(stored) == old
    sign_in_as()
    renewed = db.session.scalar(stored)
    sign_in_as()

    assert renewed is not None
    assert renewed != old
    assert not passwords.is_outdated(renewed)
    assert db.session.scalar(stored) == renewed
    assert len(list_session_ids()) == 2


def test_signing_in_deletes_expired_sessions() -> None:
    bo = make_account()
    start_session(bo, NOW - IDLE - SECOND)
    active = start_session(bo, NOW - IDLE).session
    make_account("ada@example.com")

    sign_in_as()

    assert active is not None
    assert len(list_session_ids()) == 2
    assert list_session_ids()[0] == active.id


def test_a_disabled_account_has_no_valid_session() -> None:
    ada = make_account("ada@example.com")
    token = sign_in_as()
    with write_transaction():
        db.session.get_one(Account, ada.id).disabled_at = NOW

    assert find_session(token, ADDRESS) is None


# Password confirmation


def test_confirming_the_password_reauthenticates_the_session() -> None:
    ada = make_account("ada@example.com")
    requester = start_session(ada, NOW - DAY)

    confirm_password(requester, PASSWORD, now=NOW)

    row = db.session.execute(select(AccountSession.reauthenticated_at, AccountSession.last_active_at)).one()
    assert (row.reauthenticated_at, row.last_active_at) == (NOW, NOW - DAY)
    assert list_audit_events() == [
        (AuditEventType.PASSWORD_CONFIRMED, "ada@example.com", "ada@example.com", ada.id, None)
    ]


def test_a_wrong_password_does_not_reauthenticate_the_session() -> None:
    ada = make_account("ada@example.com")
    requester = start_session(ada, NOW - DAY)

    with pytest.raises(SignInRefused, match=r"^This is not the password of your account\. Type it again\.$"):
        confirm_password(requester, "wrong password", now=NOW)

    assert db.session.scalars(select(AccountSession.reauthenticated_at)).all() == [NOW - DAY]
    assert list_audit_events() == [
        (AuditEventType.PASSWORD_CONFIRMATION_FAILED, "ada@example.com", "ada@example.com", ada.id, None)
    ]


def test_confirmations_and_sign_ins_have_attempts_of_their_own() -> None:
    requester = start_session(make_account("ada@example.com"))
    for _ in range(4):
        with pytest.raises(SignInRefused):
            confirm_password(requester, "wrong", now=NOW)
    confirm_password(requester, PASSWORD, now=NOW)
    with pytest.raises(SignInRefused):
        confirm_password(requester, "wrong", now=NOW)

    with pytest.raises(RateLimited):
        confirm_password(requester, PASSWORD, now=NOW)
    sign_in_as(password=PASSWORD)


def test_a_failure_event_names_the_account_that_was_tried() -> None:
    ada, bo = make_account("ada@example.com"), make_account("bo@example.com")
    by = Actor(ActorKind.ACCOUNT, ada.id, "ada@example.com", ADDRESS)

    with pytest.raises(SignInRefused):
        check_password("bo@example.com", "wrong", by=by, now=NOW)
    with pytest.raises(SignInRefused):
        check_password("unknown@example.com", PASSWORD, by=by, now=NOW)

    assert check_password("BO@example.com", PASSWORD, by=by, now=NOW) == bo.id
    assert list_audit_events() == [
        (AuditEventType.PASSWORD_CONFIRMATION_FAILED, "ada@example.com", "bo@example.com", bo.id, None),
        (AuditEventType.PASSWORD_CONFIRMATION_FAILED, "ada@example.com", "unknown@example.com", None, None),
    ]


def test_a_disabled_account_cannot_confirm_its_password() -> None:
    requester = start_session(make_account("ada@example.com", disabled_at=None))
    with write_transaction():
        db.session.get_one(Account, requester.account_id).disabled_at = NOW

    with pytest.raises(SignInRefused):
        confirm_password(requester, PASSWORD, now=NOW)


# Activity


def test_the_last_activity_is_stored_once_a_minute() -> None:
    requester = start_session(make_account())
    transactions: list[Any] = []
    event.listen(db.engine, "begin", transactions.append)

    stored = []
    for seconds in (0, 1, 59, 60, 61, 119, 120, -5):
        requester = touch_session(requester, now=NOW + seconds * SECOND)
        assert requester.session is not None
        stored.append((requester.session.last_active_at - NOW).total_seconds())

    assert stored == [0, 0, 0, 60, 60, 60, 120, 120]
    assert len(transactions) == 2
    assert db.session.scalars(select(AccountSession.last_active_at)).all() == [NOW + 120 * SECOND]
    assert db.session.scalars(select(AccountSession.reauthenticated_at)).all() == [NOW]


# Signing out


def test_signing_out_ends_only_the_current_session() -> None:
    ada = make_account("ada@example.com")
    one, other = start_session(ada), start_session(ada)

    sign_out(one, now=NOW)

    assert other.session is not None
    assert list_session_ids() == [other.session.id]
    assert list_audit_events() == [(AuditEventType.SIGNED_OUT, "ada@example.com", "ada@example.com", ada.id, None)]


def test_an_account_can_end_one_of_its_sessions() -> None:
    ada = make_account("ada@example.com")
    current, other = start_session(ada), start_session(ada)
    assert current.session is not None
    assert other.session is not None

    end_own_session(current, other.session.id, now=NOW)

    assert list_session_ids() == [current.session.id]
    assert list_audit_events() == [
        (AuditEventType.SESSION_ENDED, "ada@example.com", "ada@example.com", ada.id, {"sessions": 1})
    ]
    with pytest.raises(SessionNotFound, match=r"^This session has ended already\.$"):
        end_own_session(current, other.session.id, now=NOW)


def test_an_account_cannot_end_a_session_of_another_account() -> None:
    current, other = start_session(make_account()), start_session(make_account())
    assert other.session is not None

    with pytest.raises(SessionNotFound):
        end_own_session(current, other.session.id, now=NOW)

    assert len(list_session_ids()) == 2
    assert list_audit_events() == []


def test_an_account_can_end_all_its_other_sessions() -> None:
    ada = make_account("ada@example.com")
    current, *_, foreign = start_session(ada), start_session(ada), start_session(ada), start_session(make_account())
    assert current.session is not None
    assert foreign.session is not None

    assert end_other_sessions(current, now=NOW) == 2
    assert end_other_sessions(current, now=NOW) == 0

    assert list_session_ids() == [current.session.id, foreign.session.id]
    assert list_audit_events() == [
        (AuditEventType.SESSION_ENDED, "ada@example.com", "ada@example.com", ada.id, {"sessions": 2})
    ]


def test_the_log_has_one_line_per_event_and_no_secret(log: pytest.LogCaptureFixture) -> None:
    make_account("ada@example.com")

    token = sign_in_as()
    with pytest.raises(SignInRefused):
        sign_in_as("bo\u2028@example.com", "a secret thing")

    assert log.messages == [
        f'signed-in: account "ada@example.com" from {ADDRESS}, account 1 "ada@example.com"',
        f'sign-in-failed: anonymous "" from {ADDRESS}, account  "bo\\u2028@example.com"',
    ]
    assert not any(secret in log.text for secret in (token, PASSWORD, "a secret thing"))
