"""Prices: one for each provider, each change with an audit event."""

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
def use_store(app: Flask) -> Flask:
    return app


def list_changes() -> list[tuple[object, object]]:
    """Return the values before and after of all audit events about prices."""
    return [
        tuple(event[name] and json.loads(event[name]) for name in ("before", "after"))
        for event in rows_of("audit_event")
        if event["event_type"] == "price-changed"
    ]


def test_a_new_price_replaces_the_previous_one(now: datetime) -> None:
    set_price("resemble", 200, "USD", MAY, by=ADA, now=now)
    set_price("resemble", 150, "EUR", JUNE, by=ADA, now=now)

    (price,) = list_prices().values()
    assert (price.provider, price.cents, price.currency, price.as_of) == ("resemble", 150, "EUR", JUNE)
    assert (price.changed_at, price.changed_by) == (now, "ada@example.com")
    old = {"cents": 200, "currency": "USD", "as_of": "2026-05-01"}
    assert list_changes() == [(None, old), (old, {"cents": 150, "currency": "EUR", "as_of": "2026-06-01"})]


def test_setting_the_same_price_again_records_no_event(now: datetime) -> None:
    for _ in range(2):
        set_price("resemble", 200, "USD", MAY, by=ADA, now=now)
    set_price("inworld", None, "", MAY, by=ADA, now=now)

    assert len(list_changes()) == 1


def test_the_same_price_with_another_date_is_a_change(now: datetime) -> None:
    for day in (MAY, JUNE):
        set_price("resemble", 200, "USD", day, by=ADA, now=now)

    assert list_prices()["resemble"].as_of == JUNE
    assert len(list_changes()) == 2


def test_a_price_can_be_removed(now: datetime) -> None:
    set_price("resemble", 0, "USD", MAY, by=ADA, now=now)
    assert list_prices()["resemble"].for_voices(3) == "0.00 USD"

    set_price("resemble", None, "", MAY, by=ADA, now=now)

    assert list_prices() == {}
    assert list_changes()[-1] == ({"cents": 0, "currency": "USD", "as_of": "2026-05-01"}, None)
