"""The cache for statistics: how old they may be, what is computed again, and how many are stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.conftest import NOW
from voiceadmin import clock
from voiceadmin.web import stats_cache
from voiceadmin.web.stats_cache import CACHE_TTL, MAX_ENTRIES, SLOW, StatsCache


@pytest.fixture(autouse=True)
def current_time(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The last of these is the current time."""
    times = [NOW]
    monkeypatch.setattr(clock, "now", lambda: times[-1])
    return times


@pytest.fixture
def durations(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The last of these is how many seconds each computation takes."""
    seconds = [0.0]
    total = [0.0]

    def tick() -> float:
        total[0] += seconds[-1] / 2
        return total[0]

    monkeypatch.setattr(stats_cache, "monotonic", tick)
    return seconds


def counter() -> Callable[[], int]:
    """Return a computation with another result each time."""
    numbers = iter(range(1, 10_000))
    return lambda: next(numbers)


def test_cached_statistics_expire_after_a_minute(current_time: list[datetime]) -> None:
    cache, compute = StatsCache(), counter()

    found = []
    for age in (timedelta(), CACHE_TTL - timedelta(seconds=1), CACHE_TTL):
        current_time.append(NOW + age)
        found.append(cache.get("a", compute, now=NOW + age, fresh=False))

    assert found == [(NOW, 1), (NOW, 1), (NOW + CACHE_TTL, 2)]


def test_statistics_from_the_future_are_computed_again() -> None:
    cache, compute = StatsCache(), counter()
    cache.get("a", compute, now=NOW, fresh=False)

    assert cache.get("a", compute, now=NOW - timedelta(seconds=1), fresh=False).stats == 2


@pytest.mark.parametrize(("seconds", "stats"), [(0.0, 2), (SLOW, 2), (3 * SLOW, 1)])
def test_only_slow_statistics_are_cached_for_pages_that_want_current_ones(
    durations: list[float], seconds: float, stats: int
) -> None:
    cache, compute = StatsCache(), counter()
    durations.append(seconds)
    cache.get("a", compute, now=NOW)

    assert cache.get("a", compute, now=NOW).stats == stats


def test_each_key_has_its_own_statistics() -> None:
    cache, compute = StatsCache(), counter()

    assert [cache.get(key, compute, now=NOW, fresh=False).stats for key in "aba"] == [1, 2, 1]


def test_the_least_recently_used_entry_is_removed_when_the_cache_is_full() -> None:
    cache, compute = StatsCache(), counter()
    for key in range(MAX_ENTRIES):
        cache.get(key, compute, now=NOW, fresh=False)
    cache.get("one more", compute, now=NOW, fresh=False)

    again = cache.get(1, compute, now=NOW, fresh=False), cache.get(0, compute, now=NOW, fresh=False)

    assert [one.stats for one in again] == [2, MAX_ENTRIES + 2]


def test_clear_removes_everything() -> None:
    cache, compute = StatsCache(), counter()
    cache.get("a", compute, now=NOW, fresh=False)

    cache.clear()

    assert cache.get("a", compute, now=NOW, fresh=False).stats == 2


def test_a_failed_computation_is_not_cached() -> None:
    cache = StatsCache()

    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0, now=NOW)

    assert cache.get("a", lambda: 7, now=NOW, fresh=False).stats == 7
