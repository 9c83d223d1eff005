"""The history of a voice has the values at the end of each day on which one of them changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import delete

from tests.factories import make_assistant, make_organization, voice_row
from tests.history.scenario import TESTER, day, import_on, list_days, list_slot_days, noon
from tests.sources.actions.providers import Provider, add_provider
from tests.sources.clients.conftest import Run, _no_pauses, run
from tests.upstream.elevenlabs import ElevenLabsWorld, make_voice
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.history.actions.recording import record_voice_days
from voiceadmin.identity import EVERYTHING
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.sample.actions import add_sample
from voiceadmin.sample.data import VOICE_IDS
from voiceadmin.sources.actions.believing import accept_account
from voiceadmin.sources.types import SourceKind
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.importing import actions as importing
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

__all__ = ["_no_pauses", "run"]

READY, FAILED = VoiceStatus.READY, VoiceStatus.FAILED


@pytest.fixture
def voice(app: Flask) -> VoiceRow:
    """A voice that was imported on the first day."""
    make_assistant(make_organization(), id=31)
    voice = voice_row(synthesis_count=10)
    import_on(0, voice)
    return voice


def test_a_voice_has_a_row_from_the_day_on_which_it_is_first_seen(voice: VoiceRow) -> None:
    assert list_days(voice.id) == [(day(0), 10, "ready", 0.85)]


def test_a_change_of_syntheses_status_or_score_writes_a_row_of_its_day(voice: VoiceRow) -> None:
    import_on(1, voice._replace(synthesis_count=12))
    import_on(5, voice._replace(synthesis_count=12, status=FAILED))
    import_on(6, voice._replace(synthesis_count=12, status=FAILED, quality_score=None))

    assert list_days(voice.id)[1:] == [
        (day(1), 12, "ready", 0.85),
        (day(5), 12, "failed", 0.85),
        (day(6), 12, "failed", None),
    ]


def test_several_changes_of_a_day_leave_its_last_values(voice: VoiceRow) -> None:
    import_on(1, voice._replace(synthesis_count=12))
    import_on(1, voice._replace(synthesis_count=15, status=FAILED))

    assert list_days(voice.id)[1:] == [(day(1), 15, "failed", 0.85)]


def test_an_import_without_changes_or_with_other_changes_writes_no_row(voice: VoiceRow) -> None:
    import_on(1, voice)
    import_on(2, voice._replace(name="Another name", language="de"))

    assert len(list_days(voice.id)) == 1


def test_an_archive_here_changes_nothing_and_the_history_goes_on_with_the_status_of_upstream(voice: VoiceRow) -> None:
    request = ActionRequest(TriageAction.ARCHIVE, (ObjectRef(ObjectKind.VOICE, voice.id),), "key", 0)
    apply_action(EVERYTHING, request, AttentionThresholds(), by=TESTER, now=noon(1))
    assert len(list_days(voice.id)) == 1

    import_on(2, voice._replace(synthesis_count=11))
    import_on(3, voice._replace(synthesis_count=11, status=FAILED))
    assert list_days(voice.id)[1:] == [(day(2), 11, "ready", 0.85), (day(3), 11, "failed", 0.85)]


def test_an_import_with_a_late_clock_writes_into_the_newest_row(voice: VoiceRow) -> None:
    import_on(4, voice._replace(synthesis_count=12))
    import_on(3, voice._replace(synthesis_count=13))

    assert list_days(voice.id)[1:] == [(day(4), 13, "ready", 0.85)]


def test_an_import_in_steps_writes_the_same_history(voice: VoiceRow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_TRANSACTION_CHANGES", 2)
    others = [voice_row() for _ in range(5)]
    import_on(1, voice._replace(synthesis_count=11), *others)

    assert list_days(voice.id)[1:] == [(day(1), 11, "ready", 0.85)]
    assert [list_days(other.id) for other in others] == [[(day(1), 0, "ready", 0.85)]] * 5


def test_deleting_a_voice_deletes_its_history(voice: VoiceRow) -> None:
    with write_transaction():
        db.session.execute(delete(ClonedVoice))

    assert list_days(voice.id) == []


def test_a_history_that_cannot_be_written_keeps_the_change_from_being_written(
    voice: VoiceRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        record_voice_days([voice.id], now=noon(1))
        raise RuntimeError

    monkeypatch.setattr("voiceadmin.voices.importing.writing.record_voice_days", fail)
    with pytest.raises(RuntimeError):
        import_on(1, voice._replace(synthesis_count=11))

    assert db.session.get_one(ClonedVoice, voice.id).synthesis_count == 10
    assert len(list_days(voice.id)) == 1


@pytest.mark.databases("sqlite")
def test_the_first_voices_of_a_database_have_rows(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_TRANSACTION_CHANGES", 2)
    make_assistant(make_organization(), id=31)
    rows = [voice_row() for _ in range(5)]
    import_on(0, *rows)

    assert [len(list_days(row.id)) for row in rows] == [1] * 5


@pytest.mark.databases("sqlite")
def test_voices_of_the_sample_have_rows_of_the_day_on_which_they_were_added(app: Flask) -> None:
    add_sample(noon(0), by=TESTER, now=noon(0))
    add_sample(noon(0), by=TESTER, now=noon(1))

    assert [row[0] for row in list_days(VOICE_IDS[0])] == [day(0)]


@pytest.fixture
def provider(app: Flask, run: Run) -> Provider:
    """ElevenLabs with two voices, which use two of thirty slots."""
    world = ElevenLabsWorld([make_voice("v1"), make_voice("v2")])
    return add_provider(SourceKind.ELEVENLABS, world, run(world.start()), app.config["VOICEADMIN"])


@pytest.mark.databases("sqlite")
def test_a_sync_writes_the_slots_of_the_days_on_which_they_change(provider: Provider) -> None:
    provider.sync(noon(0))
    provider.sync(noon(1))
    provider.world.voices.append(make_voice("v3"))
    provider.sync(noon(2))
    provider.world.limits = (60, 1)
    provider.sync(noon(2) + timedelta(hours=1))

    instant = [row[1:] for row in list_slot_days(provider.source_id) if row[0] == "instant"]
    assert instant == [(day(0), 2, 30), (day(2), 3, 60)]


@pytest.mark.databases("sqlite")
def test_slots_of_another_account_are_deleted_when_it_is_accepted(provider: Provider) -> None:
    provider.sync(noon(0))
    provider.world.workspace_id = "workspace-2"
    provider.sync(noon(1))
    accept_account(EVERYTHING, provider.source_id, by=TESTER, now=noon(1))

    assert list_slot_days(provider.source_id) == []
