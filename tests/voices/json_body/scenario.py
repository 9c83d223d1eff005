"""A valid record and functions that parse it with changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from voiceadmin.voices.json_body import FieldError, InvalidVoice, parse_voice
from voiceadmin.voices.types.rows import VoiceRow

NOON = datetime(2024, 1, 15, 12, 0, tzinfo=UTC)
PLAIN: dict[str, Any] = {
    "id": 456,
    "name": "Custom Professional Voice",
    "provider": "elevenlabs",
    "provider_voice_id": "voice_abc123xyz",
    "language": "en",
    "gender": "male",
    "status": "ready",
    "quality_score": 0.95,
    "created_at": "2024-01-15T10:45:00Z",
    "last_used_at": "2024-01-20T14:22:00Z",
    "synthesis_count": 1250,
}


def shown(value: Any) -> str:
    """Return a value for the name of a test."""
    return repr(value)[:30]


def errors(**fields: Any) -> tuple[FieldError, ...]:
    """Return the errors of a record that is valid otherwise."""
    with pytest.raises(InvalidVoice) as caught:
        parse_voice(PLAIN | fields)
    return caught.value.errors


def read(**fields: Any) -> VoiceRow:
    """Return the row of a record that is valid otherwise."""
    return parse_voice(PLAIN | fields)
