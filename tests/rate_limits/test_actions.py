"""Token buckets: their exact limits with parallel requests and a changing clock, and the limits of signing in."""

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
from voiceadmin.accounts.actions.attempts import DEVICE, IN_ALL, PER_ADDRESS, SESSION, STRANGERS
from voiceadmin.accounts.actions.sessions import check_password, sign_in
from voiceadmin.accounts.models import Account
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditEventRow, AuditEventType, AuditFilters
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import RateLimited, SignInRefused
from voiceadmin.identity import Actor, ActorKind, Role, anonymous_requester
from voiceadmin.rate_limits.actions import (
    FULL_AFTER,
    acquire_tokens,
    bucket_address,
    delete_full_buckets,
    return_token,
)
from voiceadmin.rate_limits.models import TokenBucket
from voiceadmin.rate_limits.types import Acquisition, RateLimit

pytestmark = pytest.mark.usefixtures("app")

SECOND = timedelta(seconds=1)
THREE = RateLimit(3, 0.5)  # one token is added every two seconds


def take(
    limit: RateLimit = THREE, now: datetime = NOW, *, name: str = "a", at_most: int = 1, returned: float = 0
) -> Acquisition:
    with write_transaction():
        return acquire_tokens(name, limit, now, at_most=at_most, returned=returned)


def bucket_names() -> set[str]:
    db.session.rollback()
    return set(db.session.scalars(select(TokenBucket.name)))


def try_sign_in(
    email: str, password: str = "wrong", *, address: str = "203.0.113.7", device: str = "", now: datetime = NOW
) -> str:
    """Try to sign in, and return the outcome."""
    try:
        sign_in(email, password, address=address, device=device, user_agent="", idle=timedelta(hours=1), now=now)
    except SignInRefused:
        return "refused"
    except RateLimited:
        return "rate-limited"
    return "signed-in"


def run_in_parallel(app: Flask, tries: Sequence[Callable[[], str]]) -> list[str]:
    """The outcomes of these functions, called in eight threads."""

    def run(function: Callable[[], str]) -> str:
        with app.app_context():
            return function()

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, tries))


def rate_limited_events() -> list[AuditEventRow]:
    return list_activity(
        anonymous_requester(role=Role.PLATFORM), AuditFilters(event_types=(AuditEventType.RATE_LIMITED,))
    )[0]


# One bucket


def test_a_bucket_returns_tokens_the_rest_and_the_time_until_the_next() -> None:
    assert [take() for _ in range(4)] == [
        Acquisition(1, 2, 0),
        Acquisition(1, 1, 0),
        Acquisition(1, 0, 2),
        Acquisition(0, 0, 2),
    ]
    assert take(now=NOW + SECOND) == Acquisition(0, 0.5, 1)
    assert take(now=NOW + 2 * SECOND) == Acquisition(1, 0, 2)
    assert take(name="another") == Acquisition(1, 2, 0)


def test_several_tokens_are_acquired_as_far_as_available() -> None:
    assert take(at_most=2) == Acquisition(2, 1, 0)
    assert take(at_most=2) == Acquisition(1, 0, 2)


def test_a_bucket_refills_up_to_its_capacity() -> None:
    take(at_most=3)

    assert take(now=NOW + 1000 * SECOND, at_most=9) == Acquisition(3, 0, 2)


def test_returned_tokens_are_added_up_to_the_capacity() -> None:
    take(at_most=3)
    with write_transaction():
        return_token("a", THREE, NOW)
    assert take(at_most=9) == Acquisition(1, 0, 2)

    assert take(at_most=0, returned=9) == Acquisition(0, 3, 0)


def test_a_clock_that_is_set_back_neither_removes_nor_adds_tokens() -> None:
    take(now=NOW, at_most=2)

    assert take(now=NOW - 100 * SECOND) == Acquisition(1, 0, 2)
    assert take(now=NOW) == Acquisition(0, 0, 2)
    assert take(now=NOW + 2 * SECOND) == Acquisition(1, 0, 2)


