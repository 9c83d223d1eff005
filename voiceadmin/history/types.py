"""Rows of the history, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from voiceadmin.enums import LabelledEnum


class VoiceDayRow(NamedTuple):
    """The values of a voice at the end of a UTC day on which one of them changed. status: upstream's, as a value."""

    day: date
    synthesis_count: int
    status: str
    quality_score: float | None


class SlotDayRow(NamedTuple):
    """The slots of one kind at the end of a UTC day on which they changed. limit: None if it is not known."""

    day: date
    used: int
    limit: int | None


class Trend(LabelledEnum):
    """How the use of a voice has changed: 30 days, compared with the 30 days before."""

    RISING = "rising", "Rising"
    STEADY = "steady", "Steady"
    FALLING = "falling", "Falling"
    NEW_USE = "new-use", "New use"
    STOPPED = "stopped", "Use stopped"
    NO_USE = "no-use", "No use"


# The trends that are stored for filters. Steady voices, and voices without a trend, have no row.
STORED_TRENDS = (Trend.RISING, Trend.FALLING, Trend.NEW_USE, Trend.STOPPED, Trend.NO_USE)


class TrendReading(NamedTuple):
    """A trend and its basis.

    Attributes:
        recent: syntheses of the last PERIOD days that are over.
        previous: syntheses of the PERIOD days before.
    """

    trend: Trend
    recent: int
    previous: int


class UseDay(NamedTuple):
    """A day on which a value of a voice changed.

    Attributes:
        syntheses: of this day; None on the first recorded day.
        total: syntheses until the end of the day.
        status: upstream's, as a value.
    """

    day: date
    syntheses: int | None
    total: int
    status: str
    quality_score: float | None


class UseHistory(NamedTuple):
    """The use of a voice over time.

    Attributes:
        days: days of the period with a change, newest first.
        recorded_since: the first recorded day.
        first_day, last_day: of the period, which ends on the day on which the voice was last read from upstream.
        counts: syntheses of each day of the period; None for days that are not known.
        idle_since: first of the days without use until the last one; None if the voice was used on one of the last two.
        trend: None if the history is too short.
    """

    days: Sequence[UseDay]
    recorded_since: date
    first_day: date
    last_day: date
    counts: Sequence[int | None]
    idle_since: date | None
    trend: TrendReading | None

    @property
    def known_counts(self) -> list[int]:
        """Syntheses of the days of the period that are known."""
        return [count for count in self.counts if count is not None]


class RecentUse(NamedTuple):
    """The use of a voice in the last PERIOD days that are over, for a list.

    Attributes:
        path: of a chart with a bar for each day; "" without use.
        trend: None if the history is too short.
        until: the last of the days.
    """

    path: str
    trend: TrendReading | None
    until: date


class Forecast(NamedTuple):
    """When slots will be full, if their use grows as before.

    Attributes:
        days: from the last reading until all are used; None if that is more than a year away.
        per_week: how many more slots are used each week.
        basis_days: number of days on which that rests.
    """

    days: int | None
    per_week: float
    basis_days: int


class SlotHistory(NamedTuple):
    """The use of the slots of one kind over time.

    Attributes:
        first_day: of the period.
        used: at the end of each day of the period; None for days that are not known.
        limit: the newest one; None if it is not known.
        recorded_since: the day of the first row.
        forecast: or the reason, as a sentence, why there is none.
    """

    first_day: date
    used: Sequence[int | None]
    limit: int | None
    recorded_since: date
    forecast: Forecast | str

    @property
    def newest(self) -> int:
        """The used slots today."""
        return self.used[-1] or 0

    @property
    def most(self) -> int:
        """The largest number of used slots of the period."""
        return max(used for used in self.used if used is not None)
