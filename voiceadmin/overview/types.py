"""Statistics of the overview page, and how current its sources are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from voiceadmin.enums import Tone, TonedEnum
from voiceadmin.sources.types import SourceKind
from voiceadmin.voices.types.rows import StatusCounts, VoiceRow
from voiceadmin.voices.types.status import VoiceStatus


class ListedVoice(NamedTuple):
    """A voice in a short list, with the name of its organization and the time of its current status."""

    voice: VoiceRow
    organization_name: str
    status_changed_at: datetime


class Freshness(TonedEnum):
    """Whether what is known from a source holds now."""

    CURRENT = "current", "Current", Tone.GOOD
    OLD = "old", "Not current", Tone.WARN
    UNREAD = "unread", "Not read yet", Tone.WARN
    ANOTHER_ACCOUNT = "another-account", "Account changed", Tone.BAD
    DISABLED = "disabled", "Disabled", Tone.MUTED


class ListedSource(NamedTuple):
    """A source with the results of its syncs.

    Attributes:
        organization_id, organization_name: None for a source of the platform.
        read_at: when its lists were last read as a whole; None if never.
        failing_since: when the first sync after that was not complete; None if the newest one is.
        failure: why; "" if the newest sync is complete.
    """

    id: int
    organization_id: int | None
    organization_name: str | None
    name: str
    kind: SourceKind
    read_at: datetime | None
    failing_since: datetime | None
    failure: str
    account_changed_at: datetime | None
    disabled_at: datetime | None

    def get_freshness(self, lists_before: datetime) -> Freshness:
        """Return whether what is known from it holds now. lists_before: lists that were read before are old."""
        if self.disabled_at is not None:
            return Freshness.DISABLED
        if self.account_changed_at is not None:
            return Freshness.ANOTHER_ACCOUNT
        if self.read_at is None:
            return Freshness.UNREAD
        is_old = self.failing_since is not None or self.read_at < lists_before
        return Freshness.OLD if is_old else Freshness.CURRENT


class ListedSources(NamedTuple):
    """The sources of a scope. rows: the first of them, those to look at first. total: the number of all."""

    rows: Sequence[ListedSource]
    total: int


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
    sources: ListedSources

    @property
    def total_counts(self) -> StatusCounts:
        """Status counts of all providers together."""
        return {status: sum(counts[status] for counts in self.provider_counts.values()) for status in VoiceStatus}
