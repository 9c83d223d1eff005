"""The page of a voice shows its use over time."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import insert

from tests.factories import make_voice
from tests.history.scenario import FIRST, add_days, noon
from tests.page import Node, OpenPage
from tests.sources.scenario import describe_source, make_source
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.models import SourceVoice, SyncRun


@pytest.fixture
def today(now: datetime) -> int:
    """The number of the present day."""
    return (now.date() - FIRST).days


def open_section(open_page: OpenPage, voice_id: int) -> Node:
    return open_page(f"/voices/{voice_id}").root.one("section", id="use-over-time")


def test_the_page_shows_the_trend_a_chart_and_the_days(acme: Organization, open_page: OpenPage, today: int) -> None:
    voice = make_voice(acme)
    add_days(voice.id, [(0, 0), (today - 40, 200), (today - 5, 1300)])
    add_days(voice.id, [(today, 1304)], status="failed", quality_score=None)
    section = open_section(open_page, voice.id)

    assert "Rising: 1,100 syntheses in the 30 days until 2026-11-21, 200 in the 30 days before." in section.text
    label = "Syntheses per day from 2026-08-25 to 2026-11-22: 1,304 in total, at most 1,100 on a day."
    assert section.one("svg").attributes["aria-label"] == label
    assert "Recorded since 2026-03-02." in section.text
    assert "A trend needs" not in section.text
    rows = [[cell.text for cell in row.walk() if cell.tag in ("td", "th")] for row in section.one("tbody").all("tr")]
    assert rows == [
        ["2026-11-22", "4", "1,304", "Failed", "–"],
        ["2026-11-17", "1,100", "1,300", "Ready", "0.85"],
        ["2026-10-13", "200", "200", "Ready", "0.85"],
    ]


def test_a_short_history_is_said_to_be_short(acme: Organization, open_page: OpenPage, today: int) -> None:
    recorded, unrecorded = make_voice(acme), make_voice(acme)
    add_days(recorded.id, [(today, 12)])
    section = open_section(open_page, recorded.id)

    assert section.text == "Use over time Recorded since 2026-11-22. A trend needs 60 days."
    assert not section.all("svg")
    assert "Nothing is recorded yet." in open_section(open_page, unrecorded.id).text


def test_days_without_use_and_days_without_a_sync_are_different(
    acme: Organization, open_page: OpenPage, today: int, settings: Settings
) -> None:
    voice = make_voice(acme)
    add_days(voice.id, [(0, 0), (today - 40, 200)])
    assert "No use found since 2026-10-14." in open_section(open_page, voice.id).text

    source = make_source(settings, describe_source(key_variable="UPSTREAM_KEY_TEST"))
    run = {"source_id": source, "started_at": noon(today - 39), "started_by": "Ada", "result": "complete"}
    with write_transaction():
        db.session.execute(insert(SyncRun), [run])
        db.session.add(SourceVoice(source_id=source, voice_id=voice.id, first_listed_at=noon(0)))

    text = open_section(open_page, voice.id).text
    assert "No use found" not in text
    assert "Later days are not known: the last complete sync was on 2026-10-14." in text
