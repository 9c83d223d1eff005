"""Rows of cloned voices, and the data of their pages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from voiceadmin.enums import LabelledEnum
from voiceadmin.history.types import RecentUse
from voiceadmin.organizations.types import AssistantRow, OrganizationRow
from voiceadmin.pagination import Page
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.status import STATUS_DISPLAY_ORDER, VoiceStatus
from voiceadmin.voices.types.verdicts import StoredVerdict


class VoiceRow(NamedTuple):
    """A cloned voice: the eleven fields of the API, in its order.

    Attributes:
        provider_voice_id: The provider's id of the voice; "" if it gave none.
        quality_score: 0.0 to 1.0; None if not scored.
        created_at: In UTC, like all times.
        last_used_at: None if no use is known.
        synthesis_count: Number of uses.
    """

    id: int
    name: str
    provider: str
    provider_voice_id: str
    language: str | None
    gender: str | None
    status: VoiceStatus
    quality_score: float | None
    created_at: datetime
    last_used_at: datetime | None
    synthesis_count: int

    @property
    def tier(self) -> QualityTier | None:
        """Return the quality tier, or None if the voice has no score."""
        return QualityTier.from_score(self.quality_score)


StatusCounts = Mapping[VoiceStatus, int]  # every status is a key


class StatusTab(NamedTuple):
    """A tab above a voice list: the statuses that it selects, and their number of voices."""

    statuses: tuple[VoiceStatus, ...]
    label: str
    voice_count: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class VoiceList:
    """A page of voices, with what is shown around it.

    Attributes:
        status_counts: Number of voices by status, under all filters except the status.
        inexact_statuses: The statuses whose count is a lower bound.
        assistant_counts: Number of assistants that use a voice, by its id; voices without any have no key.
        scan_truncated_after: Number of index entries after which the search for rows stopped, so that rows may be
            missing; None if it was complete.
        verdicts: How voices compare with their provider, by id; voices without a verdict have no key. None unless the
            list is filtered by verdicts.
        recent_use: The use of 30 days by id; voices without history have no key. None unless the list shows it.
        trends_on: The day on which the stored trends were renewed. None unless the list is filtered by trends.
    """

    page: Page[VoiceRow]
    status_counts: StatusCounts
    inexact_statuses: Collection[VoiceStatus]
    assistant_counts: Mapping[int, int]
    scan_truncated_after: int | None = None
    verdicts: Mapping[int, StoredVerdict] | None = None
    recent_use: Mapping[int, RecentUse] | None = None
    trends_on: date | None = None

    @property
    def tabs(self) -> list[StatusTab]:
        """Return the tabs above the list: all voices, then each status."""
        all_voices = StatusTab((), "All", sum(self.status_counts.values()), not self.inexact_statuses)
        return [
            all_voices,
            *(
                StatusTab((status,), status.label, self.status_counts[status], status not in self.inexact_statuses)
                for status in STATUS_DISPLAY_ORDER
            ),
        ]


class LocalArchive(NamedTuple):
    """When, by whom and why a voice was archived here, and its upstream status."""

    archived_at: datetime
    archived_by: str
    note: str
    upstream_status: VoiceStatus


class ProviderDeletionRow(NamedTuple):
    """When and by whom a voice was marked as deleted at its provider."""

    marked_at: datetime
    marked_by: str


class AssistantUse(LabelledEnum):
    """How an assistant is set to a voice. The labels follow its name."""

    USES = "uses", "uses this voice"
    NOT_SPOKEN = "not-spoken", "set to this voice, but its mode does not use it"
    NAMES = "names", "names this voice in another setting, without using it"


@dataclass(frozen=True, slots=True)
class VoiceDetail:
    """A voice with its organization and assistants.

    Attributes:
        assistants: The first of those that can use the voice; those that do use it come first, then those that name it.
        uses: How each of these is set to the voice, by the id of the assistant. Those that are not are omitted.
        using_assistant_count: Number of assistants that use the voice.
        archive: None unless the voice was archived here.
        deletion: None unless a person marked the voice as deleted at its provider.
        status_changed_at: When the voice got its status, as far as it is known.
    """

    voice: VoiceRow
    organization: OrganizationRow
    assistants: Sequence[AssistantRow]
    uses: Mapping[int, AssistantUse]
    using_assistant_count: int
    archive: LocalArchive | None
    deletion: ProviderDeletionRow | None
    status_changed_at: datetime
