"""Sums of the totals, and the comparison of the totals with the rows that they count."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from tests.factories import make_organization, make_voice
from tests.totals.damage import DAMAGE, damage, make_totals
from voiceadmin.identity import EVERYTHING, NOTHING, Scope
from voiceadmin.totals.queries import find_wrong_totals, list_providers, sum_totals


def test_totals_are_right_after_writes(app: Flask, now: datetime) -> None:
    make_totals(now)

    assert find_wrong_totals() == []


@pytest.mark.parametrize("name", DAMAGE)
def test_a_wrong_total_is_found(app: Flask, now: datetime, name: str) -> None:
    make_totals(now)

    table = damage(name)

    assert [difference.table for difference in find_wrong_totals()] == [table]


def test_totals_are_summed_within_the_scope(app: Flask, now: datetime) -> None:
    acme, other = make_totals(now), make_organization("Other")
    make_voice(other, provider="resemble")

    assert sum_totals(Scope(frozenset({acme.id})), "ready", "failed") == {"elevenlabs": {"ready": 1, "failed": 2}}
    assert list_providers(EVERYTHING) == ["elevenlabs", "resemble"]
    assert list_providers(NOTHING) == []