def test_an_acquisition_without_tokens_writes_nothing() -> None:
    take(at_most=3)
    before = db.session.execute(select(TokenBucket.tokens, TokenBucket.counted_at)).one()

    take(now=NOW + SECOND)

    assert db.session.execute(select(TokenBucket.tokens, TokenBucket.counted_at)).one() == before
    assert (before.tokens, before.counted_at) == (0, NOW.timestamp())


def test_rows_of_full_buckets_are_deleted() -> None:
    take(now=NOW - FULL_AFTER - SECOND, name="stale")
    take(now=NOW - FULL_AFTER, name="a day old")
    with write_transaction():
        delete_full_buckets(NOW)

    assert bucket_names() == {"a day old"}


@IN_DATABASE
@given(
    capacity=st.floats(1, 20),
    rate=st.floats(0.01, 10),
    attempts=st.lists(st.tuples(st.floats(-5, 30), st.integers(1, 5)), max_size=12),
)
def test_a_bucket_never_returns_more_than_its_capacity_and_refill(
    app: Flask, capacity: float, rate: float, attempts: list[tuple[float, int]]
) -> None:
    with write_transaction():
        db.session.execute(delete(TokenBucket))
    at = first = latest = NOW
    total = 0
    for seconds, maximum in attempts:
        at += timedelta(seconds=seconds)
        first, latest = (at, at) if not total else (min(first, at), max(latest, at))
        acquired = take(RateLimit(capacity, rate), at, at_most=maximum)
        total += acquired.tokens
        assert 0 <= acquired.tokens <= maximum
        assert -1e-6 <= acquired.remaining <= capacity
        assert total <= capacity + rate * (latest - first).total_seconds() + 1e-6


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:DB8::1", "2001:db8:0:0:ffff::"),
    ],
)
def test_addresses_of_one_network_share_a_bucket(one: str, other: str) -> None:
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
def test_the_bucket_of_an_address_is_named_by_its_network(address: str, name: str) -> None:
    assert bucket_address(address) == name


# Signing in


def test_parallel_attempts_on_one_account_are_limited_to_the_capacity(app: Flask) -> None:
    make_account("ada@example.com")
    make_account("bo@example.com")

    outcomes = run_in_parallel(app, [lambda: try_sign_in("ada@example.com")] * 200)

    assert (outcomes.count("refused"), outcomes.count("rate-limited")) == (5, 195)
    assert try_sign_in("ADA@example.com ", PASSWORD) == "rate-limited"
    assert try_sign_in("ada@example.com", PASSWORD, address="198.51.100.1") == "rate-limited"
    assert try_sign_in("bo@example.com", PASSWORD) == "signed-in"
    assert try_sign_in("ada@example.com", PASSWORD, now=NOW + timedelta(seconds=29)) == "rate-limited"
    assert try_sign_in("ada@example.com", PASSWORD, now=NOW + timedelta(seconds=30)) == "signed-in"


def test_attempts_on_many_accounts_are_limited_by_address_and_leave_no_other_buckets(app: Flask) -> None:
    tries = [partial(try_sign_in, f"person{number}@example.com") for number in range(200)]

    outcomes = run_in_parallel(app, tries)

    assert (outcomes.count("refused"), outcomes.count("rate-limited")) == (50, 150)
    account_buckets = {name for name in bucket_names() if name.startswith("sign-in account")}
    assert len(account_buckets) == 100  # of strangers, and in all
    assert bucket_names() - account_buckets == {"sign-in address 203.0.113.7", "audit sign-in address 203.0.113.7"}
    assert try_sign_in("person1@example.com", address="198.51.100.1") == "refused"


