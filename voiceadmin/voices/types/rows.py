"""Rows of cloned voices, and what a page shows around them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from voiceadmin.organizations.types import AssistantRow, OrganizationRow
from voiceadmin.pagination import Page
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.status import STATUS_DISPLAY_ORDER, VoiceStatus


class VoiceRow(NamedTuple):
    """One cloned voice: the API's eleven fields, named and ordered as the API has them.

    provider_voice_id: "" when the provider gave none. quality_score: 0.0 to
    1.0, None is not scored. Times are aware and UTC. last_used_at: None when
    no use is known. synthesis_count: uses in all.
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
        """The quality tier, or None when the voice has no score."""
        return QualityTier.from_score(self.quality_score)


StatusCounts = Mapping[VoiceStatus, int]  # every status is a key


@dataclass(frozen=True, slots=True)
class VoiceList:
    """A page of voices with what is shown around it.

    counts: voices by status under all filters but the status. more: the
    statuses of which there are more than that. users: how many assistants are
    set to a voice, by the voice's id; a voice that none is set to has no key.
    cut: after how many voices the search for rows ended, so that some may be
    missing; 0 when it went on as far as it had to.
    """

    page: Page[VoiceRow]
    counts: StatusCounts
    more: Collection[VoiceStatus]
    users: Mapping[int, int]
    cut: int = 0

    @property
    def tabs(self) -> list[tuple[tuple[VoiceStatus, ...], str, int, bool]]:
        """The tabs over the list: the statuses that each chooses, its label, how many voices it has, if exactly so."""
        each = [
            ((status,), status.label, self.counts[status], status not in self.more) for status in STATUS_DISPLAY_ORDER
        ]
        return [((), "All", sum(self.counts.values()), not self.more), *each]


class LocalArchive(NamedTuple):
    """That a voice was archived here. status: what upstream says of it meanwhile."""

    at: datetime
    by: str
    note: str
    status: VoiceStatus


@dataclass(frozen=True, slots=True)
class VoiceDetail:
    """One voice with the assistants around it.

    assistants: the first of those that can use it, the ones set to it before
    the others. set_by: how many are set to it in all. archived: None unless it was archived here.
    status_changed_at: since when it has its status, as far as is known.
    """

    voice: VoiceRow
    organization: OrganizationRow
    assistants: Sequence[AssistantRow]
    using_assistant_count: int
    archived: LocalArchive | None
    status_changed_at: datetime
