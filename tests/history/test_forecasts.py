"""A forecast of slots extends a line through the last 28 days, or says why there is none."""

from __future__ import annotations

import pytest

from tests.history.scenario import day
from voiceadmin.history.forecasts import forecast_slots, list_used
from voiceadmin.history.types import Forecast, SlotDayRow


def slot_days(*rows: tuple[int, int], limit: int | None = 30) -> list[SlotDayRow]:
    """Return rows with their numbers of days and used slots."""
    return [SlotDayRow(day(number), used, limit) for number, used in rows]


def grow(days: int, every: int = 7, by: int = 1) -> list[tuple[int, int]]:
    """Return the used slots of days on which a slot more is used, from one on the first day."""
    return [(number, 1 + by * number // every) for number in range(0, days + 1, every)]


def test_growth_is_extended_to_the_limit() -> None:
    rows = slot_days(*[(number, number) for number in range(41)], limit=60)

    assert forecast_slots(rows, day(40), day(40)) == Forecast(20, 7.0, 28)


def test_only_the_last_28_days_count() -> None:
    rows = slot_days((0, 1), (1, 10), *((12 + number, 10 + number) for number in range(29)), limit=48)

    assert forecast_slots(rows, day(40), day(40)) == Forecast(10, 7.0, 28)


def test_a_line_smooths_steps_and_days_without_a_row_are_as_the_day_before() -> None:
    forecast = forecast_slots(slot_days(*grow(28, by=2)), day(28), day(28))

    assert isinstance(forecast, Forecast)
    assert forecast.days == pytest.approx((30 - 9) * 7 / 2, rel=0.1)
    assert forecast.per_week == pytest.approx(2, rel=0.1)


def test_a_shorter_history_is_the_basis_if_it_is_long_enough() -> None:
    rows = slot_days(*[(number, number) for number in range(15)])

    assert forecast_slots(rows, day(14), day(14)) == Forecast(16, 7.0, 14)


@pytest.mark.parametrize(("limit", "days"), [(28 + 365, 365), (28 + 366, None)])
def test_no_forecast_goes_beyond_a_year(limit: int, days: int | None) -> None:
    rows = slot_days(*[(number, number) for number in range(29)], limit=limit)

    assert forecast_slots(rows, day(28), day(28)) == Forecast(days, 7.0, 28)


REASONS = {
    "short": (slot_days((0, 1), (13, 9)), 13, 13, "No forecast yet: recorded for 13 days. A forecast needs 14."),
    "today": (slot_days((0, 1)), 0, 0, "No forecast yet: recorded for 0 days. A forecast needs 14."),
    "no limit": (slot_days(*grow(28), limit=None), 28, 28, "No forecast: the limit is not known."),
    "falling": (slot_days((0, 9), (20, 3)), 28, 28, "No forecast: use is falling, by the last 28 days."),
    "flat": (slot_days((0, 9)), 28, 28, "No forecast: use is not growing, by the last 28 days."),
    "full": (slot_days((0, 30)), 28, 28, "All slots are in use."),
    "over": (slot_days((0, 31)), 28, 28, "All slots are in use."),
    "stale": (slot_days(*grow(28)), 28, 36, "No forecast: the slots were last read 8 days ago."),
}


@pytest.mark.parametrize(("rows", "read_on", "today", "reason"), REASONS.values(), ids=REASONS.keys())
def test_the_reason_is_said_why_there_is_no_forecast(
    rows: list[SlotDayRow], read_on: int, today: int, reason: str
) -> None:
    assert forecast_slots(rows, day(read_on), day(today)) == reason


def test_used_slots_are_known_from_the_first_row() -> None:
    assert list_used(slot_days((1, 2), (3, 4)), day(0), day(4)) == [None, 2, 2, 4, 4]
    assert list_used(slot_days((1, 2), (3, 4)), day(3), day(4)) == [4, 4]
