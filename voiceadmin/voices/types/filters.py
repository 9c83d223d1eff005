"""The filters and orders of voice lists."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

from voiceadmin.history.types import Trend
from voiceadmin.pagination import DEFAULT_PAGE_SIZE
from voiceadmin.text import fold_case
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.types.verdicts import Verdict


class VoiceUse(StrEnum):
    """Filter values for the use of a voice.

    Attributes:
        idle_period: How long the voice has not been used, counted from its creation if it was never used. None for
            "never used", which has no period.
    """

    NEVER = "never", "Never used", None
    IDLE_30 = "idle-30", "Not used for 30 days", timedelta(days=30)
    IDLE_90 = "idle-90", "Not used for 90 days", timedelta(days=90)

    label: str
    idle_period: timedelta | None

    def __new__(cls, value: str, label: str = "", idle_period: timedelta | None = None) -> Self:
        """Create the member with its label and idle period."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.idle_period = value, label, idle_period
        return member


class VoiceColumn(StrEnum):
    """The columns by which a voice list can be ordered."""

    NAME = "name"
    PROVIDER = "provider"
    STATUS = "status"
    QUALITY = "quality"
    SYNTHESES = "syntheses"
    LAST_USED = "last-used"
    CREATED = "created"


class VoiceOrder(StrEnum):
    """The orders of a voice list: a column and a direction.

    A leading minus is the descending direction. Voices without a value come last in both directions, and ties are
    ordered by id. Of the two orders of a column, the first is the one that a click on its heading selects first.
    """

    MOST_USED = "-syntheses", VoiceColumn.SYNTHESES, "most used first"
    LEAST_USED = "syntheses", VoiceColumn.SYNTHESES, "least used first"
    NAME_ASCENDING = "name", VoiceColumn.NAME, "by name"
    NAME_DESCENDING = "-name", VoiceColumn.NAME, "by name, descending"
    PROVIDER_ASCENDING = "provider", VoiceColumn.PROVIDER, "by provider"
    PROVIDER_DESCENDING = "-provider", VoiceColumn.PROVIDER, "by provider, descending"
    STATUS_ASCENDING = "status", VoiceColumn.STATUS, "by status"
    STATUS_DESCENDING = "-status", VoiceColumn.STATUS, "by status, descending"
    BEST = "-quality", VoiceColumn.QUALITY, "best quality first"
    POOREST = "quality", VoiceColumn.QUALITY, "poorest quality first"
    LATEST_USED = "-last-used", VoiceColumn.LAST_USED, "last used first"
    LONGEST_UNUSED = "last-used", VoiceColumn.LAST_USED, "longest unused first"
    NEWEST = "-created", VoiceColumn.CREATED, "newest first"
    OLDEST = "created", VoiceColumn.CREATED, "oldest first"

    column: VoiceColumn
    label: str

    def __new__(cls, value: str, column: VoiceColumn = VoiceColumn.NAME, label: str = "") -> Self:
        """Create the member with its column and its label, which follows "Showing 1–50 of 1,204 voices,"."""
        member = str.__new__(cls, value)
        member._value_, member.column, member.label = value, column, label
        return member

    @property
    def descending(self) -> bool:
        """Return whether large values come first."""
        return self.value.startswith("-")

    @classmethod
    def after_click(cls, column: VoiceColumn, current: VoiceOrder) -> VoiceOrder:
        """Return the order after a click on a column heading: the column's first order, or else its second."""
        of_column = [order for order in cls if order.column is column]
        return of_column[1] if current is of_column[0] else of_column[0]


DEFAULT_ORDER = VoiceOrder.MOST_USED


# Characters from which a text matches inside words too. Shorter texts have no trigram; they match word beginnings.
MIN_SUBSTRING_LENGTH = 3


@dataclass(frozen=True, slots=True)
class VoiceFilters:
    """The filters of a voice list, its order, and the page to show.

    Several values of one field match voices with any of them; an empty field matches all voices.

    Attributes:
        text: Part of a name or of a provider's id. If shorter than MIN_SUBSTRING_LENGTH, the beginning of a word.
        tiers: None selects voices without a score.
        verdicts: How voices compare with their provider. None selects voices without a verdict.
        trends: How the use of voices has changed. One of STORED_TRENDS.
        shows_use: Whether the list has the column "Use, 30 days", which a filter of trends adds as well.
        page: From 1.
    """

    text: str = ""
    statuses: tuple[VoiceStatus, ...] = ()
    providers: tuple[str, ...] = ()
    tiers: tuple[QualityTier | None, ...] = ()
    uses: tuple[VoiceUse, ...] = ()
    languages: tuple[str, ...] = ()
    verdicts: tuple[Verdict | None, ...] = ()
    trends: tuple[Trend, ...] = ()
    shows_use: bool = False
    order: VoiceOrder = DEFAULT_ORDER
    size: int = DEFAULT_PAGE_SIZE
    page: int = 1

    def with_changes(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, on the first page unless a page is given."""
        return replace(self, **({"page": 1} | changes))

    @property
    def offset(self) -> int:
        """Return the number of voices before the page."""
        return (self.page - 1) * self.size

    @property
    def matches_word_start(self) -> bool:
        """Return whether the text is so short that it matches only the beginnings of words."""
        return 0 < len(fold_case(self.text)) < MIN_SUBSTRING_LENGTH

    @property
    def without_filters(self) -> Self:
        """Return filters that match all voices, in the same order, page size and columns."""
        return type(self)(order=self.order, size=self.size, shows_use=self.shows_use)

    @property
    def has_filters(self) -> bool:
        """Return whether any filter is set."""
        groups = (self.text, self.statuses, self.providers, self.tiers, self.uses, self.languages)
        return any((*groups, self.verdicts, self.trends))


@dataclass(frozen=True, slots=True)
class VoiceQuery:
    """The parameters of the JSON route: at most one status and one provider, and a slice (limit None: no limit)."""

    status: VoiceStatus | None = None
    provider: str | None = None
    skip: int = 0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class VoiceChoices:
    """The providers and languages of an organization's voices, sorted, as filter values.

    Attributes:
        has_verdicts: Whether voices can have verdicts: some were stored, in any organization.
        has_trends: Whether voices can have trends: some were stored, in any organization.
    """

    providers: tuple[str, ...]
    languages: tuple[str, ...]
    has_verdicts: bool = False
    has_trends: bool = False
