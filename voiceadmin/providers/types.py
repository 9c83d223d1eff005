"""The voices at one provider, counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.rows import StatusCounts


@dataclass(frozen=True, slots=True)
class ProviderStats:
    """The voices at one provider, counted.

    counts: by status. tiers: by quality tier, None is not scored; every tier is a key. last_used_at: None when no
    use is dated. made: voices made lately, failed: those of them whose cloning failed, archived here since or not.
    placed: voices that have an id at the provider, placed_archived: those of them that are archived.
    """

    provider: str
    counts: StatusCounts
    tiers: Mapping[QualityTier | None, int]
    syntheses: int
    last_used_at: datetime | None
    made: int
    failed: int
    placed: int
    placed_archived: int

    @property
    def voices(self) -> int:
        """All of its voices."""
        return sum(self.counts.values())

    @property
    def scored(self) -> int:
        """Its voices that have a score."""
        return self.voices - self.tiers[None]
