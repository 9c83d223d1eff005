"""Prices and the providers that can have one."""

from __future__ import annotations

from tests.conftest import NOW, SHELL
from tests.factories import LONG_AGO, make_organization, make_voice
from voiceadmin.cleanup.actions.prices import set_price
from voiceadmin.cleanup.queries.prices import list_priceable_providers, list_prices
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.organizations.models import Organization


def test_priceable_providers_have_a_label_a_voice_in_the_scope_or_a_price(acme: Organization) -> None:
    make_voice(acme, provider="playht", created_at=LONG_AGO)
    make_voice(make_organization("Other"), provider="voicehost")
    set_price("paid", 1, "USD", NOW.date(), by=SHELL, now=NOW)
    labelled = ["elevenlabs", "resemble", "inworld", "cartesia"]

    assert list_priceable_providers(EVERYTHING) == [*labelled, "paid", "playht", "voicehost"]
    assert list_priceable_providers(Scope(frozenset({acme.id}))) == [*labelled, "paid", "playht"]
    assert list(list_prices()) == ["paid"]
