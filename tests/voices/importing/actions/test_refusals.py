"""Invalid records, interrupted imports and dry runs: all or nothing."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.conftest import NOW, SHELL
from tests.factories import voice_row
from tests.voices.importing.actions.scenario import (
    ASSISTANT_ID,
    BAD,
    dump,
    lines,
    list_stored_voices,
    outcomes,
    run_import,
)
from voiceadmin.database.base import db
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.importing import actions as importing
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import ImportReport, UnreadableInput
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.models import ClonedVoice


def test_one_invalid_record_prevents_the_import(acme: Organization) -> None:
    before = dump()

    report, faults = run_import(lines([voice_row(id=3), BAD, voice_row(id=4)]), ImportTarget(77, organization="New"))

    assert report == ImportReport(added=2, changed=0, unchanged=0, refused=1, ignored=0, written=False)
    assert dump() == before
    assert [fault.partition(":")[0] for fault in faults] == [
        "Record 2, id",
        "Record 2, name",
        "Record 2, provider",
        "Record 2, status",
        "Record 2, created_at",
        "Record 2, synthesis_count",
    ]


def test_every_invalid_record_of_every_batch_is_reported(acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_SIZE", 3)
    records = [{} if number % 4 == 0 else voice_row(id=number) for number in range(10, 40)]
    before = dump()

    report, faults = run_import(lines(records))

    assert outcomes(report) == (23, 0, 0, 7)
    assert sorted({fault.partition(",")[0] for fault in faults}, key=lambda where: int(where.split()[1])) == [
        f"Record {number}" for number in range(3, 31, 4)
    ]
    assert dump() == before


def test_skipping_invalid_records_writes_the_valid_ones(acme: Organization) -> None:
    report, faults = run_import(lines([voice_row(id=3), BAD, 5, voice_row(id=4)]), skip_bad=True)

    assert (outcomes(report), report.written) == ((2, 0, 0, 2), True)
    assert len(faults) == 7
    assert [row.id for row in list_stored_voices()] == [1, 2, 3, 4, 9]


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_a_repeated_id_is_refused(acme: Organization, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(importing, "BATCH_SIZE", batch)
    first, second = voice_row(id=3, name="First"), voice_row(id=3, name="Second")
    data = lines([first, list_stored_voices()[0], second, first, list_stored_voices()[0]])

    report, faults = run_import(data, skip_bad=True)

    assert faults == [
        "Record 3, id: 3 was already used by record 1. Remove one of the two.",
        "Record 4, id: 3 was already used by record 1. Remove one of the two.",
        "Record 5, id: 1 was already used by record 2. Remove one of the two.",
    ]
    assert outcomes(report) == (1, 0, 1, 3)
    assert first in list_stored_voices()
    assert not run_import(data)[0].written


def test_a_voice_of_another_organization_is_refused(acme: Organization) -> None:
    before = dump()

    report, faults = run_import(lines([voice_row(id=3), voice_row(id=9, name="Moved")]))

    assert (outcomes(report), report.written) == ((1, 0, 0, 1), False)
    assert faults == [
        "Record 2, id: 9 belongs to a voice of another organization. Import it with an assistant of that organization."
    ]
    assert dump() == before


def test_a_voice_of_another_organization_is_skipped_with_skip_bad(acme: Organization) -> None:
    foreign = list_stored_voices()[-1]

    run_import(lines([foreign, voice_row(id=3)]), skip_bad=True)

    assert [row.id for row in list_stored_voices()] == [1, 2, 3, 9]
    assert list_stored_voices()[-1] == foreign
    assert db.session.get_one(ClonedVoice, 9).organization_id != acme.id


def test_a_time_in_the_future_is_refused(acme: Organization) -> None:
    late = NOW + timedelta(days=1, microseconds=1)
    before = dump()

    report, faults = run_import(lines([voice_row(id=3), voice_row(id=4, created_at=late, last_used_at=late)]))

    assert (outcomes(report), report.written) == ((1, 0, 0, 1), False)
    assert faults == [
        f'Record 2, {field}: "2026-11-23T14:00:00.000001Z" is in the future.'
        " Correct it; for clocks that differ, a time up to 1 day from now is accepted."
        for field in ("created_at", "last_used_at")
    ]
    assert dump() == before


def test_a_future_time_in_a_csv_file_names_its_row(app: Flask) -> None:
    table = "id,name,provider,status,created_at,synthesis_count\n1,Ada,elevenlabs,ready,2126-01-10,0\n"

    report, (fault,) = run_import(table.encode(), skip_bad=True)

    assert outcomes(report) == (0, 0, 0, 1)
    assert fault.startswith('Row 2, created_at: "2126-01-10T00:00:00Z" is in the future.')


def test_a_time_ahead_of_this_clock_by_a_day_is_accepted(app: Flask) -> None:
    row = voice_row(id=1, created_at=NOW + timedelta(days=1), last_used_at=NOW + timedelta(days=1))

    report, faults = run_import(lines([row]))

    assert (outcomes(report), faults) == ((1, 0, 0, 0), [])
    assert list_stored_voices() == [row]


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize(
    "end",
    [b"[1]\xff", b'{"id": "\xc3('],
    ids=["invalid-byte", "incomplete-letter"],
)
def test_an_input_that_breaks_after_thousands_of_valid_records_changes_nothing(
    acme: Organization, skip_bad: bool, end: bytes
) -> None:
    before = dump()

    with pytest.raises(UnreadableInput, match="is not UTF-8 text"):
        run_import(lines(voice_row(id=number) for number in range(10, 3010)) + end, skip_bad=skip_bad)

    assert dump() == before


def test_a_response_that_reports_failure_at_its_end_changes_nothing(acme: Organization) -> None:
    before = dump()
    listed = json.dumps([voice_to_json(voice_row(id=number)) for number in range(10, 3010)])

    with pytest.raises(UnreadableInput, match="without success"):
        run_import(f'{{"cloned_voices": {listed}, "success": false}}'.encode(), ImportTarget(77))

    assert dump() == before


class Interrupted(io.RawIOBase):
    """A stream that is interrupted with Ctrl-C."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = self.data.readinto(buffer)
        if not size:
            raise KeyboardInterrupt
        return size


