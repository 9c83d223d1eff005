"""Importing an export."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import delete

from tests.factories import put_voices
from tests.strategies import IN_DATABASE, LISTS
from tests.voices.importing.actions.scenario import dump, list_stored_voices, outcomes, run_import
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.tabular import ExportFormat
from voiceadmin.voices.exporting.writing import format_file
from voiceadmin.voices.importing import actions as importing
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import voices_file
from voiceadmin.voices.types.rows import VoiceRow


@IN_DATABASE
@given(rows=LISTS, format=st.sampled_from(ExportFormat))
def test_importing_an_export_changes_nothing(acme: Organization, rows: list[VoiceRow], format: ExportFormat) -> None:
    assume(rows or format is not ExportFormat.NDJSON)  # nothing at all is not an empty list
    with write_transaction():
        db.session.execute(delete(ClonedVoice))
    if rows:
        put_voices(acme, rows)
    before = dump()
    file = "".join(voices_file(acme.id, format)).encode()

    report, faults = run_import(file)

    assert faults == []
    assert (outcomes(report), report.ignored) == ((0, 0, len(rows), 0), 0)
    assert dump() == before
    assert "".join(voices_file(acme.id, format)).encode() == file


@IN_DATABASE
@given(rows=LISTS, format=st.sampled_from(ExportFormat), batch=st.integers(1, 4))
def test_an_export_imports_completely_into_an_empty_database(
    acme: Organization, rows: list[VoiceRow], format: ExportFormat, batch: int
) -> None:
    assume(rows or format is not ExportFormat.NDJSON)  # nothing at all is not an empty list
    with write_transaction():
        db.session.execute(delete(ClonedVoice))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "BATCH_SIZE", batch)
        report, faults = run_import("".join(format_file(rows, format)).encode())

    assert (outcomes(report), faults) == ((len(rows), 0, 0, 0), [])
    assert list_stored_voices() == sorted(rows, key=lambda row: row.id)
