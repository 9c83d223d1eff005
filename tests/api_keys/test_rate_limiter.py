"""The rate limiter of API keys: leases, bursts, several processes and audit events."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from tests.api_keys.scenario import create_key, find_key, list_audit_events
from tests.conftest import NOW
from voiceadmin.api_keys.rate_limiter import KeyRateLimiter, too_many_requests
from voiceadmin.api_keys.types import AuthenticatedKey
from voiceadmin.audit.types import AuditEventType, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.identity import Actor, ActorKind
from voiceadmin.rate_limits.types import RateLimit, RateLimitResult

pytestmark = pytest.mark.usefixtures("app")

SECOND = timedelta(seconds=1)
TEN_PER_SECOND = RateLimit(50, 10)


@pytest.fixture
def write_transactions(app: Flask) -> Iterator[list[Any]]:
    """Return a list with one entry for each write transaction that was begun."""
    seen: list[Any] = []

    def record(connection: Any) -> None:
        if connection.get_execution_options().get("voiceadmin_writes"):
            seen.append(connection)

    event.listen(db.engine, "begin", record)
    yield seen
    event.remove(db.engine, "begin", record)


def actor_of(key: AuthenticatedKey) -> Actor:
    return Actor(ActorKind.KEY, key.id, key.name, "203.0.113.7")


def acquire(limiter: KeyRateLimiter, key: AuthenticatedKey, now: datetime = NOW) -> RateLimitResult:
    return limiter.acquire(key, by=actor_of(key), now=now)


def test_a_key_within_its_rate_writes_once_a_second(write_transactions: list[Any]) -> None:
    limiter, key = KeyRateLimiter(TEN_PER_SECOND), find_key(create_key())
    write_transactions.clear()

    results = [acquire(limiter, key, NOW + timedelta(milliseconds=100 * step)) for step in range(100)]

    assert all(result.allowed for result in results)
    assert len(write_transactions) == 10


def test_a_burst_is_limited_to_the_bucket_and_then_to_the_refill_rate(write_transactions: list[Any]) -> None:
    limiter, key = KeyRateLimiter(TEN_PER_SECOND), find_key(create_key())
    write_transactions.clear()

    results = [acquire(limiter, key) for _ in range(80)]

    assert [result.allowed for result in results] == [True] * 50 + [False] * 30
    assert [result.remaining for result in results] == [*range(49, -1, -1), *[0] * 30]
    assert {result.retry_after for result in results[:50]} == {0}
    assert {result.retry_after for result in results[50:]} == {1}
    # Leases of one second, then of half of the remaining tokens; the last write is the audit event.
    assert len(write_transactions) == 9 + 1
    assert [acquire(limiter, key, NOW + SECOND).allowed for _ in range(12)] == [True] * 10 + [False] * 2
    assert acquire(limiter, key, NOW + 1.25 * SECOND).retry_after == 0.75


@pytest.mark.parametrize("limit", [RateLimit(10, 10), RateLimit(3, 50), RateLimit(2, 1)])
def test_one_process_leaves_tokens_for_another(limit: RateLimit) -> None:
    key = find_key(create_key())

    assert [acquire(KeyRateLimiter(limit), key).allowed for _ in range(2)] == [True, True]


def test_two_processes_together_allow_no_more_than_the_bucket() -> None:
    key = find_key(create_key())
    limiters = [KeyRateLimiter(TEN_PER_SECOND), KeyRateLimiter(TEN_PER_SECOND)]

    allowed = [acquire(limiters[turn % 2], key).allowed for turn in range(120)]

    assert sum(allowed) == 50
    later = [acquire(limiters[turn % 2], key, NOW + SECOND).allowed for turn in range(40)]
    assert sum(later) == 10


def test_threads_of_two_processes_allow_exactly_the_bucket(app: Flask) -> None:
    key = find_key(create_key())
    limiters = [KeyRateLimiter(TEN_PER_SECOND), KeyRateLimiter(TEN_PER_SECOND)]
    barrier = threading.Barrier(8)

    def acquire_many(number: int) -> int:
        with app.app_context():
            barrier.wait()
            return sum(acquire(limiters[number % 2], key).allowed for _ in range(20))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(acquire_many, range(8))) == 50


@pytest.mark.parametrize(("seconds", "allowed"), [(1, 59), (29, 59), (30, 50)])
def test_unused_tokens_of_a_lease_can_be_used_for_half_a_minute(seconds: int, allowed: int) -> None:
    key, limiter = find_key(create_key()), KeyRateLimiter(TEN_PER_SECOND)
    acquire(limiter, key)
    later = NOW + timedelta(seconds=seconds)

    results = [acquire(limiter, key, later) for _ in range(70)]

    # Nine of the ten leased tokens were left, and the bucket is full again. Later they are returned to a full bucket.
    assert sum(result.allowed for result in results) == allowed


def test_a_key_that_polls_every_five_seconds_causes_a_write_in_half_a_minute(write_transactions: list[Any]) -> None:
    limiter, key = KeyRateLimiter(TEN_PER_SECOND), find_key(create_key())
    write_transactions.clear()

    results = [acquire(limiter, key, NOW + timedelta(seconds=5 * step)) for step in range(12)]

    assert all(result.allowed for result in results)
    assert len(write_transactions) == 2


def test_unused_tokens_of_a_lease_return_to_a_bucket_that_is_not_full() -> None:
    key, limiter = find_key(create_key()), KeyRateLimiter(TEN_PER_SECOND)
    assert all(acquire(limiter, key).allowed for _ in range(30))
    assert acquire(limiter, key, NOW + SECOND).allowed

    results = [acquire(limiter, key, NOW + 2 * SECOND) for _ in range(60)]

    assert sum(result.allowed for result in results) == 39  # of 50, 19 were left, and 20 were refilled


def test_each_key_has_its_own_bucket() -> None:
    limiter = KeyRateLimiter(RateLimit(1, 1))
    one, other = find_key(create_key()), find_key(create_key())

    assert [acquire(limiter, key).allowed for key in (one, one, other, other)] == [True, False, True, False]


def test_a_clock_that_is_set_back_refills_nothing_twice() -> None:
    limiter, key = KeyRateLimiter(RateLimit(5, 1)), find_key(create_key())
    for _ in range(5):
        assert acquire(limiter, key).allowed

    assert not acquire(limiter, key, NOW - 60 * SECOND).allowed
    assert not acquire(limiter, key, NOW).allowed


def test_the_last_use_is_stored_once_a_minute() -> None:
    limiter, token = KeyRateLimiter(TEN_PER_SECOND), create_key()
    seen = []
    for seconds in (0, 1, 30, 59, 60, 61, 120):
        acquire(limiter, find_key(token), NOW + seconds * SECOND)
        used_at = find_key(token).last_used_at
        assert used_at is not None
        seen.append((used_at - NOW).total_seconds())

    assert seen == [0, 0, 0, 0, 60, 60, 120]


def test_rate_limiting_of_a_key_is_recorded_once_in_five_minutes() -> None:
    limiters, key = [KeyRateLimiter(RateLimit(2, 1)), KeyRateLimiter(RateLimit(2, 1))], find_key(create_key())
    for seconds in (0, 1, 2, 200, 299, 300, 301, 599):
        for turn in range(8):
            acquire(limiters[turn % 2], key, NOW + seconds * SECOND)

    first, second = list_audit_events(AuditEventType.RATE_LIMITED)
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
def test_the_error_says_when_to_try_again(wait: float, text: str) -> None:
    problem = too_many_requests(RateLimitResult(False, 0, wait))

    assert str(problem) == f"Too many requests. Try again in {text}."
    assert problem.wait == wait
