"""Which voices to list, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

from voiceadmin.pagination import DEFAULT_PAGE_SIZE
from voiceadmin.text import fold_case
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.status import VoiceStatus


class VoiceUse(StrEnum):
    """Filter words for how a voice is used.

    `idle`: for how long nobody may have used the voice, counted from its
    creation if it was never used; None where only "never used" is asked.
    """

    NEVER = "never", "Never used", None
    IDLE_30 = "idle-30", "Not used for 30 days", timedelta(days=30)
    IDLE_90 = "idle-90", "Not used for 90 days", timedelta(days=90)

    label: str
    idle: timedelta | None

    def __new__(cls, value: str, label: str = "", idle: timedelta | None = None) -> Self:
        """Give the member its word, its label and its span."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.idle = value, label, idle
        return member


class VoiceColumn(StrEnum):
    """The columns of a list of voices that it can be ordered by."""

    NAME = "name"
    PROVIDER = "provider"
    STATUS = "status"
    QUALITY = "quality"
    SYNTHESES = "syntheses"
    LAST_USED = "last-used"
    CREATED = "created"


class VoiceOrder(StrEnum):
    """How a list of voices is ordered: a column and a direction.

    A leading minus is the descending direction. Voices without a value come
    last both ways, and ties are broken by id.
    """

    MOST_USED = "-syntheses", VoiceColumn.SYNTHESES, "most used first"
    LEAST_USED = "syntheses", VoiceColumn.SYNTHESES, "least used first"
    NAME_ASCENDING = "name", VoiceColumn.NAME, "by name"
    NAME_DESCENDING = "-name", VoiceColumn.NAME, "by name, backwards"
    PROVIDER_ASCENDING = "provider", VoiceColumn.PROVIDER, "by provider"
    PROVIDER_DESCENDING = "-provider", VoiceColumn.PROVIDER, "by provider, backwards"
    STATUS_ASCENDING = "status", VoiceColumn.STATUS, "by status"
    STATUS_DESCENDING = "-status", VoiceColumn.STATUS, "by status, backwards"
    BEST = "-quality", VoiceColumn.QUALITY, "best quality first"
    POOREST = "quality", VoiceColumn.QUALITY, "poorest quality first"
    LATEST_USED = "-last-used", VoiceColumn.LAST_USED, "last used first"
    LONGEST_UNUSED = "last-used", VoiceColumn.LAST_USED, "longest unused first"
    NEWEST = "-created", VoiceColumn.CREATED, "newest first"
    OLDEST = "created", VoiceColumn.CREATED, "oldest first"

    column: VoiceColumn
    label: str

    def __new__(cls, value: str, column: VoiceColumn = VoiceColumn.NAME, label: str = "") -> Self:
        """Give the member its word, its column and the words of the sentence above a list."""
        member = str.__new__(cls, value)
        member._value_, member.column, member.label = value, column, label
        return member

    @property
    def descending(self) -> bool:
        """Whether large values come first."""
        return self.value.startswith("-")

    @classmethod
    def after_click(cls, column: VoiceColumn, current: VoiceOrder) -> VoiceOrder:
        """What a click on the head of a column orders by: its useful direction first, then the other one."""
        of_column = [order for order in cls if order.column is column]
        return of_column[1] if current is of_column[0] else of_column[0]


DEFAULT_ORDER = VoiceOrder.MOST_USED


SHORT_TEXT = 3  # letters from which a text is looked for inside words too


@dataclass(frozen=True, slots=True)
class VoiceFilters:
    """Which voices to list, in which order, and which page of them.

    Several values of one field mean any of them; an empty field means all.
    tiers: None in it stands for "not scored". text: part of a name or of a
    provider's id; what is shorter than SHORT_TEXT begins a word. page: from 1.
    """

    text: str = ""
    statuses: tuple[VoiceStatus, ...] = ()
    providers: tuple[str, ...] = ()
    tiers: tuple[QualityTier | None, ...] = ()
    uses: tuple[VoiceUse, ...] = ()
    languages: tuple[str, ...] = ()
    order: VoiceOrder = DEFAULT_ORDER
    size: int = DEFAULT_PAGE_SIZE
    page: int = 1

    def with_changes(self, **changes: Any) -> Self:
        """The same filters with some fields changed, back on the first page unless a page is named."""
        return replace(self, **({"page": 1} | changes))

    @property
    def matches_word_start(self) -> bool:
        """Whether the text is so short that it is only looked for where words begin."""
        return 0 < len(fold_case(self.text)) < SHORT_TEXT

    @property
    def unfiltered(self) -> Self:
        """All voices, in the same order and page size."""
        return type(self)(order=self.order, size=self.size)

    @property
    def has_filters(self) -> bool:
        """Whether any filter leaves voices out."""
        return bool(self.text or self.statuses or self.providers or self.tiers or self.uses or self.languages)


@dataclass(frozen=True, slots=True)
class VoiceQuery:
    """What a program asks for: at most one status and one provider, and a part of the list (limit None: all of it)."""

    status: VoiceStatus | None = None
    provider: str | None = None
    skip: int = 0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class VoiceChoices:
    """The words that an organization's voices can be filtered by, each in the order to show."""

    providers: tuple[str, ...]
    languages: tuple[str, ...]
