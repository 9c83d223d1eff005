"""Figures that are kept for a minute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.conftest import NOW
from voiceadmin.web import stats_cache as module
from voiceadmin.web.stats_cache import CACHE_TTL, DEAR, MOST, StatsCache


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that counting is made to take: each count takes the last of these."""
    spent = [0.0]
    total = [0.0]

    def tick() -> float:
        total[0] += spent[-1] / 2
        return total[0]

    monkeypatch.setattr(module, "monotonic", tick)
    return spent


def counter() -> Callable[[], int]:
    """Something to count, which gives another number each time."""
    numbers = iter(range(1, 10_000))
    return lambda: next(numbers)


def test_what_is_kept_is_at_most_a_minute_old() -> None:
    kept, count = StatsCache(), counter()

    found = [
        kept.get("a", count, now=NOW + after, fresh=False)
        for after in (timedelta(), CACHE_TTL - timedelta(seconds=1), CACHE_TTL)
    ]

    assert found == [(NOW, 1), (NOW, 1), (NOW + CACHE_TTL, 2)]


def test_what_was_counted_after_now_is_counted_anew() -> None:
    kept, count = StatsCache(), counter()
    kept.get("a", count, now=NOW, fresh=False)

    assert kept.get("a", count, now=NOW - timedelta(seconds=1), fresh=False).stats == 2


@pytest.mark.parametrize(("seconds", "figures"), [(0.0, 2), (DEAR, 2), (3 * DEAR, 1)])
def test_only_what_is_dear_is_kept_from_those_who_want_it_fresh(
    clock: list[float], seconds: float, figures: int
) -> None:
    kept, count = StatsCache(), counter()
    clock.append(seconds)
    kept.get("a", count, now=NOW)

    assert kept.get("a", count, now=NOW).stats == figures


def test_each_key_has_its_own() -> None:
    kept, count = StatsCache(), counter()

    assert [kept.get(key, count, now=NOW, fresh=False).stats for key in "aba"] == [1, 2, 1]


def test_the_oldest_go_when_there_are_too_many() -> None:
    kept, count = StatsCache(), counter()
    for key in range(MOST):
        kept.get(key, count, now=NOW, fresh=False)
    kept.get("one more", count, now=NOW, fresh=False)

    again = kept.get(1, count, now=NOW, fresh=False), kept.get(0, count, now=NOW, fresh=False)

    assert [one.stats for one in again] == [2, MOST + 2]


def test_all_is_forgotten_at_once() -> None:
    kept, count = StatsCache(), counter()
    kept.get("a", count, now=NOW, fresh=False)

    kept.clear()

    assert kept.get("a", count, now=NOW, fresh=False).stats == 2


def test_what_fails_is_not_kept() -> None:
    kept = StatsCache()

    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0, now=NOW)

    assert kept.get("a", lambda: 7, now=NOW, fresh=False).stats == 7
