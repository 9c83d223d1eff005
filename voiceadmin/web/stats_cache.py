"""A cache for statistics that are slow to compute. Each process has its own."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any, Generic, NamedTuple, TypeVar

from cachetools import TTLCache
from flask import current_app

from voiceadmin import clock

Stats = TypeVar("Stats")


CACHE_TTL = timedelta(seconds=60)


SLOW = 0.05  # seconds; faster statistics are computed again for each page that needs current ones


MAX_ENTRIES = 300  # entries; more than the scopes and kinds of statistics in use at a time


EXTENSION = "voiceadmin_stats_cache"  # key in Flask's app.extensions


class CachedStats(NamedTuple, Generic[Stats]):
    """Statistics and the time at which they were computed."""

    counted_at: datetime
    stats: Stats


class StatsCache:
    """Statistics by key, for CACHE_TTL at most, safe for use by several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: TTLCache[Hashable, tuple[CachedStats[Any], float]] = TTLCache(
            MAX_ENTRIES, ttl=CACHE_TTL.total_seconds(), timer=lambda: clock.now().timestamp()
        )

    def get(
        self, key: Hashable, compute: Callable[[], Stats], *, now: datetime, fresh: bool = True
    ) -> CachedStats[Stats]:
        """Return the statistics of a key, computing them unless they are cached.

        Two threads may compute the same statistics at the same time.

        Args:
            key: what the statistics are about; includes the scope of the requester.
            compute: returns the statistics.
            now: the current time.
            fresh: whether to compute them again if that took less than SLOW the last time.
        """
        with self._lock:
            cached, seconds = self._entries.get(key, (None, 0.0))
        # A cached time ahead of now means that the system clock was set back.
        if cached is not None and cached.counted_at <= now and not (fresh and seconds < SLOW):
            return cached
        began = monotonic()
        return self.put(key, compute(), now=now, seconds=monotonic() - began)

    def put(self, key: Hashable, stats: Stats, *, now: datetime, seconds: float = 0.0) -> CachedStats[Stats]:
        """Store statistics that were computed at `now` and took this many seconds."""
        cached = CachedStats(now, stats)
        with self._lock:
            self._entries[key] = cached, seconds
        return cached

    def clear(self) -> None:
        """Remove everything, after a change of the data."""
        with self._lock:
            self._entries.clear()


def get_stats_cache() -> StatsCache:
    """Return the cache of the current application."""
    cache: StatsCache = current_app.extensions.setdefault(EXTENSION, StatsCache())
    return cache
