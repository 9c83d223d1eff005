"""Prices that providers charge for keeping a voice, and the savings of deleting voices there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from voiceadmin.voices.types.provider import Provider, provider_label

PRICE_VALID_FOR = timedelta(days=183)  # half a year; then pages recommend to check the price

BILLING_NOTES = {
    Provider.ELEVENLABS.value: (
        "By the slots of your subscription. You save money only if a smaller subscription has enough slots."
    ),
    Provider.RESEMBLE.value: (
        "Per voice and month with the subscription “Flex”. An estimate of May 2026, not from Resemble:"
        " about 2.00 USD for a rapid clone, 5.00 USD for a professional one."
    ),
    Provider.INWORLD.value: "By the voices that your subscription includes. A single voice costs nothing extra.",
    Provider.CARTESIA.value: "No price per voice is known.",
}


class Price(NamedTuple):
    """What a provider charges for one voice and month, as an admin entered it. cents: hundredths of the currency."""

    provider: str
    cents: int
    currency: str
    as_of: date
    changed_at: datetime
    changed_by: str

    def for_voices(self, count: int) -> str:
        """Return the monthly price of some voices, for example "1,204.00 USD"."""
        return format_amount(self.cents * count, self.currency)

    def is_outdated(self, today: date) -> bool:
        """Return whether the price should be checked again."""
        return today - self.as_of > PRICE_VALID_FOR


def format_amount(cents: int, currency: str) -> str:
    """Return an amount such as "1,204.00 USD"."""
    return f"{cents // 100:,}.{cents % 100:02} {currency}"


class Savings(NamedTuple):
    """What deleting voices at their providers saves.

    Attributes:
        slots: Number of voice slots that become free.
        monthly: One formatted amount per currency.
        price_dates: Dates of the oldest and the newest price used; empty without a price.
        has_outdated_price: Whether the oldest of them should be checked again.
        unpriced: Labels of the providers without a known price.
    """

    slots: int
    monthly: Sequence[str]
    price_dates: Sequence[date]
    has_outdated_price: bool
    unpriced: Sequence[str]


def sum_savings(voices: Mapping[str, int], prices: Mapping[str, Price], *, today: date) -> Savings:
    """Add up the savings of deleting voices.

    An unknown price counts as unknown, not as zero, and currencies are never added to each other.

    Args:
        voices: Number of voices by provider.
        prices: Known prices by provider.
        today: The date that prices are compared with.
    """
    deleted = {provider: count for provider, count in voices.items() if count}
    used = {provider: prices[provider] for provider in deleted if provider in prices}
    cents_by_currency: dict[str, int] = {}
    for provider, price in used.items():
        cents = price.cents * deleted[provider]
        cents_by_currency[price.currency] = cents_by_currency.get(price.currency, 0) + cents
    dates = sorted({price.as_of for price in used.values()})
    return Savings(
        slots=sum(deleted.values()),
        monthly=[format_amount(cents, currency) for currency, cents in sorted(cents_by_currency.items())],
        price_dates=dates if len(dates) < 2 else [dates[0], dates[-1]],
        has_outdated_price=any(price.is_outdated(today) for price in used.values()),
        unpriced=[provider_label(provider) for provider in deleted if provider not in used],
    )
