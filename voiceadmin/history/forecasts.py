"""When the slots of a provider will be full."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from statistics import linear_regression

from voiceadmin.history.types import Forecast, SlotDayRow
from voiceadmin.text import DAY, pluralize

BASIS = 28  # days, if so many are recorded

DAYS_NEEDED = 14  # from the first row to the last reading

LONGEST = 365  # days of a forecast

LEAST_GROWTH = 0.05  # slots a week; less is no growth


def forecast_slots(rows: Sequence[SlotDayRow], read_on: date, today: date) -> Forecast | str:
    """Return when the slots will be full, by a line through the last BASIS days; or the reason why that is not known.

    Args:
        rows: of one kind, oldest first; at least one.
        read_on: the day on which the provider was last asked. Until then, the newest row holds.
    """
    newest, recorded = rows[-1], (read_on - rows[0].day).days
    if newest.limit is None:
        return "No forecast: the limit is not known."
    if newest.used >= newest.limit:
        return "All slots are in use."
    if (today - read_on).days > BASIS // 4:
        return f"No forecast: the slots were last read {pluralize((today - read_on).days, 'day')} ago."
    if recorded < DAYS_NEEDED:
        return f"No forecast yet: recorded for {pluralize(recorded, 'day')}. A forecast needs {DAYS_NEEDED}."
    return _extrapolate(rows, read_on, min(recorded, BASIS), newest.limit - newest.used)


def _extrapolate(rows: Sequence[SlotDayRow], read_on: date, days: int, free: int) -> Forecast | str:
    used = [count for count in list_used(rows, read_on - timedelta(days=days), read_on) if count is not None]
    per_day = linear_regression(range(len(used)), used).slope
    per_week = 7 * per_day
    if per_week <= -LEAST_GROWTH:
        return f"No forecast: use is falling, by the last {days} days."
    if per_week < LEAST_GROWTH:
        return f"No forecast: use is not growing, by the last {days} days."
    needed = math.ceil(free / per_day)
    return Forecast(needed if needed <= LONGEST else None, per_week, days)


def list_used(rows: Sequence[SlotDayRow], first: date, last: date) -> list[int | None]:
    """Return the used slots at the end of each day from the first to the last; None before the first row."""
    used, found, position = [], None, 0
    for day in (first + number * DAY for number in range((last - first).days + 1)):
        while position < len(rows) and rows[position].day <= day:
            found, position = rows[position].used, position + 1
        used.append(found)
    return used


def describe_forecast(forecast: Forecast | str) -> str:
    """Return a sentence such as "Full in about 40 days (2 more slots a week, by the last 28 days)."."""
    if isinstance(forecast, str):
        return forecast
    rate = f"{forecast.per_week:.2g}" if forecast.per_week < 10 else f"{forecast.per_week:,.0f}"
    basis = f"({rate} more {'slot' if rate == '1' else 'slots'} a week, by the last {forecast.basis_days} days)"
    if forecast.days is None:
        return f"Not full within a year {basis}."
    return f"Full in about {pluralize(forecast.days, 'day')} {basis}."
