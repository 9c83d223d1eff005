"""Buckets of tokens: exactly what they hold, whoever asks at the same time and whatever the clock does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select

from tests.conftest import NOW
from tests.factories import PASSWORD, make_account
from tests.strategies import IN_DATABASE
from voiceadmin.accounts.actions.attempts import PER_ACCOUNT, PER_ADDRESS
from voiceadmin.accounts.actions.sessions import sign_in
from voiceadmin.accounts.models import Account
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditEventRow, AuditEventType, AuditFilters
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import RateLimited, SignInRefused
from voiceadmin.identity import Role, anonymous_requester
from voiceadmin.rate_limits.actions import (
    FULL_AFTER,
    acquire_tokens,
    bucket_address,
    delete_full_buckets,
    return_token,
)
from voiceadmin.rate_limits.models import TokenBucket
from voiceadmin.rate_limits.types import Acquisition, RateLimit

pytestmark = pytest.mark.usefixtures("store")

SECOND = timedelta(seconds=1)
THREE = RateLimit(3, 0.5)  # one comes back in two seconds


def take(
    limit: RateLimit = THREE, now: datetime = NOW, *, name: str = "a", at_most: int = 1, returned: float = 0
) -> Acquisition:
    with write_transaction():
        return acquire_tokens(name, limit, now, at_most=at_most, returned=returned)


def buckets() -> set[str]:
    db.session.rollback()
    return set(db.session.scalars(select(TokenBucket.name)))


def attempt(email: str, password: str = "wrong", *, address: str = "203.0.113.7", now: datetime = NOW) -> str:
    """Try to sign in: what came of it."""
    try:
        sign_in(email, password, address=address, user_agent="", idle=timedelta(hours=1), now=now)
    except SignInRefused:
        return "refused"
    except RateLimited:
        return "rate-limited"
    return "in"


def at_once(store: Flask, tries: Sequence[Callable[[], str]]) -> list[str]:
    """What came of these, in eight threads."""

    def one(go: Callable[[], str]) -> str:
        with store.app_context():
            return go()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, tries))


def throttled_lines() -> list[AuditEventRow]:
    return list_activity(
        anonymous_requester(role=Role.PLATFORM), AuditFilters(event_types=(AuditEventType.RATE_LIMITED,))
    )[0]


# A bucket


def test_a_bucket_gives_what_it_holds_and_says_what_is_left_and_when_there_is_more() -> None:
    assert [take() for _ in range(4)] == [
        Acquisition(1, 2, 0),
        Acquisition(1, 1, 0),
        Acquisition(1, 0, 2),
        Acquisition(0, 0, 2),
    ]
    assert take(now=NOW + SECOND) == Acquisition(0, 0.5, 1)
    assert take(now=NOW + 2 * SECOND) == Acquisition(1, 0, 2)
    assert take(name="another") == Acquisition(1, 2, 0)


def test_several_are_taken_at_once_as_far_as_they_go() -> None:
    assert take(at_most=2) == Acquisition(2, 1, 0)
    assert take(at_most=2) == Acquisition(1, 0, 2)


def test_a_bucket_fills_up_again_and_never_more() -> None:
    take(at_most=3)

    assert take(now=NOW + 1000 * SECOND, at_most=9) == Acquisition(3, 0, 2)


def test_what_was_not_used_comes_back_and_never_more() -> None:
    take(at_most=3)
    with write_transaction():
        return_token("a", THREE, NOW)
    assert take(at_most=9) == Acquisition(1, 0, 2)

    assert take(at_most=0, returned=9) == Acquisition(0, 3, 0)


def test_a_clock_that_is_set_back_takes_nothing_away_and_gives_nothing_twice() -> None:
    take(now=NOW, at_most=2)

    assert take(now=NOW - 100 * SECOND) == Acquisition(1, 0, 2)
    assert take(now=NOW) == Acquisition(0, 0, 2)
    assert take(now=NOW + 2 * SECOND) == Acquisition(1, 0, 2)


def test_an_empty_bucket_that_gives_nothing_is_not_written() -> None:
    take(at_most=3)
    before = db.session.execute(select(TokenBucket.tokens, TokenBucket.counted_at)).one()

    take(now=NOW + SECOND)

    assert db.session.execute(select(TokenBucket.tokens, TokenBucket.counted_at)).one() == before
    assert (before.tokens, before.counted_at) == (0, NOW.timestamp())


def test_rows_that_say_no_more_than_no_row_are_forgotten() -> None:
    take(now=NOW - FULL_AFTER - SECOND, name="stale")
    take(now=NOW - FULL_AFTER, name="a day old")
    with write_transaction():
        delete_full_buckets(NOW)

    assert buckets() == {"a day old"}


@IN_DATABASE
@given(
    capacity=st.floats(1, 20),
    rate=st.floats(0.01, 10),
    draws=st.lists(st.tuples(st.floats(-5, 30), st.integers(1, 5)), max_size=12),
)
def test_a_bucket_never_gives_more_than_it_held_and_what_came_back(
    store: Flask, capacity: float, rate: float, draws: list[tuple[float, int]]
) -> None:
    with write_transaction():
        db.session.execute(delete(TokenBucket))
    at = first = latest = NOW
    given = 0
    for seconds, most in draws:
        at += timedelta(seconds=seconds)
        first, latest = (at, at) if not given else (min(first, at), max(latest, at))
        drawn = take(RateLimit(capacity, rate), at, at_most=most)
        given += drawn.tokens
        assert 0 <= drawn.tokens <= most
        assert -1e-6 <= drawn.remaining <= capacity
        assert given <= capacity + rate * (latest - first).total_seconds() + 1e-6


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:DB8::1", "2001:db8:0:0:ffff::"),
    ],
)
def test_addresses_of_one_network_count_as_one(one: str, other: str) -> None:
    assert bucket_address(one) == bucket_address(other)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.8", "203.0.113.8"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_a_network_is_named_by_its_beginning(address: str, name: str) -> None:
    assert bucket_address(address) == name


# Signing in


def test_of_many_tries_at_once_on_one_account_exactly_the_capacity_passes(store: Flask) -> None:
    make_account("ada@example.com")
    make_account("bo@example.com")

    came = at_once(store, [lambda: attempt("ada@example.com")] * 200)

    assert (came.count("refused"), came.count("rate-limited")) == (10, 190)
    assert attempt("ADA@example.com ", PASSWORD) == "rate-limited"
    assert attempt("ada@example.com", PASSWORD, address="198.51.100.1") == "rate-limited"
    assert attempt("bo@example.com", PASSWORD) == "in"
    assert attempt("ada@example.com", PASSWORD, now=NOW + timedelta(seconds=29)) == "rate-limited"
    assert attempt("ada@example.com", PASSWORD, now=NOW + timedelta(seconds=30)) == "in"


def test_one_password_for_many_accounts_is_stopped_at_the_address_and_leaves_nothing_behind(store: Flask) -> None:
    tries = [partial(attempt, f"person{number}@example.com") for number in range(200)]

    came = at_once(store, tries)

    assert (came.count("refused"), came.count("rate-limited")) == (50, 150)
    named = {name for name in buckets() if name.startswith("sign-in account")}
    assert len(named) == 50
    assert buckets() - named == {"sign-in address 203.0.113.7", "audit sign-in address 203.0.113.7"}
    assert attempt("person1@example.com", address="198.51.100.1") == "refused"


def test_the_limits_are_ten_of_an_account_and_fifty_of_an_address_in_five_minutes() -> None:
    for limit, number in ((PER_ACCOUNT, 10), (PER_ADDRESS, 50)):
        assert limit.capacity == number
        assert limit.rate * 300 == pytest.approx(number)


def test_a_network_of_ipv6_counts_as_one_address() -> None:
    came = [attempt(f"person{number}@example.com", address=f"2001:db8::{number:x}") for number in range(51)]

    assert came == ["refused"] * 50 + ["rate-limited"]
    assert attempt("person51@example.com", address="2001:db8:0:1::") == "refused"


def test_whoever_is_right_gets_the_try_back() -> None:
    make_account("ada@example.com")

    came = [attempt("ada@example.com", PASSWORD) for _ in range(60)]

    assert came == ["in"] * 60
    of_address = select(TokenBucket.tokens).where(TokenBucket.name == "sign-in address 203.0.113.7")
    assert db.session.scalar(of_address) == pytest.approx(50)


def test_who_is_slowed_down_is_told_when_to_try_again_and_the_trail_has_it_once_in_five_minutes() -> None:
    for _ in range(10):
        attempt("ada@example.com")

    with pytest.raises(RateLimited, match=r"^Too many attempts\. Wait 1 minute, then try again\.$") as refused:
        sign_in("ada@example.com", "x", address="203.0.113.7", user_agent="", idle=SECOND, now=NOW)
    again = [attempt("ada@example.com", now=NOW + SECOND) for _ in range(5)]

    assert refused.value.wait == pytest.approx(30)
    assert again == ["rate-limited"] * 5
    (line,) = throttled_lines()
    assert (line.object_name, line.address, line.actor_name, line.at) == ("ada@example.com", "203.0.113.7", "", NOW)
    later = NOW + timedelta(minutes=5)
    assert [attempt("ada@example.com", now=later) for _ in range(11)] == ["refused"] * 10 + ["rate-limited"]
    assert [line.at for line in throttled_lines()] == [later, NOW]


def test_signing_in_clears_stale_buckets_away() -> None:
    make_account("ada@example.com")
    take(now=NOW - FULL_AFTER - SECOND, name="stale")

    attempt("ada@example.com", PASSWORD)

    assert "stale" not in buckets()
    assert db.session.scalars(select(Account.email)).all() == ["ada@example.com"]
