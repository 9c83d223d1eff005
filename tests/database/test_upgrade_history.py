"""The history begins with the voices and slots as they are at the upgrade."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import select, text

from tests.database.schema import migrate_to
from tests.history.scenario import list_days, list_slot_days
from voiceadmin.database.base import db
from voiceadmin.database.migrations import migrate
from voiceadmin.database.transactions import write_transaction
from voiceadmin.voices.models import ClonedVoice

READ_AT = "2026-02-03T04:05:06.000000Z"
ADD_SOURCE = f"""INSERT INTO source (id, kind, name, address, assistant_ids, etags, account_hash, created_at,
    created_by) VALUES (7, 'elevenlabs', 'E', 'https://localhost', '', '', '', '{READ_AT}', 'Ada')"""
ADD_SLOTS = f"""INSERT INTO slot_use (source_id, kind, used, slot_limit, is_counted, read_at)
    VALUES (7, 'instant', 3, 30, false, '{READ_AT}'), (7, 'professional', NULL, 1, false, '{READ_AT}')"""


def test_every_voice_and_every_known_number_of_slots_has_a_row_of_today(old_app: Flask) -> None:
    migrate_to("0016")
    with write_transaction():
        db.session.execute(text(ADD_SOURCE))
        db.session.execute(text(ADD_SLOTS))
    before = datetime.now(UTC).date()
    migrate()
    days = {before, datetime.now(UTC).date()}  # at midnight

    voices = db.session.scalars(select(ClonedVoice)).all()
    assert any(voice.upstream_status for voice in voices), "the fixture has no voice that was archived here"
    for voice in voices:
        ((day, *values),) = list_days(voice.id)
        status = voice.upstream_status or voice.status
        assert (day in days, *values) == (True, voice.synthesis_count, status, voice.quality_score)
    ((kind, day, *numbers),) = list_slot_days(7)
    assert (kind, day in days, *numbers) == ("instant", True, 3, 30)
