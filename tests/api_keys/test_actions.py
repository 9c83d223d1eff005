"""API keys: shown once, for no more than their maker may see, and spent without a write for each request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, event, select

from tests.conftest import NOW, SHELL
from tests.factories import DAY, make_organization
from voiceadmin.activity.queries import list_activity
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.api_keys.models import ApiKey
from voiceadmin.api_keys.queries import find_api_key, list_api_keys
from voiceadmin.api_keys.rate_limiter import KeyRateLimiter, too_many_requests
from voiceadmin.api_keys.types import ApiKeyRow, AuthenticatedKey
from voiceadmin.audit.types import AuditEventRow, AuditEventType, AuditFilters, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, KeyNotFound, OrganizationNotFound
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role, Scope, anonymous_requester
from voiceadmin.organizations.models import Organization
from voiceadmin.rate_limits.types import RateLimit, RateLimitResult
from voiceadmin.tokens import hash_token

pytestmark = pytest.mark.usefixtures("store")

SECOND = timedelta(seconds=1)
ADA = Actor(ActorKind.ACCOUNT, 77, "ada@example.com", "203.0.113.7")
TEN = RateLimit(50, 10)


def trail(*words: AuditEventType) -> list[AuditEventRow]:
    """The lines of these kinds, the oldest first."""
    return list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters(event_types=words))[0][::-1]


def some_key(
    organizations: frozenset[int] | None = None, *, scope: Scope = EVERYTHING, expires_at: datetime | None = None
) -> str:
    return create_api_key(scope, "status board", organizations, expires_at=expires_at, by=ADA, now=NOW)


def get_row(scope: Scope, id: int) -> ApiKeyRow:
    """Return one key of the list."""
    (row,) = [row for row in list_api_keys(scope) if row.id == id]
    return row


def held(token: str) -> AuthenticatedKey:
    db.session.rollback()
    found = find_api_key(token)
    assert found is not None
    return found


def only(*organizations: Organization) -> tuple[frozenset[int], Scope]:
    ids = frozenset(int(organization.id) for organization in organizations)
    return ids, Scope(ids)


# Made and revoked


def test_a_key_is_shown_once_and_only_its_hash_is_kept() -> None:
    token = some_key()
    dump = "\n".join(str(row) for table in db.metadata.sorted_tables for row in db.session.execute(select(table)).all())

    assert token.startswith("va_")
    assert len(token) == 46
    assert token not in dump
    assert token[9:] not in dump
    assert hash_token(token) in dump
    (line,) = trail(AuditEventType.KEY_CREATED)
    assert line.after == {"key": token[:9], "expires_at": None}


def test_keys_are_never_the_same() -> None:
    assert len({some_key() for _ in range(20)}) == 20


def test_a_key_is_held_with_what_it_reads() -> None:
    (acme, _), (other, _) = only(make_organization("Acme")), only(make_organization("Other"))

    whole = held(some_key())
    part = held(some_key(acme | other, expires_at=NOW + DAY))

    assert (whole.name, whole.organizations, whole.expires_at, whole.last_used_at) == ("status board", None, None, None)
    assert (part.organizations, part.expires_at) == (acme | other, NOW + DAY)
    row = get_row(EVERYTHING, part.id)
    assert (row.created_by, row.created_at, row.organizations) == (
        "ada@example.com",
        NOW,
        {min(acme): "Acme", min(other): "Other"},
    )


def test_creating_and_revoking_a_key_of_two_organizations_leaves_one_event_each() -> None:
    ids, scope = only(make_organization("Acme"), make_organization("Other"))
    token = some_key(ids, scope=scope, expires_at=NOW + DAY)
    id = held(token).id

    assert revoke_api_key(scope, id, by=ADA, now=NOW + SECOND) == "status board"

    made, revoked = trail(AuditEventType.KEY_CREATED), trail(AuditEventType.KEY_REVOKED)
    assert [event.organization_id for event in made + revoked] == [None, None]
    assert {(line.object_kind, line.object_id, line.object_name) for line in made + revoked} == {
        (ObjectKind.KEY, id, "status board")
    }
    assert {(line.actor_kind, line.actor_id, line.actor_name, line.address) for line in made + revoked} == {
        (ActorKind.ACCOUNT, 77, "ada@example.com", "203.0.113.7")
    }
    assert made[0].after == {"key": token[:9], "expires_at": "2026-11-23T14:00:00+00:00"}
    assert (revoked[0].at, revoked[0].before, revoked[0].after) == (NOW + SECOND, {"key": token[:9]}, None)


def test_an_event_names_the_organization_of_a_key_that_reads_one() -> None:
    ids, scope = only(make_organization("Acme"))
    revoke_api_key(scope, held(some_key(ids, scope=scope)).id, by=ADA, now=NOW)

    events = trail(AuditEventType.KEY_CREATED, AuditEventType.KEY_REVOKED)

    assert [event.organization_id for event in events] == [*ids, *ids]


def test_a_key_for_all_organizations_is_the_platforms_business() -> None:
    id = held(some_key()).id
    revoke_api_key(EVERYTHING, id, by=SHELL, now=NOW)

    assert [line.organization_id for line in trail(AuditEventType.KEY_CREATED, AuditEventType.KEY_REVOKED)] == [
        None,
        None,
    ]


def test_a_revoked_key_opens_nothing_and_stays_revoked_as_it_was() -> None:
    token = some_key()
    id = held(token).id

    assert [revoke_api_key(EVERYTHING, id, by=SHELL, now=NOW + seconds * SECOND) for seconds in (1, 2)] == [
        "status board",
        "status board",
    ]

    assert find_api_key(token) is None
    assert get_row(EVERYTHING, id).revoked_at == NOW + SECOND
    assert len(trail(AuditEventType.KEY_REVOKED)) == 1


def test_a_key_works_until_it_expires_or_is_revoked() -> None:
    id = held(some_key(expires_at=NOW + DAY)).id

    row = get_row(EVERYTHING, id)
    assert [row.is_active(NOW + DAY + by) for by in (-SECOND, timedelta(0), SECOND)] == [True, False, False]
    revoke_api_key(EVERYTHING, id, by=SHELL, now=NOW)
    assert not get_row(EVERYTHING, id).is_active(NOW)


@pytest.mark.parametrize("late", [timedelta(0), SECOND])
def test_a_key_that_never_worked_is_refused(late: timedelta) -> None:
    with pytest.raises(ChangeRefused, match=r"^The key would have expired already\. Choose a later day\.$"):
        some_key(expires_at=NOW - late)

    some_key(expires_at=NOW + timedelta(microseconds=1))


def test_a_key_that_reads_nothing_is_refused() -> None:
    with pytest.raises(ChangeRefused, match=r"^The key would read no organization\. Select at least one\.$"):
        some_key(frozenset())


def test_an_admin_makes_no_key_that_reaches_beyond() -> None:
    (acme, scope), (other, _) = only(make_organization("Acme")), only(make_organization("Other"))

    for wanted in (other, acme | other, frozenset({999})):
        with pytest.raises(OrganizationNotFound, match=rf"^There is no organization {max(wanted)}\.$"):
            some_key(wanted, scope=scope)
    with pytest.raises(ChangeRefused, match=r"^Only a platform admin can create a key for all organizations\.$"):
        some_key(None, scope=scope)
    with pytest.raises(OrganizationNotFound, match=r"^There is no organization 999\.$"):
        some_key(frozenset({999}))

    assert db.session.scalars(select(ApiKey)).all() == []
    assert trail(AuditEventType.KEY_CREATED) == []
    some_key(acme, scope=scope)
    assert len(trail(AuditEventType.KEY_CREATED)) == 1


def test_an_admin_revokes_no_key_that_reaches_beyond() -> None:
    (acme, scope), (other, _) = only(make_organization("Acme")), only(make_organization("Other"))
    beyond = [held(some_key(ids)).id for ids in (None, other, acme | other)]
    inside = held(some_key(acme)).id

    for id in [*beyond, 999]:
        with pytest.raises(KeyNotFound, match=rf"^There is no API key {id}\.$"):
            revoke_api_key(scope, id, by=ADA, now=NOW)

    assert all(get_row(EVERYTHING, id).revoked_at is None for id in beyond)
    revoke_api_key(scope, inside, by=ADA, now=NOW)
    assert get_row(scope, inside).revoked_at == NOW


def test_a_key_whose_organizations_are_gone_reads_nothing_and_is_the_platforms() -> None:
    acme = make_organization("Acme")
    ids, scope = only(acme)
    token = some_key(ids)
    with write_transaction():
        db.session.execute(delete(Organization))

    assert held(token).organizations == frozenset()
    with pytest.raises(KeyNotFound):
        revoke_api_key(scope, held(token).id, by=ADA, now=NOW)
    assert get_row(EVERYTHING, held(token).id).organizations == {}


# Spent


@pytest.fixture
def writes(store: Flask) -> Iterator[list[Any]]:
    """One thing for each transaction that is committed after writing."""
    seen: list[Any] = []

    def noted(connection: Any) -> None:
        if connection.get_execution_options().get("voiceadmin_writes"):
            seen.append(connection)

    event.listen(db.engine, "begin", noted)
    yield seen
    event.remove(db.engine, "begin", noted)


def by(key: AuthenticatedKey) -> Actor:
    return Actor(ActorKind.KEY, key.id, key.name, "203.0.113.7")


def spend(purse: KeyRateLimiter, key: AuthenticatedKey, now: datetime = NOW) -> RateLimitResult:
    return purse.acquire(key, by=by(key), now=now)


def test_a_key_that_keeps_to_its_rate_writes_once_a_second(writes: list[Any]) -> None:
    purse, key = KeyRateLimiter(TEN), held(some_key())
    writes.clear()

    budgets = [spend(purse, key, NOW + timedelta(milliseconds=100 * tick)) for tick in range(100)]

    assert all(budget.allowed for budget in budgets)
    assert len(writes) == 10


def test_a_burst_gives_what_the_bucket_holds_and_then_what_comes_back(writes: list[Any]) -> None:
    purse, key = KeyRateLimiter(TEN), held(some_key())
    writes.clear()

    budgets = [spend(purse, key) for _ in range(80)]

    assert [budget.allowed for budget in budgets] == [True] * 50 + [False] * 30
    assert [budget.remaining for budget in budgets] == [*range(49, -1, -1), *[0] * 30]
    assert {budget.retry_after for budget in budgets[:50]} == {0}
    assert {budget.retry_after for budget in budgets[50:]} == {1}
    assert len(writes) == 9 + 1  # a second's worth each, then half of what is left; the last for the audit trail
    assert [spend(purse, key, NOW + SECOND).allowed for _ in range(12)] == [True] * 10 + [False] * 2
    assert spend(purse, key, NOW + 1.25 * SECOND).retry_after == 0.75


@pytest.mark.parametrize("limit", [RateLimit(10, 10), RateLimit(3, 50), RateLimit(2, 1)])
def test_no_process_leaves_another_one_without(limit: RateLimit) -> None:
    key = held(some_key())

    assert [spend(KeyRateLimiter(limit), key).allowed for _ in range(2)] == [True, True]


def test_two_processes_together_give_no_more_than_the_bucket_holds() -> None:
    key = held(some_key())
    purses = [KeyRateLimiter(TEN), KeyRateLimiter(TEN)]

    given = [spend(purses[turn % 2], key).allowed for turn in range(120)]

    assert sum(given) == 50
    later = [spend(purses[turn % 2], key, NOW + SECOND).allowed for turn in range(40)]
    assert sum(later) == 10


def test_threads_of_two_processes_give_exactly_the_bucket(store: Flask) -> None:
    key = held(some_key())
    purses = [KeyRateLimiter(TEN), KeyRateLimiter(TEN)]
    together = threading.Barrier(8)

    def many(number: int) -> int:
        with store.app_context():
            together.wait()
            return sum(spend(purses[number % 2], key).allowed for _ in range(20))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(many, range(8))) == 50


def test_what_a_process_did_not_use_comes_back() -> None:
    key, purse = held(some_key()), KeyRateLimiter(TEN)
    spend(purse, key)
    later = NOW + timedelta(seconds=1)

    budgets = [spend(purse, key, later) for _ in range(60)]

    assert sum(budget.allowed for budget in budgets) == 50  # 49 were left, and one came back


def test_keys_have_buckets_of_their_own() -> None:
    purse = KeyRateLimiter(RateLimit(1, 1))
    one, other = held(some_key()), held(some_key())

    assert [spend(purse, key).allowed for key in (one, one, other, other)] == [True, False, True, False]


def test_a_clock_that_is_set_back_gives_nothing_twice() -> None:
    purse, key = KeyRateLimiter(RateLimit(5, 1)), held(some_key())
    for _ in range(5):
        assert spend(purse, key).allowed

    assert not spend(purse, key, NOW - 60 * SECOND).allowed
    assert not spend(purse, key, NOW).allowed


def test_the_last_use_is_noted_once_a_minute() -> None:
    purse, token = KeyRateLimiter(TEN), some_key()
    seen = []
    for seconds in (0, 1, 30, 59, 60, 61, 120):
        spend(purse, held(token), NOW + seconds * SECOND)
        used_at = held(token).last_used_at
        assert used_at is not None
        seen.append((used_at - NOW).total_seconds())

    assert seen == [0, 0, 0, 0, 60, 60, 120]


def test_the_trail_tells_once_in_five_minutes_that_a_key_is_slowed_down() -> None:
    purses, key = [KeyRateLimiter(RateLimit(2, 1)), KeyRateLimiter(RateLimit(2, 1))], held(some_key())
    for seconds in (0, 1, 2, 200, 299, 300, 301, 599):
        for turn in range(8):
            spend(purses[turn % 2], key, NOW + seconds * SECOND)

    first, second = trail(AuditEventType.RATE_LIMITED)
    assert (first.at, second.at) == (NOW, NOW + 300 * SECOND)
    assert (first.actor_kind, first.actor_id, first.object_kind, first.object_id, first.object_name) == (
        ActorKind.KEY,
        key.id,
        ObjectKind.KEY,
        key.id,
        "status board",
    )


@pytest.mark.parametrize(
    ("wait", "text"),
    [(0.0, "1 second"), (0.2, "1 second"), (1.0, "1 second"), (1.1, "2 seconds"), (30.0, "30 seconds")],
)
def test_a_program_is_told_when_to_come_back(wait: float, text: str) -> None:
    problem = too_many_requests(RateLimitResult(False, 0, wait))

    assert str(problem) == f"Too many requests. Try again in {text}."
    assert problem.wait == wait
