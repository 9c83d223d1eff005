"""Figures that took long to count, kept for a minute in each process; what is counted at once is counted anew."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from threading import Lock
from time import monotonic
from typing import Any, Generic, NamedTuple, TypeVar

from flask import current_app

Figures = TypeVar("Figures")


CACHE_TTL = timedelta(seconds=60)


DEAR = 0.05  # seconds from which counting is dear


MOST = 300  # for more scopes and kinds than that the oldest are counted anew


EXTENSION = "voiceadmin_kept"  # the app's extension that holds them


class CachedStats(NamedTuple, Generic[Figures]):
    """Figures and when they were counted."""

    counted_at: datetime
    stats: Figures


class StatsCache:
    """The figures that a process keeps, by what they are and whose."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: dict[Hashable, tuple[CachedStats[Any], float]] = {}

    def get(
        self, key: Hashable, count: Callable[[], Figures], *, now: datetime, fresh: bool = True
    ) -> CachedStats[Figures]:
        """The figures of this key, at most a minute old. Two that ask together may both count.

        fresh: whether to count anew all the same where that takes no time.
        """
        kept, seconds = self._found.get(key, (None, 0.0))
        if kept is not None and timedelta() <= now - kept.counted_at < CACHE_TTL and not (fresh and seconds < DEAR):
            return kept
        began = monotonic()
        return self.put(key, count(), now=now, seconds=monotonic() - began)

    def put(self, key: Hashable, figures: Figures, *, now: datetime, seconds: float = 0.0) -> CachedStats[Figures]:
        """Keep what was counted just now, which took so many seconds."""
        found = CachedStats(now, figures)
        with self._lock:
            self._found.pop(key, None)
            self._found[key] = found, seconds
            for old in list(self._found)[:-MOST]:
                del self._found[old]
        return found

    def clear(self) -> None:
        """Count everything anew when somebody asks: something was changed here."""
        with self._lock:
            self._found.clear()


def get_stats_cache() -> StatsCache:
    """What the process of this request keeps."""
    found: StatsCache = current_app.extensions.setdefault(EXTENSION, StatsCache())
    return found
