"""Savings and the format of amounts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.conftest import NOW
from voiceadmin.cleanup.types.prices import Price, format_amount, sum_savings


def price(provider: str, cents: int, currency: str = "USD", day: date = date(2026, 11, 1)) -> Price:
    return Price(provider, cents, currency, day, NOW, "tester")


def sum_up(voices: dict[str, int], *prices: Price) -> Any:
    return sum_savings(voices, {one.provider: one for one in prices}, today=NOW.date())


def test_amounts_in_two_currencies_are_never_added() -> None:
    found = sum_up(
        {"resemble": 3, "inworld": 2, "cartesia": 1},
        price("resemble", 200),
        price("inworld", 150, "EUR"),
        price("cartesia", 1),
    )

    assert found.monthly == ["3.00 EUR", "6.01 USD"]
    assert (found.slots, found.unpriced) == (6, [])


def test_an_unknown_price_is_not_zero() -> None:
    assert sum_up({"resemble": 3}).monthly == []
    assert sum_up({"resemble": 3}).unpriced == ["Resemble"]
    assert sum_up({"resemble": 3}, price("resemble", 0)).monthly == ["0.00 USD"]
    assert sum_up({"resemble": 3}, price("resemble", 0)).unpriced == []


def test_providers_without_candidates_do_not_affect_the_savings() -> None:
    found = sum_up({"resemble": 0, "inworld": 0}, price("resemble", 200, day=date(2020, 1, 1)))

    assert found == (0, [], [], False, [])


@pytest.mark.parametrize(("days", "outdated"), [(0, False), (183, False), (184, True), (4000, True)])
def test_a_price_is_outdated_after_half_a_year(days: int, outdated: bool) -> None:
    day = NOW.date() - timedelta(days=days)

    assert sum_up({"resemble": 1}, price("resemble", 1, day=day)).has_outdated_price is outdated
    assert sum_up({"resemble": 1}, price("resemble", 1, day=day)).price_dates == [day]


def test_the_savings_contain_the_oldest_and_the_newest_price_date() -> None:
    days = [date(2026, 3, 1), date(2026, 11, 1), date(2026, 7, 1)]
    prices = [price(name, 100, day=day) for name, day in zip(("resemble", "inworld", "cartesia"), days, strict=True)]

    found = sum_up({"resemble": 1, "inworld": 1, "cartesia": 1}, *prices)

    assert (found.price_dates, found.has_outdated_price) == ([days[0], days[1]], True)
    assert sum_up({"inworld": 1}, *prices).has_outdated_price is False


def test_amounts_have_two_decimals_and_thousands_separators() -> None:
    assert [format_amount(cents, "USD") for cents in (0, 5, 120, 123_456_789)] == [
        "0.00 USD",
        "0.05 USD",
        "1.20 USD",
        "1,234,567.89 USD",
    ]
