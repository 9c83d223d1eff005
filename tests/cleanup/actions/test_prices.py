"""Prices: one for each provider, each change with its line in the audit trail."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest
from flask import Flask

from tests.two_tenants import rows_of
from voiceadmin.cleanup.actions.prices import set_price
from voiceadmin.cleanup.queries.prices import list_prices
from voiceadmin.identity import Actor, ActorKind

ADA = Actor(ActorKind.ACCOUNT, 7, "ada@example.com")
MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)


@pytest.fixture(autouse=True)
def on_both(store: Flask) -> Flask:
    return store


def changes() -> list[tuple[object, object]]:
    """What the audit trail has of prices: before and after."""
    return [
        tuple(line[side] and json.loads(line[side]) for side in ("before", "after"))
        for line in rows_of("audit_event")
        if line["event_type"] == "price-changed"
    ]


def test_a_price_takes_the_place_of_the_one_before(now: datetime) -> None:
    set_price("resemble", 200, "USD", MAY, by=ADA, now=now)
    set_price("resemble", 150, "EUR", JUNE, by=ADA, now=now)

    (price,) = list_prices().values()
    assert (price.provider, price.cents, price.currency, price.as_of) == ("resemble", 150, "EUR", JUNE)
    assert (price.changed_at, price.changed_by) == (now, "ada@example.com")
    old = {"cents": 200, "currency": "USD", "as_of": "2026-05-01"}
    assert changes() == [(None, old), (old, {"cents": 150, "currency": "EUR", "as_of": "2026-06-01"})]


def test_what_is_so_already_leaves_no_line(now: datetime) -> None:
    for _ in range(2):
        set_price("resemble", 200, "USD", MAY, by=ADA, now=now)
    set_price("inworld", None, "", MAY, by=ADA, now=now)

    assert len(changes()) == 1


def test_the_same_price_of_another_day_is_a_change(now: datetime) -> None:
    for day in (MAY, JUNE):
        set_price("resemble", 200, "USD", day, by=ADA, now=now)

    assert list_prices()["resemble"].as_of == JUNE
    assert len(changes()) == 2


def test_a_price_can_be_forgotten_and_then_it_is_unknown(now: datetime) -> None:
    set_price("resemble", 0, "USD", MAY, by=ADA, now=now)
    assert list_prices()["resemble"].for_voices(3) == "0.00 USD"

    set_price("resemble", None, "", MAY, by=ADA, now=now)

    assert list_prices() == {}
    assert changes()[-1] == ({"cents": 0, "currency": "USD", "as_of": "2026-05-01"}, None)
