"""Stored trends are those of today, and renewing them reads only voices whose trend can have changed."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import delete, select

from tests.factories import make_organization, make_voice
from tests.history.scenario import add_days, day, noon
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.history.actions import renewing_trends
from voiceadmin.history.actions.renewing_trends import renew_trends
from voiceadmin.history.models import VoiceTrend
from voiceadmin.history.queries import read_days
from voiceadmin.history.trends import find_trend
from voiceadmin.history.types import STORED_TRENDS
from voiceadmin.voices.models import ClonedVoice

TODAY = 100
# By trend, numbers of days and the syntheses at the end of each.
USES = {
    "rising": [(0, 0), (50, 1), (80, 50)],
    "falling": [(0, 0), (50, 50), (80, 51)],
    "new-use": [(0, 0), (80, 5)],
    "stopped": [(0, 0), (50, 5)],
    "no-use": [(0, 3)],
    "steady": [(0, 0), (50, 5), (80, 10)],
    "unknown": [(45, 0), (80, 10)],
}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read two voices at once, without pauses."""
    monkeypatch.setattr(renewing_trends, "BATCH_SIZE", 2)
    monkeypatch.setattr(renewing_trends, "PAUSE_SECONDS", 0)


@pytest.fixture
def voices(app: Flask) -> dict[str, int]:
    """A voice for each of USES."""
    acme = make_organization()
    ids = {name: make_voice(acme, name=name).id for name in USES}
    for name, id in ids.items():
        add_days(id, USES[name])
    return ids


def renew(number: int) -> int:
    """Renew the trends on a day, and return how many rows were written."""
    return sum(renew_trends(now=noon(number)))


def list_trends() -> dict[str, tuple[str, date, date]]:
    """Return the stored trends with their first and last day by name of the voice."""
    columns = (ClonedVoice.name, VoiceTrend.trend, VoiceTrend.from_day, VoiceTrend.until_day)
    rows = db.session.execute(select(*columns).join(VoiceTrend, VoiceTrend.voice_id == ClonedVoice.id)).all()
    db.session.rollback()
    return {name: (trend, first, last) for name, trend, first, last in rows}


def test_voices_with_a_trend_that_is_not_steady_have_a_row_with_the_days_on_which_it_holds(
    voices: dict[str, int],
) -> None:
    assert renew(TODAY) == 5
    assert list_trends() == {
        "rising": ("rising", day(TODAY), day(110)),  # the use of day 80 counts as recent until then
        "falling": ("falling", day(TODAY), day(110)),
        "new-use": ("new-use", day(TODAY), day(110)),
        "stopped": ("stopped", day(TODAY), day(110)),  # the use of day 50 counts as earlier until then
        "no-use": ("no-use", day(TODAY), date.max),
    }


def test_renewing_again_on_the_same_day_does_nothing(voices: dict[str, int]) -> None:
    renew(TODAY)
    with write_transaction():
        db.session.execute(delete(VoiceTrend))

    assert renew(TODAY) == 0
    assert list_trends() == {}


def test_a_day_without_changes_writes_nothing(voices: dict[str, int]) -> None:
    renew(TODAY)
    before = list_trends()

    assert renew(TODAY + 1) == 0
    assert list_trends() == before


def compute_trends(voices: dict[str, int], number: int) -> dict[str, str]:
    """Return the trends of a day by name of the voice, without those that are not stored."""
    rows = read_days(list(voices.values()), day(0))
    db.session.rollback()
    found = {name: find_trend(rows[id], day(number)) for name, id in voices.items()}
    return {name: reading.trend.value for name, reading in found.items() if reading and reading.trend in STORED_TRENDS}


def test_day_by_day_and_after_pauses_the_stored_trends_are_those_of_the_day(voices: dict[str, int]) -> None:
    add_days(voices["no-use"], [(103, 9), (104, 11)])
    for number in (*range(TODAY, 116), 121, *range(133, 137), *range(163, 167), 200):
        renew(number)
        stored = list_trends()
        assert {name: trend for name, (trend, _, _) in stored.items()} == compute_trends(voices, number), number
        assert all(first <= day(number) <= last for _, first, last in stored.values())


def test_a_voice_that_moved_to_another_organization_gets_a_new_row(voices: dict[str, int]) -> None:
    renew(TODAY)
    other = make_organization()
    with write_transaction():
        db.session.get_one(ClonedVoice, voices["new-use"]).organization_id = other.id
    add_days(voices["new-use"], [(100, 20)])
    renew(TODAY + 1)

    assert db.session.get_one(VoiceTrend, voices["new-use"]).organization_id == other.id
