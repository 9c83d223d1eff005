"""Voices with totals of every kind, and changes that make one kind of total wrong."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from tests.factories import DAY, make_assistant, make_organization, put_voices, voice_row
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.types.status import VoiceStatus

# By the table whose totals become wrong, and the column if there are several.
DAMAGE = {
    "voice_stats": "UPDATE voice_stats SET voices = voices + 1",
    "provider_totals": "DELETE FROM provider_totals",
    "provider_day_totals": "UPDATE provider_day_totals SET ready_dated = ready_dated + 1",
    "shared_provider_voice_ref": "UPDATE shared_provider_voice_ref SET voices = 0",
    "assistant": "UPDATE assistant SET is_unready = NOT is_unready",
    "assistant.unready_since": "UPDATE assistant SET unready_since = NULL",
}


def make_totals(now: datetime) -> Organization:
    """Return an organization with a used voice, two failed duplicates, and an assistant that is set to them."""
    acme = make_organization("Acme")
    put_voices(acme, [voice_row(last_used_at=now, synthesis_count=3, created_at=now - DAY)])
    put_voices(acme, [voice_row(status=VoiceStatus.FAILED, provider_voice_id="twin") for _ in range(2)])
    make_assistant(acme, tts_provider="elevenlabs", tts_voice_id="twin")
    return acme


def damage(name: str) -> str:
    """Make one kind of total wrong. Returns its table."""
    with write_transaction():
        db.session.execute(text(DAMAGE[name]))
    return name.partition(".")[0]