def test_ctrl_c_changes_nothing(acme: Organization) -> None:
    before = dump()
    stream = Interrupted(lines(voice_row(id=number) for number in range(10, 3010)))

    with pytest.raises(KeyboardInterrupt):
        import_voices(io.BufferedReader(stream), ImportTarget(77), by=SHELL, now=NOW, on_fault=print)

    assert dump() == before


@pytest.mark.parametrize("options", [{}, {"skip_bad": True}], ids=["all", "skip-bad"])
def test_a_dry_run_counts_the_outcomes_and_writes_nothing(acme: Organization, options: dict[str, bool]) -> None:
    ada, bo, _ = list_stored_voices()
    before = dump()
    data = lines([ada, bo._replace(name="Bob"), voice_row(id=3), BAD])

    report, faults = run_import(data, ImportTarget(ASSISTANT_ID, assistant_name="Renamed"), dry_run=True, **options)

    assert (outcomes(report), report.written) == ((1, 1, 1, 1), False)
    assert len(faults) == 6
    assert dump() == before


def test_a_dry_run_creates_no_assistant_and_no_organization(app: Flask) -> None:
    report, _ = run_import(lines([voice_row(id=1)]), ImportTarget(ASSISTANT_ID, organization="Acme"), dry_run=True)

    assert outcomes(report) == (1, 0, 0, 0)
    assert dump() == [[], [], []]


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["[", '{"success": true, "cloned_voices": ['])
def test_json_truncated_at_any_byte_imports_no_voice(sqlite_app: Flask, prefix: str) -> None:
    rows = [voice_row(id=1, name="Recepción 😀"), voice_row(id=2)]
    records = ", ".join(json.dumps(voice_to_json(row), ensure_ascii=False) for row in rows)
    data = (prefix + records + ("]" if prefix == "[" else "]}")).encode()

    for end in range(1, len(data)):
        try:
            report, _ = run_import(data[:end])
            assert not report.written, data[:end]
        except UnreadableInput:
            pass

    assert list_stored_voices() == []
    assert run_import(data)[0].added == 2
