"""Export of matching voices: the voices of all pages in the same order, fetched in batches."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import make_assistant, make_organization, make_voice, put_voices, refill, voice_row
from tests.statements import record_statements
from tests.strategies import IN_DATABASE, LISTS, PLAIN_VOICES
from tests.voices.listing.queries.scenario import FILTERS
from voiceadmin.database.batches import BATCH_SIZE
from voiceadmin.identity import OrganizationId
from voiceadmin.organizations.models import Organization
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.voices.exporting.queries import FIELDS, export_matching_voices, list_matching_ids
from voiceadmin.voices.exporting.writing import RESPONSE_FRAME
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.types.filters import VoiceFilters, VoiceOrder
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus


@pytest.fixture
def acme(app: Flask) -> Organization:
    """Return an organization for the voices of a test."""
    return make_organization()


def iterate_pages(organization_id: OrganizationId, filters: VoiceFilters, now: datetime) -> Iterator[VoiceRow]:
    """Yield the rows of every page of a list."""
    number = 1
    while rows := list_voices(organization_id, filters.with_changes(page=number), now=now).page.rows:
        yield from rows
        number += 1


def export(organization: Organization, filters: VoiceFilters, format: ExportFormat, now: datetime) -> str:
    """Return the text of a file."""
    return "".join(export_matching_voices(organization.id, filters, format, now))


def format_expected(rows: list[VoiceRow], format: ExportFormat) -> str:
    """Return the text of a file of voices that no assistant uses, formatted in Python."""
    records = [voice_to_json(row) | {"assistant_count": 0} for row in rows]
    return "".join(format_records(FIELDS, records, format, RESPONSE_FRAME))


@IN_DATABASE
@given(rows=st.lists(PLAIN_VOICES, max_size=12), filters=FILTERS)
def test_matching_voices_are_those_of_all_pages_in_the_same_order(
    acme: Organization, now: datetime, rows: list[VoiceRow], filters: VoiceFilters
) -> None:
    refill(acme, rows)
    expected = list(iterate_pages(acme.id, filters, now))

    assert export(acme, filters, ExportFormat.CSV, now) == format_expected(expected, ExportFormat.CSV)
    assert list_matching_ids(acme.id, filters, now) == [row.id for row in expected]


def with_shortest_scores(text: str, format: ExportFormat) -> str:
    """Return the text of a file as Python writes its scores: SQLite writes 17 digits where 16 are enough."""
    if format.is_csv:
        return text
    return re.sub('(?<="quality_score":)[0-9.e-]+', lambda score: repr(float(score[0])), text)


@IN_DATABASE
@given(rows=LISTS, format=st.sampled_from(ExportFormat))
def test_the_database_formats_every_voice_as_python_does(
    acme: Organization, now: datetime, rows: list[VoiceRow], format: ExportFormat
) -> None:
    refill(acme, rows)
    expected = list(iterate_pages(acme.id, VoiceFilters(), now))

    text = export(acme, VoiceFilters(), format, now)

    assert with_shortest_scores(text, format) == format_expected(expected, format)


@pytest.mark.slow
@pytest.mark.parametrize("order", VoiceOrder)
@pytest.mark.parametrize("text", ["", "voice"])
def test_each_order_is_correct_across_batches(acme: Organization, now: datetime, order: VoiceOrder, text: str) -> None:
    rows = [
        voice_row(
            name=f"Voice {number * 7919 % 1201}",
            provider=("elevenlabs", "playht")[number % 2],
            status=list(VoiceStatus)[number % 4],
            quality_score=None if number % 5 == 0 else number % 100 / 100,
            last_used_at=None if number % 3 == 0 else now,
            synthesis_count=number % 7,
        )
        for number in range(2 * BATCH_SIZE + 1)
    ]
    put_voices(acme, rows)
    filters = VoiceFilters(text=text, order=order, size=2 * BATCH_SIZE + 1)

    expected = [row.id for row in list_voices(acme.id, filters, now=now).page.rows]

    assert len(expected) == len(rows)
    lines = export(acme, filters, ExportFormat.NDJSON, now).splitlines()
    assert [json.loads(line)["id"] for line in lines] == expected


@pytest.mark.parametrize("text", ["", "ada"])
def test_voices_of_another_organization_do_not_match(acme: Organization, now: datetime, text: str) -> None:
    make_voice(make_organization("Other"), name="Ada elsewhere")
    own_voice = make_voice(acme, name="Ada")

    assert list_matching_ids(acme.id, VoiceFilters(text=text), now) == [own_voice.id]


def test_the_page_of_the_filters_is_ignored(acme: Organization, now: datetime) -> None:
    rows = [make_voice(acme, synthesis_count=3 - number) for number in range(3)]

    assert list_matching_ids(acme.id, VoiceFilters(page=9, size=1), now) == [row.id for row in rows]


def test_an_organization_without_voices_has_no_matching_voices(app: Flask, acme: Organization, now: datetime) -> None:
    assert list_matching_ids(acme.id, VoiceFilters(), now) == []


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("format", [ExportFormat.CSV, ExportFormat.NDJSON])
@pytest.mark.parametrize("text", ["", "voice"])
def test_voices_are_fetched_lazily(acme: Organization, now: datetime, text: str, format: ExportFormat) -> None:
    put_voices(acme, [voice_row() for _ in range(4 * BATCH_SIZE)])

    with record_statements() as statements:
        pieces = export_matching_voices(acme.id, VoiceFilters(text=text), format, now)
        next(pieces)
        fetched_first = len([statement for statement in statements if "json_each" in statement])
        rest = "".join(pieces)

    assert fetched_first == 1
    assert rest.count("elevenlabs") >= 3 * BATCH_SIZE
    assert len([statement for statement in statements if "json_each" in statement]) == 4


def test_an_export_has_each_voice_with_its_assistant_count(acme: Organization, now: datetime) -> None:
    rows = [make_voice(acme, name=name, provider="resemble") for name in ("A", "B", "C")]
    make_voice(acme, status=VoiceStatus.FAILED)
    for _ in range(2):
        make_assistant(acme, tts_provider="resemble", tts_voice_id=rows[1].provider_voice_id)
    filters = VoiceFilters(statuses=(VoiceStatus.READY,), order=VoiceOrder.NAME_ASCENDING)

    text = "".join(export_matching_voices(acme.id, filters, ExportFormat.NDJSON, now))

    assert [json.loads(line) for line in text.splitlines()] == [
        voice_to_json(row) | {"assistant_count": number} for row, number in zip(rows, (0, 2, 0), strict=True)
    ]
