"""The history of one voice and of the slots of one source."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import insert

from tests.factories import make_organization, make_voice
from tests.history.scenario import add_days, add_slot_days, day, noon
from tests.sources.scenario import describe_source, make_source
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.history.queries import DAYS_SHOWN, read_slot_histories, read_use_history
from voiceadmin.history.types import Forecast, Trend, UseHistory
from voiceadmin.sources.models import SourceVoice, SyncRun
from voiceadmin.sources.queries import find_last_read
from voiceadmin.sources.types import SyncResult


@pytest.fixture
def voice_id(app: Flask) -> int:
    """A voice without history."""
    return make_voice(make_organization()).id


def read(voice_id: int, number: int) -> UseHistory:
    """Read the history of a voice that was last read on a day."""
    history = read_use_history(voice_id, read_at=noon(number))
    assert history is not None
    return history


def test_a_voice_without_rows_has_no_history(voice_id: int) -> None:
    assert read_use_history(voice_id, read_at=noon(0)) is None


def test_the_history_has_the_last_ninety_days_and_their_changes(voice_id: int) -> None:
    add_days(make_voice(make_organization()).id, [(100, 1000)])  # of another voice
    add_days(voice_id, [(0, 5), (10, 8), (100, 10), (101, 10), (199, 70), (200, 73)])
    history = read(voice_id, 200)

    assert (history.recorded_since, history.first_day, history.last_day) == (day(0), day(111), day(200))
    assert history.counts == [0] * 88 + [60, 3]
    assert history.days == [(day(200), 3, 73, "ready", 0.85), (day(199), 60, 70, "ready", 0.85)]
    assert history.trend == (Trend.NEW_USE, 60, 0)
    assert history.idle_since is None


def test_a_voice_that_changes_every_day_is_read_from_as_many_rows_as_days(voice_id: int) -> None:
    add_days(voice_id, [(number, 10 * number) for number in range(201)])
    history = read(voice_id, 200)

    assert history.recorded_since == day(0)
    assert history.counts == [10] * DAYS_SHOWN
    assert [(row.day, row.syntheses) for row in history.days] == [
        (day(number), 10) for number in range(200, 200 - DAYS_SHOWN, -1)
    ]


def test_a_short_history_has_unknown_days_and_no_trend(voice_id: int) -> None:
    add_days(voice_id, [(150, 5), (190, 8)])
    history = read(voice_id, 200)

    assert history.counts == [None] * 40 + [0] * 39 + [3] + [0] * 10
    assert (history.idle_since, history.trend) == (day(191), None)
    assert history.days[-1].syntheses is None


def test_the_history_ends_when_the_voice_was_last_read_or_changed(voice_id: int) -> None:
    add_days(voice_id, [(0, 5), (190, 8)])

    assert read(voice_id, 195).last_day == day(195)
    assert read(voice_id, 180).last_day == day(190)


def test_the_last_reading_of_a_voice_is_that_of_the_newest_complete_sync_of_a_source_that_lists_it(
    app: Flask, voice_id: int
) -> None:
    assert find_last_read(voice_id) is None

    runs = [(SyncResult.COMPLETE, 1), (SyncResult.COMPLETE, 2), (SyncResult.INCOMPLETE, 3), (SyncResult.FAILED, 4)]
    source, lacking = (
        make_source(app.config["VOICEADMIN"], describe_source(key_variable="UPSTREAM_KEY_TEST")) for _ in range(2)
    )
    with write_transaction():
        for id, runs_of_source in ((source, runs), (lacking, [(SyncResult.COMPLETE, 9)])):
            values = [{"result": result.value, "started_at": noon(number)} for result, number in runs_of_source]
            db.session.execute(insert(SyncRun), [row | {"source_id": id, "started_by": "Ada"} for row in values])
        listed = {"voice_id": voice_id, "first_listed_at": noon(0)}
        db.session.add(SourceVoice(source_id=source, **listed))
        db.session.add(SourceVoice(source_id=lacking, missing_since=noon(5), **listed))

    assert find_last_read(voice_id) == noon(2)


def test_the_history_of_slots_has_their_use_and_a_forecast(app: Flask) -> None:
    source, other = (
        make_source(app.config["VOICEADMIN"], describe_source(key_variable="UPSTREAM_KEY_TEST")) for _ in range(2)
    )
    add_slot_days(source, "instant", [(number, number - 90) for number in range(100, 131)], limit=60)
    add_slot_days(source, "professional", [(100, 1)], limit=None)
    add_slot_days(other, "instant", [(0, 99)], limit=60)
    at = noon(130)
    histories = read_slot_histories(source, {"instant": at, "professional": at - timedelta(days=1)}, now=at)

    instant, professional = histories["instant"], histories["professional"]
    assert (instant.first_day, instant.recorded_since, instant.limit) == (day(41), day(100), 60)
    assert instant.used == [None] * 59 + list(range(10, 41))
    assert instant.forecast == Forecast(20, 7.0, 28)
    assert (instant.newest, instant.most, professional.limit) == (40, 40, None)
    assert professional.forecast == "No forecast: the limit is not known."
    assert read_slot_histories(source, {}, now=at) == {}
