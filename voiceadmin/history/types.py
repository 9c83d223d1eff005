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


class TrendReading(NamedTuple):
    """A trend and its basis.

    Attributes:
        recent: syntheses of the last PERIOD days that are over.
        previous: syntheses of the PERIOD days before.
    """

    trend: Trend
    recent: int
    previous: int


class UseHistory(NamedTuple):
    """The use of a voice over time.

    Attributes:
        rows: of the period, oldest first.
        recorded_since: the day of the first row.
        first_day: of the period, which ends today.
        counts: syntheses of each day of the period; None for days that are not known.
        idle_since: the day after the last one with use, or the first recorded day if no use is known; None if the
            voice was used today or yesterday, or was not yet recorded for a whole day.
        trend: None if the history is too short.
    """

    rows: Sequence[VoiceDayRow]
    recorded_since: date
    first_day: date
    counts: Sequence[int | None]
    idle_since: date | None
    trend: TrendReading | None


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