def test_an_account_has_at_most_10_attempts_a_minute_in_all_and_strangers_cannot_use_them_up() -> None:
    assert (IN_ALL.capacity, IN_ALL.rate * 60) == pytest.approx((10, 10))
    assert (PER_ADDRESS.capacity, PER_ADDRESS.rate * 300) == pytest.approx((50, 50))
    for limit in (STRANGERS, DEVICE, SESSION):
        assert (limit.capacity, limit.rate * 60) == pytest.approx((5, 2))
    assert STRANGERS.capacity + STRANGERS.rate * 60 < IN_ALL.capacity


def test_a_known_device_and_a_session_have_attempts_of_their_own(app: Flask) -> None:
    ada = make_account("ada@example.com")
    strangers = [try_sign_in("ada@example.com", address=f"198.51.100.{number}") for number in range(8)]
    wrong = [try_sign_in("ada@example.com", device="laptop") for _ in range(3)]
    owner = [try_sign_in("ada@example.com", PASSWORD, device=device) for device in ("laptop", "phone", "")]

    confirmed = check_password("ada@example.com", PASSWORD, by=Actor(ActorKind.ACCOUNT, ada.id, ada.email), now=NOW)

    assert strangers == ["refused"] * 5 + ["rate-limited"] * 3
    assert wrong == ["refused"] * 3
    assert owner == ["signed-in", "signed-in", "rate-limited"]
    assert confirmed == ada.id


def test_all_devices_together_have_10_attempts() -> None:
    outcomes = [try_sign_in("ada@example.com", device=f"device {number}") for number in range(12)]

    assert outcomes == ["refused"] * 10 + ["rate-limited"] * 2


def test_people_behind_one_address_sign_in_on_known_devices_when_it_has_no_attempts_left() -> None:
    make_account("ada@example.com")
    for number in range(60):
        try_sign_in(f"person{number}@example.com")

    assert try_sign_in("ada@example.com", PASSWORD) == "rate-limited"
    assert try_sign_in("ada@example.com", PASSWORD, device="laptop") == "signed-in"


def test_an_ipv6_network_counts_as_one_address() -> None:
    outcomes = [try_sign_in(f"person{number}@example.com", address=f"2001:db8::{number:x}") for number in range(51)]

    assert outcomes == ["refused"] * 50 + ["rate-limited"]
    assert try_sign_in("person51@example.com", address="2001:db8:0:1::") == "refused"


def test_a_successful_sign_in_returns_its_token() -> None:
    make_account("ada@example.com")

    outcomes = [try_sign_in("ada@example.com", PASSWORD) for _ in range(60)]

    assert outcomes == ["signed-in"] * 60
    of_address = select(TokenBucket.tokens).where(TokenBucket.name == "sign-in address 203.0.113.7")
    assert db.session.scalar(of_address) == pytest.approx(50)


def test_a_rate_limited_sign_in_names_the_wait_and_is_recorded_once_in_5_minutes() -> None:
    for _ in range(5):
        try_sign_in("ada@example.com")

    with pytest.raises(RateLimited, match=r"^Too many attempts\. Wait 1 minute, then try again\.$") as refused:
        sign_in("ada@example.com", "x", address="203.0.113.7", user_agent="", idle=SECOND, now=NOW)
    later_attempts = [try_sign_in("ada@example.com", now=NOW + SECOND) for _ in range(5)]

    assert refused.value.wait == pytest.approx(30)
    assert later_attempts == ["rate-limited"] * 5
    (event,) = rate_limited_events()
    assert (event.object_name, event.address, event.actor_name, event.at) == ("ada@example.com", "203.0.113.7", "", NOW)
    later = NOW + timedelta(minutes=5)
    assert [try_sign_in("ada@example.com", now=later) for _ in range(6)] == ["refused"] * 5 + ["rate-limited"]
    assert [event.at for event in rate_limited_events()] == [later, NOW]


def test_signing_in_deletes_full_buckets() -> None:
    make_account("ada@example.com")
    take(now=NOW - FULL_AFTER - SECOND, name="stale")

    try_sign_in("ada@example.com", PASSWORD)

    assert "stale" not in bucket_names()
    assert db.session.scalars(select(Account.email)).all() == ["ada@example.com"]
