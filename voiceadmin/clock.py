"""The current time. No other module reads the system clock for domain times."""

from __future__ import annotations

from datetime import UTC, date, datetime, time


def now() -> datetime:
    """Return the current time, aware and in UTC."""
    return datetime.now(UTC)


def start_of_day(day: date) -> datetime:
    """Return midnight UTC at the beginning of a day."""
    return datetime.combine(day, time(), UTC)
