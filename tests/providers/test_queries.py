"""Statistics of each provider, compared with counts in plain Python over the same voices."""

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
def acme(app: Flask) -> Organization:
    """Return the organization that has the voices of a test."""
    return make_organization()


def archive_here(voice: VoiceRow, now: datetime) -> None:
    """Archive a voice as an operation does."""
    values = {"status": ARCHIVED, "upstream_status": voice.status.value, "archived_at": now}
    with write_transaction():
        db.session.execute(update(ClonedVoice).where(ClonedVoice.id == voice.id).values(values))


def expected_stats(provider: str, rows: list[VoiceRow], now: datetime) -> ProviderStats:
    """Return the statistics, counted in plain Python."""
    first_day = (now - 30 * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    recent = [row for row in rows if row.created_at >= first_day]
    with_slot = [row for row in rows if row.provider_voice_id]
    return ProviderStats(
        provider,
        {status: sum(row.status is status for row in rows) for status in VoiceStatus},
        {tier: sum(row.tier is tier for row in rows) for tier in (None, *QualityTier)},
        sum(row.synthesis_count for row in rows),
        max((row.last_used_at for row in rows if row.last_used_at), default=None),
        created_recently=len(recent),
        failed_recently=sum(row.status is FAILED for row in recent),
        used_slots=len(with_slot),
        archived_slots=sum(row.status is ARCHIVED for row in with_slot),
    )


@IN_DATABASE
@given(rows=st.lists(PLAIN_VOICES, max_size=12), days=st.integers(0, 1100))
def test_statistics_equal_the_counts_in_plain_python(
    acme: Organization, now: datetime, rows: list[VoiceRow], days: int
) -> None:
    refill(acme, rows)
    then = now - timedelta(days=days)
    names = {"elevenlabs": "ElevenLabs", "resemble": "Resemble"}
    providers = sorted(
        {row.provider for row in rows}, key=lambda provider: (names.get(provider) or provider).casefold()
    )

    found = list_provider_stats(EVERYTHING, now=then)

    assert found == [
        expected_stats(provider, [row for row in rows if row.provider == provider], then) for provider in providers
    ]
    assert found == list_provider_stats(Scope(frozenset({acme.id})), now=then)


def test_only_voices_of_the_scope_are_counted(acme: Organization, now: datetime) -> None:
    other, third = make_organization("Other"), make_organization("Third")
    for organization in (acme, other, third):
        for status, provider_voice_id in ((READY, "pv"), (FAILED, ""), (ARCHIVED, "pv2"), (ARCHIVED, "")):
            make_voice(
                organization,
                status=status,
                provider_voice_id=provider_voice_id,
                synthesis_count=1,
                last_used_at=now,
                created_at=now,
            )

    for scope, size in ((EVERYTHING, 3), (Scope(frozenset({acme.id})), 1), (Scope(frozenset({acme.id, third.id})), 2)):
        (one,) = list_provider_stats(scope, now=now)
        assert (one.voice_count, one.scored_count, one.syntheses, one.created_recently) == (
            4 * size,
            4 * size,
            4 * size,
            4 * size,
        )
        assert (one.failed_recently, one.used_slots, one.archived_slots) == (size, 2 * size, size)
    assert list_provider_stats(NOTHING, now=now) == []


def test_a_failed_voice_that_was_archived_here_still_counts_as_failed(acme: Organization, now: datetime) -> None:
    for status in (FAILED, READY, FAILED):
        archive_here(make_voice(acme, status=status, created_at=now - DAY), now)
    archive_here(make_voice(acme, status=FAILED, created_at=now - 31 * DAY), now)
    make_voice(acme, status=ARCHIVED, created_at=now)

    (one,) = list_provider_stats(EVERYTHING, now=now)

    assert (one.created_recently, one.failed_recently) == (4, 2)
    assert (one.status_counts[FAILED], one.status_counts[ARCHIVED]) == (0, 5)


def test_a_voice_is_recent_from_the_beginning_of_the_day_thirty_days_ago(acme: Organization, now: datetime) -> None:
    first_day = (now - 30 * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    make_voice(acme, created_at=first_day)
    make_voice(acme, created_at=first_day - timedelta(microseconds=1))

    for scope in (EVERYTHING, Scope(frozenset({acme.id}))):
        assert list_provider_stats(scope, now=now)[0].created_recently == 1


def test_counts_of_64_bits_are_summed_without_overflow(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(synthesis_count=MAX_ID) for _ in range(3)])

    assert list_provider_stats(EVERYTHING, now=now)[0].syntheses == 3 * MAX_ID


def test_statistics_take_four_statements_for_any_number_of_voices(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(provider=f"p{number % 9}") for number in range(60)])
    executed: list[Any] = []
    db.session.rollback()
    event.listen(db.engine, "before_cursor_execute", lambda *args: executed.append(args[2]))

    list_provider_stats(EVERYTHING, now=now)

    assert len([statement for statement in executed if not statement.startswith("BEGIN")]) == 4


def test_sqlite_reads_table_rows_only_for_rare_voices(sqlite_app: Flask, now: datetime) -> None:
    """Reads the bytecode of each statement: EXPLAIN QUERY PLAN does not say which columns come from the table."""
    acme = make_organization()
    put_voices(acme, [voice_row() for _ in range(20)])
    executed: list[Any] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: executed.append((args[2], args[3])))

    list_provider_stats(EVERYTHING, now=now)

    driver: Any = db.session.connection().connection.driver_connection
    # Rare are voices that were deleted at the provider.
    assert [columns_read_from_table(driver, *one) for one in executed if "FROM" in one[0]] == [
        set(),
        set(),
        {"status", "provider", "provider_voice_id"},
        set(),
    ]


def columns_read_from_table(driver: Any, sql: str, values: Any) -> set[str]:
    """Return the columns that a statement reads from the table of voices instead of an index."""
    (root,) = driver.execute("SELECT rootpage FROM sqlite_master WHERE name = 'cloned_voice'").fetchone()
    columns = [row[1] for row in driver.execute("PRAGMA table_xinfo(cloned_voice)") if row[6] == 0]
    steps = driver.execute(f"EXPLAIN {sql}", values).fetchall()
    cursors = {step[2] for step in steps if step[1] == "OpenRead" and step[3] == root}
    return {columns[step[3]] for step in steps if step[1] == "Column" and step[2] in cursors}


@pytest.mark.parametrize("format", ExportFormat)
def test_a_file_has_every_statistic(acme: Organization, now: datetime, format: ExportFormat) -> None:
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
        "created_in_30_days": 2,
        "failed_of_created_in_30_days": 1,
        "slots_used": 1,
        "slots_used_by_archived": 0,
        "slot_limit": 7,
        "counted_at": "2026-11-22T14:00:00Z",
    }
    assert tuple(expected) == FIELDS
    if format.file_extension == "csv":
        (line,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
        assert line == {name: str(value) for name, value in expected.items()} | {"provider": "'=evil"}
    else:
        assert json.loads(text) == ([expected] if format is ExportFormat.JSON else expected)
