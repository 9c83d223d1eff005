"""The figures of each provider: what plain Python counts over the same voices."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, update

from tests.factories import DAY, make_organization, make_voice, put_voices, refill, voice_row
from tests.strategies import IN_DATABASE, PLAIN_VOICES
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, NOTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.providers.queries import FIELDS, list_provider_stats, providers_file
from voiceadmin.providers.types import ProviderStats
from voiceadmin.tabular import ExportFormat
from voiceadmin.text import MAX_ID
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

READY, FAILED, ARCHIVED = VoiceStatus.READY, VoiceStatus.FAILED, VoiceStatus.ARCHIVED


@pytest.fixture
def acme(store: Flask) -> Organization:
    """An organization that holds the voices of a test."""
    return make_organization()


def archive_here(voice: VoiceRow, now: datetime) -> None:
    """Archive a voice as the desk does."""
    values = {"status": ARCHIVED, "upstream_status": voice.status.value, "archived_at": now}
    with write_transaction():
        db.session.execute(update(ClonedVoice).where(ClonedVoice.id == voice.id).values(values))


def counted(provider: str, rows: list[VoiceRow], now: datetime) -> ProviderStats:
    """The figures in plain Python."""
    lately = [row for row in rows if row.created_at >= now - 30 * DAY]
    placed = [row for row in rows if row.provider_voice_id]
    return ProviderStats(
        provider,
        {status: sum(row.status is status for row in rows) for status in VoiceStatus},
        {tier: sum(row.tier is tier for row in rows) for tier in (None, *QualityTier)},
        sum(row.synthesis_count for row in rows),
        max((row.last_used_at for row in rows if row.last_used_at), default=None),
        made=len(lately),
        failed=sum(row.status is FAILED for row in lately),
        placed=len(placed),
        placed_archived=sum(row.status is ARCHIVED for row in placed),
    )


@IN_DATABASE
@given(rows=st.lists(PLAIN_VOICES, max_size=12), days=st.integers(0, 1100))
def test_they_are_what_plain_python_counts(acme: Organization, now: datetime, rows: list[VoiceRow], days: int) -> None:
    refill(acme, rows)
    then = now - timedelta(days=days)
    names = {"elevenlabs": "ElevenLabs", "resemble": "Resemble"}
    words = sorted({row.provider for row in rows}, key=lambda word: (names.get(word) or word).casefold())

    found = list_provider_stats(EVERYTHING, now=then)

    assert found == [counted(word, [row for row in rows if row.provider == word], then) for word in words]
    assert found == list_provider_stats(Scope(frozenset({acme.id})), now=then)


def test_only_voices_of_the_scope_count(acme: Organization, now: datetime) -> None:
    other, third = make_organization("Other"), make_organization("Third")
    for organization in (acme, other, third):
        for status, place in ((READY, "pv"), (FAILED, ""), (ARCHIVED, "pv2"), (ARCHIVED, "")):
            make_voice(
                organization,
                status=status,
                provider_voice_id=place,
                synthesis_count=1,
                last_used_at=now,
                created_at=now,
            )

    for scope, size in ((EVERYTHING, 3), (Scope(frozenset({acme.id})), 1), (Scope(frozenset({acme.id, third.id})), 2)):
        (one,) = list_provider_stats(scope, now=now)
        assert (one.voices, one.scored, one.syntheses, one.made) == (4 * size, 4 * size, 4 * size, 4 * size)
        assert (one.failed, one.placed, one.placed_archived) == (size, 2 * size, size)
    assert list_provider_stats(NOTHING, now=now) == []


def test_a_failed_voice_that_was_archived_here_has_failed_all_the_same(acme: Organization, now: datetime) -> None:
    for status in (FAILED, READY, FAILED):
        archive_here(make_voice(acme, status=status, created_at=now - DAY), now)
    archive_here(make_voice(acme, status=FAILED, created_at=now - 31 * DAY), now)
    make_voice(acme, status=ARCHIVED, created_at=now)

    (one,) = list_provider_stats(EVERYTHING, now=now)

    assert (one.made, one.failed, one.counts[FAILED], one.counts[ARCHIVED]) == (4, 2, 0, 5)


def test_the_bound_of_thirty_days_is_inclusive(acme: Organization, now: datetime) -> None:
    make_voice(acme, created_at=now - 30 * DAY)
    make_voice(acme, created_at=now - 30 * DAY - timedelta(microseconds=1))

    assert list_provider_stats(EVERYTHING, now=now)[0].made == 1


def test_absurd_counts_add_up(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(synthesis_count=MAX_ID) for _ in range(3)])

    assert list_provider_stats(EVERYTHING, now=now)[0].syntheses == 3 * MAX_ID


def test_figures_take_four_statements_however_many_voices(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(provider=f"p{number % 9}") for number in range(60)])
    seen: list[Any] = []
    db.session.rollback()
    event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))

    list_provider_stats(EVERYTHING, now=now)

    assert len([statement for statement in seen if not statement.startswith("BEGIN")]) == 4


def test_sqlite_reads_indexes_and_of_voices_only_what_is_rare(sqlite_store: Flask, now: datetime) -> None:
    """The program of a statement tells; its plan does not: an index that lacks a column never counts as covering."""
    acme = make_organization()
    put_voices(acme, [voice_row() for _ in range(20)])
    seen: list[Any] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append((args[2], args[3])))

    list_provider_stats(EVERYTHING, now=now)

    driver: Any = db.session.connection().connection.driver_connection
    # What was archived of late, and what lies nowhere.
    assert [read_of_voices(driver, *one) for one in seen if "FROM" in one[0]] == [
        set(),
        set(),
        {"upstream_status"},
        {"status"},
    ]


def read_of_voices(driver: Any, sql: str, values: Any) -> set[str]:
    """The columns that a statement reads from the table of voices itself."""
    (root,) = driver.execute("SELECT rootpage FROM sqlite_master WHERE name = 'cloned_voice'").fetchone()
    columns = [row[1] for row in driver.execute("PRAGMA table_xinfo(cloned_voice)") if row[6] == 0]
    steps = driver.execute(f"EXPLAIN {sql}", values).fetchall()
    cursors = {step[2] for step in steps if step[1] == "OpenRead" and step[3] == root}
    return {columns[step[3]] for step in steps if step[1] == "Column" and step[2] in cursors}


@pytest.mark.parametrize("format", ExportFormat)
def test_a_file_has_every_figure(acme: Organization, now: datetime, format: ExportFormat) -> None:
    make_voice(acme, provider="=evil", quality_score=0.9, synthesis_count=4, last_used_at=now, created_at=now)
    make_voice(acme, provider="=evil", status=FAILED, quality_score=None, provider_voice_id="", created_at=now)

    text = "".join(providers_file(list_provider_stats(EVERYTHING, now=now), {"=evil": 7}, now, format))

    expected = {
        "provider": "=evil",
        "voices": 2,
        "ready": 1,
        "processing": 0,
        "failed": 1,
        "archived": 0,
        "excellent": 1,
        "good": 0,
        "fair": 0,
        "poor": 0,
        "not_scored": 1,
        "scored": 1,
        "syntheses": 4,
        "last_used_at": "2026-11-22T14:00:00Z",
        "made_in_30_days": 2,
        "failed_of_those": 1,
        "slots_used": 1,
        "slots_used_by_archived": 0,
        "slots": 7,
        "counted_at": "2026-11-22T14:00:00Z",
    }
    assert tuple(expected) == FIELDS
    if format is ExportFormat.CSV:
        (line,) = csv.DictReader(io.StringIO(text, newline=""))
        assert line == {name: str(value) for name, value in expected.items()} | {"provider": "'=evil"}
    else:
        assert json.loads(text) == ([expected] if format is ExportFormat.JSON else expected)
