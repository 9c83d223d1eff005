"""The fields of voices and their values, for every other program."""

from __future__ import annotations

FIELDS = (
    *("id", "name", "provider", "provider_voice_id", "language", "gender", "status", "quality_score"),
    *("created_at", "last_used_at", "synthesis_count"),
)
STATUSES = ("ready", "processing", "failed", "archived")
PROVIDERS = ("elevenlabs", "resemble", "inworld", "cartesia")
