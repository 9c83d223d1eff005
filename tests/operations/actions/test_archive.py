"""Archiving and restoring voices, and imports of archived voices."""

from __future__ import annotations

import io
import json
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select

from tests.factories import DAY, make_assistant, make_voice, put_voices, voice_row
from tests.operations.actions.scenario import (
    BOB,
    SHELL,
    Runner,
    load_voice,
    read_archiving,
    read_audit_events,
    skip_reasons,
)
from tests.two_tenants import rows_of
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.operations.types import SkipReason
from voiceadmin.organizations.models import Organization
from voiceadmin.sample.actions import add_sample
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import Fault
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus


def import_again(row: VoiceRow, now: datetime) -> None:
    """Import a voice from upstream."""
    stream = io.BytesIO(json.dumps({"cloned_voices": [voice_to_json(row)]}).encode())
    faults: list[Fault] = []
    report = import_voices(stream, ImportTarget(31), by=SHELL, now=now, on_fault=faults.append)
    assert report.written


@pytest.mark.parametrize("status", VoiceStatus)
def test_a_voice_of_any_status_is_archived_with_actor_time_and_note_and_restored(
    acme: Organization, runner: Runner, now: datetime, status: VoiceStatus
) -> None:
    make_voice(acme, id=1, status=status, name="Anna")

    operation = runner.apply(TriageAction.ARCHIVE, 1)

    facts = {"at": now.isoformat(), "by": "ada@example.com", "note": "unused"}
    assert (operation.action, operation.object_count, operation.voice_count, set(operation.organizations)) == (
        TriageAction.ARCHIVE,
        1,
        1,
        {acme.id},
    )
    assert read_archiving(1) == ("archived", status.value, now, "ada@example.com", "unused")
    assert json.loads(load_voice(1).json_body)["status"] == "archived"
    assert read_audit_events(operation) == [("voice-archived", 1, {"archived": None}, {"archived": facts}, "unused")]

    back = runner.apply(TriageAction.RESTORE, 1, by=BOB)

    assert read_archiving(1) == (status.value, None, None, None, None)
    assert read_audit_events(back) == [("voice-restored", 1, {"archived": facts}, {"archived": None}, "")]


def test_archiving_and_restoring_skip_voices_that_already_have_that_state(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [voice_row(id=1), voice_row(id=2), voice_row(id=3, status=VoiceStatus.ARCHIVED)])
    runner.apply(TriageAction.ARCHIVE, 1)

    assert skip_reasons(runner.apply(TriageAction.ARCHIVE, 1)) == {1: SkipReason.ALREADY_ARCHIVED}
    assert skip_reasons(runner.apply(TriageAction.RESTORE, 2, 3)) == {
        2: SkipReason.NOT_ARCHIVED,
        3: SkipReason.ARCHIVED_UPSTREAM,
    }
    assert runner.apply(TriageAction.ARCHIVE, 3).object_count == 1
    assert read_archiving(3)[1] == "archived"


@pytest.mark.parametrize("max_transaction_changes", [0, 1000], ids=["in steps", "at once"])
@pytest.mark.parametrize("change", ["restored", "undone"])
def test_restoring_sets_the_current_upstream_status(
    acme: Organization,
    runner: Runner,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    max_transaction_changes: int,
) -> None:
    monkeypatch.setattr("voiceadmin.voices.importing.actions.MAX_TRANSACTION_CHANGES", max_transaction_changes)
    make_assistant(acme, id=31)
    row = make_voice(acme, id=1, status=VoiceStatus.PROCESSING)
    operation = runner.apply(TriageAction.ARCHIVE, 1)

    import_again(row._replace(status=VoiceStatus.FAILED, name="Another"), now + DAY)

    assert read_archiving(1) == ("archived", "failed", now, "ada@example.com", "unused")
    back = runner.apply(TriageAction.RESTORE, 1) if change == "restored" else runner.undo(operation)
    assert back.object_count == 1
    assert read_archiving(1) == ("failed", None, None, None, None)
    assert load_voice(1).recorded_status_changed_at == now + DAY
    assert load_voice(1).name == "Another"


def test_an_import_without_changes_keeps_a_voice_archived(acme: Organization, runner: Runner, now: datetime) -> None:
    make_assistant(acme, id=31)
    row = make_voice(acme, id=1)
    runner.apply(TriageAction.ARCHIVE, 1)

    import_again(row, now + DAY)

    assert read_archiving(1)[:2] == ("archived", "ready")
    assert load_voice(1).recorded_status_changed_at is None
    event_types = [line["event_type"] for line in rows_of("audit_event")]
    assert event_types == [AuditEventType.VOICE_ARCHIVED.value, AuditEventType.VOICES_IMPORTED.value]


def test_upstream_archives_and_restores_a_voice_that_is_archived_locally(
    acme: Organization, runner: Runner, now: datetime
) -> None:
    make_assistant(acme, id=31)
    row = make_voice(acme, id=1)
    runner.apply(TriageAction.ARCHIVE, 1)
    for status in (VoiceStatus.ARCHIVED, VoiceStatus.READY, VoiceStatus.ARCHIVED):
        import_again(row._replace(status=status), now + DAY)
        assert read_archiving(1)[:2] == ("archived", status.value)

    runner.apply(TriageAction.RESTORE, 1)

    assert read_archiving(1) == ("archived", None, None, None, None)


@pytest.mark.slow
def test_adding_the_sample_again_keeps_archived_voices_archived(runner: Runner, app: Flask) -> None:
    add_sample(runner.now, by=SHELL, now=runner.now)
    runner.apply(TriageAction.ARCHIVE, *db.session.scalars(select(ClonedVoice.id)))

    assert add_sample(runner.now + 40 * DAY, by=SHELL, now=runner.now).voices.changed > 0

    assert {row["status"].value for row in rows_of("cloned_voice") if row["archived_at"]} == {"archived"}
    assert add_sample(runner.now + 40 * DAY, by=SHELL, now=runner.now).voices.changed == 0
