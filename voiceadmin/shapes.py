"""Frozen shapes that travel between the floors: filters on the way down, rows and pages on the way up."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, NamedTuple, Self, TypeVar

from voiceadmin.folding import folded
from voiceadmin.people import OrganizationId
from voiceadmin.vocabulary import (
    DEFAULT_ORDER,
    DEFAULT_PAGE_SIZE,
    MAX_ID,
    SHORT_TEXT,
    STATUSES_SHOWN,
    QualityTier,
    VoiceOrder,
    VoiceStatus,
    VoiceUse,
    read_integer,
)

Row = TypeVar("Row")


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
        return QualityTier.of(self.quality_score)


class OrganizationRow(NamedTuple):
    """An organization.

    id: our own, not upstream's. assistants: how many it has. revision: a word
    for the state of its voices in this store; every write to them changes it.
    """

    id: OrganizationId
    name: str
    assistants: int
    revision: str


class AssistantRow(NamedTuple):
    """An assistant and the organization whose voices it can use.

    tts_provider, tts_voice_id: what it is set to speak with, which may be a
    stock voice; None when unknown.
    """

    id: int
    name: str
    active: bool
    tts_provider: str | None
    tts_voice_id: str | None
    organization: OrganizationRow


StatusCounts = Mapping[VoiceStatus, int]  # every status is a key


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list. number: from 1; past the last page the rows are empty.

    total: rows in the whole list; so many at least, when it is not exact.
    """

    rows: Sequence[Row]
    total: int
    number: int
    size: int
    exact: bool = True

    @property
    def last(self) -> int:
        """The number of the last page; 1 for an empty list. When the total is not exact: the last that may be there."""
        counted = max(1, -(-self.total // self.size))
        if self.exact or not self.rows:
            return counted
        return max(counted, self.number + (len(self.rows) == self.size))

    @property
    def window(self) -> list[int | None]:
        """The numbers of the pages to offer: the first, the last and those around this one; None is a gap."""
        near = {number for number in range(self.number - 1, self.number + 2) if 1 <= number <= self.last}
        offered: list[int | None] = []
        for number in sorted({1, self.last} | near):
            if offered and number - (offered[-1] or 0) > 1:
                offered.append(None)
            offered.append(number)
        return offered

    @property
    def first_row(self) -> int:
        """The place of the first row in the whole list, from 1."""
        return (self.number - 1) * self.size + 1

    @property
    def last_row(self) -> int:
        """The place of the last row in the whole list."""
        return self.first_row + len(self.rows) - 1


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

    def but(self, **changes: Any) -> Self:
        """The same filters with some fields changed, back on the first page unless a page is named."""
        return replace(self, **({"page": 1} | changes))

    @property
    def begins(self) -> bool:
        """Whether the text is so short that it is only looked for where words begin."""
        return 0 < len(folded(self.text)) < SHORT_TEXT

    @property
    def unfiltered(self) -> Self:
        """All voices, in the same order and page size."""
        return type(self)(order=self.order, size=self.size)

    @property
    def narrow(self) -> bool:
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
        each = [((status,), status.label, self.counts[status], status not in self.more) for status in STATUSES_SHOWN]
        return [((), "All", sum(self.counts.values()), not self.more), *each]


@dataclass(frozen=True, slots=True)
class AssistantFilters:
    """Which assistants to list.

    text: part of a name; when it is a number, that id too. organization: our id, or None for all.
    """

    text: str = ""
    organization: int | None = None
    size: int = DEFAULT_PAGE_SIZE
    page: int = 1

    @property
    def id(self) -> int | None:
        """The id that the text can also be, or None."""
        number = read_integer(self.text)
        return number if number is not None and 1 <= number <= MAX_ID else None

    def but(self, **changes: Any) -> Self:
        """The same filters with some fields changed, back on the first page unless a page is named."""
        return replace(self, **({"page": 1} | changes))


@dataclass(frozen=True, slots=True)
class AssistantSummary:
    """An assistant in a list. voice: the cloned voice it is set to, or None when it is set to another or to none."""

    assistant: AssistantRow
    voice: VoiceRow | None
    counts: StatusCounts


@dataclass(frozen=True, slots=True)
class ProviderFigures:
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


class ArchivedHere(NamedTuple):
    """That a voice was archived here. status: what upstream says of it meanwhile."""

    at: datetime
    by: str
    why: str
    status: VoiceStatus


@dataclass(frozen=True, slots=True)
class VoiceDetail:
    """One voice with the assistants around it.

    assistants: the first of those that can use it, the ones set to it before
    the others. set_by: how many are set to it in all. archived: None unless it was archived here.
    standing_since: since when it has its status, as far as is known.
    """

    voice: VoiceRow
    organization: OrganizationRow
    assistants: Sequence[AssistantRow]
    set_by: int
    archived: ArchivedHere | None
    standing_since: datetime


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field of one record, or (field None) with the record or the whole input.

    record: its number in the input, from 1; None when the fault is the
    input's. value: as it was given; None when absent.
    """

    record: int | None
    field: str | None
    value: Any
    problem: str
    remedy: str

    def __str__(self) -> str:
        """One line: where, what was given, what is wrong with it, what to do."""
        where = "The input" if self.record is None else f"Record {self.record}"
        if self.field is not None:
            where += f", {self.field}"
        given = "" if self.value is None else f" {quoted(self.value)}"
        return f"{where}:{given} {self.problem} {self.remedy}"


def quoted(value: object, limit: int = 80) -> str:
    """A value as a message quotes it: on one line, at most `limit` of its characters, what is not printable escaped."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case None | bool() | str() | int():
            text = json.dumps(value, ensure_ascii=False)
        case _:
            text = str(value)
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How an import ended: records by what became of them.

    ignored: unknown fields that were passed over, in all records together.
    written: whether the store has it now; False after a dry run or a refusal.
    """

    added: int
    changed: int
    unchanged: int
    refused: int
    ignored: int
    written: bool
