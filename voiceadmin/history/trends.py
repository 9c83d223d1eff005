"""The trend of the use of a voice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from voiceadmin.history.daily_use import count_syntheses, sum_counts
from voiceadmin.history.types import Trend, TrendReading, VoiceDayRow
from voiceadmin.text import DAY

PERIOD = 30  # days, which are compared with as many before

DAYS_NEEDED = 2 * PERIOD  # after that of the first row

MINIMUM_CHANGE = 0.2  # of the earlier number; a smaller one is steady


def find_trend(rows: Sequence[VoiceDayRow], today: date) -> TrendReading | None:
    """Return the trend of the days before today; None if fewer than DAYS_NEEDED of them are known.

    Args:
        rows: oldest first. Today does not count: its number still grows.
    """
    start = today - timedelta(days=DAYS_NEEDED)
    if not rows or rows[0].day >= start:
        return None
    counts = count_syntheses(rows)
    recent = sum_counts(counts, start + PERIOD * DAY, PERIOD)
    previous = sum_counts(counts, start, PERIOD)
    return TrendReading(compare_use(recent, previous), recent, previous)


def find_end(rows: Sequence[VoiceDayRow], reading: TrendReading, today: date) -> date:
    """Return the last day with the trend of today if the voice is not used again; date.max if it does not end.

    Args:
        rows: those of `find_trend`.
        reading: the result of `find_trend` for today.
    """
    counts, recent, previous = count_syntheses(rows), reading.recent, reading.previous
    while recent or previous:
        moved = counts.get(today - PERIOD * DAY, 0)
        recent, previous = recent - moved, previous + moved - counts.get(today - DAYS_NEEDED * DAY, 0)
        if compare_use(recent, previous) is not reading.trend:
            return today
        today += DAY
    return date.max


def compare_use(recent: int, previous: int) -> Trend:
    """Return the trend of two numbers of syntheses of periods of the same length.

    Chance alone makes such numbers differ: their difference has a standard deviation of the square root of their sum,
    if they are Poisson distributed. Less than two of them is steady, as is less than MINIMUM_CHANGE.
    """
    if not previous:
        return Trend.NEW_USE if recent else Trend.NO_USE
    if not recent:
        return Trend.STOPPED
    change = recent - previous
    if change**2 < 4 * (recent + previous) or abs(change) < MINIMUM_CHANGE * previous:
        return Trend.STEADY
    return Trend.RISING if change > 0 else Trend.FALLING
