"""The values that an import writes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from tests.factories import DAY, LONG_AGO, put_voices, voice_row
from tests.strategies import HOSTILE
from tests.voices.importing.actions.scenario import (
    ASSISTANT_ID,
    dump,
    lines,
    list_stored_voices,
    load_assistant,
    outcomes,
    run_import,
)
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import get_assistant
from voiceadmin.text import MAX_ID, build_name_key, build_search_key
from voiceadmin.triage.queries.findings import find_findings
from voiceadmin.voices.importing.types import ImportReport
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.filters import VoiceFilters, VoiceUse
from voiceadmin.voices.types.status import VoiceStatus

ADA = ObjectRef(ObjectKind.VOICE, 1)


def test_new_voices_are_stored_exactly(app: Flask) -> None:
    rows = [voice_row(id=MAX_ID, quality_score=None, synthesis_count=MAX_ID), voice_row(id=1, quality_score=1.0)]

    report, faults = run_import(lines(rows))

    assert report == ImportReport(added=2, changed=0, unchanged=0, refused=0, ignored=0, written=True)
    assert faults == []
    assert list_stored_voices() == rows[::-1]


def test_a_new_voice_has_its_search_and_sort_keys(app: Flask) -> None:
    run_import(lines([voice_row(id=1, name="Recepción", provider_voice_id="PV")]))

    voice = db.session.get_one(ClonedVoice, 1)

    assert (voice.name_key, voice.search_key) == (build_name_key("Recepción"), build_search_key("Recepción", "PV"))
    assert voice.organization_id == load_assistant().organization_id


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Adam"},
        {"provider": "playht"},
        {"provider_voice_id": ""},
        {"language": None},
        {"gender": "female"},
        {"status": VoiceStatus.ARCHIVED},
        {"quality_score": None},
        {"quality_score": 0.8500000000000001},
        {"created_at": LONG_AGO + timedelta(microseconds=1)},
        {"last_used_at": LONG_AGO + DAY},
        {"synthesis_count": 1},
    ],
    ids=str,
)
def test_a_change_of_any_field_is_counted_and_stored(acme: Organization, changes: dict[str, Any]) -> None:
    ada, bo, foreign = list_stored_voices()

    report, _ = run_import(lines([ada._replace(**changes), bo]))

    assert outcomes(report) == (0, 1, 1, 0)
    assert list_stored_voices() == [ada._replace(**changes), bo, foreign]
    assert db.session.get_one(ClonedVoice, 1).name_key == build_name_key(list_stored_voices()[0].name)


def test_importing_the_same_file_again_writes_nothing(acme: Organization) -> None:
    before = dump()

    report, _ = run_import(lines(list_stored_voices()[:2]))

    assert outcomes(report) == (0, 0, 2, 0)
    assert dump() == before


def test_voices_that_the_file_does_not_contain_are_kept(acme: Organization) -> None:
    run_import(lines([voice_row(id=3)]))

    assert [row.id for row in list_stored_voices()] == [1, 2, 3, 9]


def test_unknown_fields_are_ignored_and_counted(acme: Organization) -> None:
    records = [voice_to_json(row) | {"sample_rate": 44100, "tags": []} for row in list_stored_voices()[:2]]

    report, _ = run_import(lines(records))

    assert (outcomes(report), report.ignored) == ((0, 0, 2, 0), 4)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_texts_are_stored_exactly(sqlite_app: Flask, text: str) -> None:
    row = voice_row(id=1, name=text, provider_voice_id=text, provider=text or "x", language=text, gender=text)

    _, faults = run_import(lines([row]))

    assert (faults == []) == bool(text.strip() or not text)
    assert not faults or "provider" in faults[0]
    assert faults or list_stored_voices() == [row._replace(language=text or None, gender=text or None)]


@pytest.mark.parametrize("zero", [datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)], ids=str)
def test_a_stored_last_use_at_time_zero_becomes_unknown_with_the_next_import(
    acme: Organization, zero: datetime, now: datetime
) -> None:
    put_voices(acme, [voice_row(id=1, last_used_at=zero)])
    before = [finding.reason for finding in find_findings([ADA], AttentionThresholds(), now=now)[ADA]]

    report, _ = run_import(lines([voice_row(id=1, last_used_at=zero)]))

    assert (outcomes(report), list_stored_voices()[0].last_used_at) == ((0, 1, 0, 0), None)
    after = [finding.reason for finding in find_findings([ADA], AttentionThresholds(), now=now)[ADA]]
    assert (before, after) == (["unused"], ["never-used"])


@pytest.mark.parametrize("format", ["json", "csv"])
def test_a_voice_last_used_at_time_zero_counts_as_never_used(app: Flask, now: datetime, format: str) -> None:
    zero = "1970-01-01" if format == "csv" else "1970-01-01T00:00:00Z"
    record = voice_to_json(voice_row(id=1)) | {"last_used_at": zero}
    cells = ["" if value is None else str(value) for value in record.values()]

    run_import((json.dumps([record]) if format == "json" else f"{','.join(record)}\n{','.join(cells)}").encode())

    organization = get_assistant(EVERYTHING, ASSISTANT_ID).organization
    voices = list_voices(organization.id, VoiceFilters(uses=(VoiceUse.NEVER,)), now=now)
    assert [row.last_used_at for row in voices.page.rows] == [None]
