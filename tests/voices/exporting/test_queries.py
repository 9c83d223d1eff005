"""Export of matching voices: the voices of all pages in the same order, fetched in batches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from tests.factories import make_assistant, make_organization, make_voice, put_voices, refill, voice_row
from tests.strategies import IN_DATABASE, PLAIN_VOICES
from tests.voices.listing.queries.scenario import FILTERS
from voiceadmin.database.base import db
from voiceadmin.database.batches import BATCH_SIZE
from voiceadmin.identity import OrganizationId
from voiceadmin.organizations.models import Organization
from voiceadmin.tabular import ExportFormat
from voiceadmin.voices.exporting.queries import (
    export_matching_voices,
    iterate_matching_voices,
    list_matching_ids,
)
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


@IN_DATABASE
@given(rows=st.lists(PLAIN_VOICES, max_size=12), filters=FILTERS)
def test_matching_voices_are_those_of_all_pages_in_the_same_order(
    acme: Organization, now: datetime, rows: list[VoiceRow], filters: VoiceFilters
) -> None:
    refill(acme, rows)
    expected = list(iterate_pages(acme.id, filters, now))

    assert list(iterate_matching_voices(acme.id, filters, now)) == expected
    assert list_matching_ids(acme.id, filters, now) == [row.id for row in expected]


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
    assert [row.id for row in iterate_matching_voices(acme.id, filters, now)] == expected


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


@pytest.mark.parametrize("text", ["", "voice"])
def test_voices_are_fetched_lazily(acme: Organization, now: datetime, text: str) -> None:
    put_voices(acme, [voice_row() for _ in range(4 * BATCH_SIZE)])
    seen: list[Any] = []
    db.session.rollback()
    event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))

    voices = iterate_matching_voices(acme.id, VoiceFilters(text=text), now)
    next(voices)
    fetches = [statement for statement in seen if "cloned_voice.id IN" in statement]

    assert len(fetches) == 1
    assert len(list(voices)) == 4 * BATCH_SIZE - 1
    assert len([statement for statement in seen if "cloned_voice.id IN" in statement]) == 4


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
