"""Statistics of the overview page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from voiceadmin.voices.types.rows import StatusCounts, VoiceRow
from voiceadmin.voices.types.status import VoiceStatus


class ListedVoice(NamedTuple):
    """A voice in a short list, with the name of its organization and the time of its current status."""

    voice: VoiceRow
    organization_name: str
    status_changed_at: datetime


@dataclass(frozen=True, slots=True)
class OverviewStats:
    """Statistics of the voices in a scope.

    Attributes:
        provider_counts: status counts by provider, in the order of the providers' names.
        recently_failed: newest first.
        last_import_at: None if no import was recorded.
    """

    provider_counts: Mapping[str, StatusCounts]
    most_used: Sequence[ListedVoice]
    recently_failed: Sequence[ListedVoice]
    last_import_at: datetime | None

    @property
    def total_counts(self) -> StatusCounts:
        """Status counts of all providers together."""
        return {status: sum(counts[status] for counts in self.provider_counts.values()) for status in VoiceStatus}
