"""Syntheses per day, from counts that only grow unless they are reset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise

from voiceadmin.history.types import VoiceDayRow
from voiceadmin.text import DAY


def count_syntheses(rows: Sequence[VoiceDayRow]) -> dict[date, int]:
    """Return the syntheses of each day with a row except the first, whose count is where counting begins.

    A count that goes back was reset: the new one counts.

    Args:
        rows: oldest first.
    """
    return {after.day: _count_new(before.synthesis_count, after.synthesis_count) for before, after in pairwise(rows)}


def _count_new(before: int, after: int) -> int:
    return after - before if after >= before else after


def list_counts(rows: Sequence[VoiceDayRow], first: date, last: date) -> list[int | None]:
    """Return the syntheses of each day from the first to the last; None before and on the day of the first row."""
    counts, days = count_syntheses(rows), (last - first).days + 1
    known_after = rows[0].day if rows else last
    return [counts.get(day, 0) if day > known_after else None for day in (first + n * DAY for n in range(days))]


def sum_counts(counts: Mapping[date, int], first: date, days: int) -> int:
    """Return the syntheses of a number of days from the first."""
    return sum(count for day, count in counts.items() if first <= day < first + timedelta(days=days))


def find_idle_since(rows: Sequence[VoiceDayRow], today: date) -> date | None:
    """Return the first of the days without use until today; None if the voice was used today or yesterday.

    Days before the first row are not known, and its own day counts as one of use.
    """
    days_of_use = [day for day, count in count_syntheses(rows).items() if count]
    last_use = days_of_use[-1] if days_of_use else rows[0].day
    return last_use + DAY if last_use < today - DAY else None
