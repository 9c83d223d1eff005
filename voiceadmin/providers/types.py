"""Statistics of the voices at one provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.rows import StatusCounts


@dataclass(frozen=True, slots=True)
class ProviderStats:
    """Statistics of the voices at one provider.

    Attributes:
        tier_counts: voices by quality tier; the key None counts those without a score. Every tier is a key.
        last_used_at: None if no voice has a time of its last use.
        created_recently: voices created in the last 30 days.
        failed_recently: those of `created_recently` whose cloning failed, including voices archived here since.
        used_slots: voices that have an id at the provider.
        archived_slots: those of `used_slots` that are archived.
    """

    provider: str
    status_counts: StatusCounts
    tier_counts: Mapping[QualityTier | None, int]
    syntheses: int
    last_used_at: datetime | None
    created_recently: int
    failed_recently: int
    used_slots: int
    archived_slots: int

    @property
    def voice_count(self) -> int:
        """All voices at the provider."""
        return sum(self.status_counts.values())

    @property
    def scored_count(self) -> int:
        """The voices that have a quality score."""
        return self.voice_count - self.tier_counts[None]
