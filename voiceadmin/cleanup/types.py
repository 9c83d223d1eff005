"""The shapes of clean-up: what could go, what is kept out and why, what it would free, and plans that do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Self

from voiceadmin.config import AttentionThresholds
from voiceadmin.enums import LabelledEnum
from voiceadmin.text import pluralize
from voiceadmin.voices.types.provider import Provider, provider_label
from voiceadmin.voices.types.rows import VoiceRow

REASONS = (
    "unused",
    "never-used",
)  # the words of the rules that clean-up goes by, in the order in which plans take them


BILLING = {  # what is known of how each provider takes money for voices that it keeps
    Provider.ELEVENLABS.value: (
        "By slots of a plan: a free slot takes a new voice, and saves money only where a smaller plan will do."
    ),
    Provider.RESEMBLE.value: (
        "By voice and month on the Flex plan. For orientation, of May 2026 and not from Resemble itself:"
        " about 2.00 USD for a rapid clone, 5.00 for a professional one."
    ),
    Provider.INWORLD.value: "By the voices that a plan includes; a voice alone costs nothing more.",
    Provider.CARTESIA.value: "Nothing is known of a price by voice.",
}


class KeptOut(LabelledEnum):
    """Why a voice stays, though nobody uses it or it is not ready. The labels tell of many voices."""

    IN_USE = "in-use", "An assistant is set to it, active or not"
    SHARED = "shared", "Another voice has the same id at the provider"
    MUTED = "muted", "Somebody acknowledged or snoozed that it is unused"
    YOUNG = "minimum_age", "Made less than {minimum_age} ago"
    RECENT = "recent", "Used in the last {unused}"
    UNDATED = "undated", "Used, but nobody knows when"
    PROCESSING = "processing", "Still processing"
    FAILED = "failed", "Failed; see Triage"

    def told(self, limits: AttentionThresholds) -> str:
        """The label with the days that it is about."""
        return self.label.format(
            minimum_age=pluralize(limits.minimum_age.days, "day"), unused=pluralize(limits.unused.days, "day")
        )


class ItemState(LabelledEnum):
    """What became of a voice of a plan."""

    PENDING = "pending", "Pending"
    ARCHIVED = "archived", "Archived"
    SKIPPED = "skipped", "Left alone"
    FAILED = "failed", "Failed"
    RESTORED = "restored", "Restored since"
    GONE = "gone", "Gone since"


OLD = timedelta(days=183)  # after so long a price had better be looked up again


class Price(NamedTuple):
    """What a provider takes for a voice in a month, as somebody wrote it down. cents: hundredths of the currency."""

    provider: str
    cents: int
    currency: str
    as_of: date
    changed_at: datetime
    changed_by: str

    def of(self, voices: int) -> str:
        """What so many voices take in a month: "1,204.00 USD"."""
        return money(self.cents * voices, self.currency)

    def is_old(self, today: date) -> bool:
        """Whether it had better be looked up again."""
        return today - self.as_of > OLD


def money(cents: int, currency: str) -> str:
    """An amount: "1,204.00 USD"."""
    return f"{cents // 100:,}.{cents % 100:02} {currency}"


class Saving(NamedTuple):
    """What deleting voices at their providers frees.

    monthly: an amount for each currency. days: of the oldest and of the newest
    price in it, none without one. old: whether that oldest one is. unpriced:
    the providers whose price nobody knows.
    """

    slots: int
    monthly: Sequence[str]
    days: Sequence[date]
    old: bool
    unpriced: Sequence[str]


def saving(voices: Mapping[str, int], prices: Mapping[str, Price], *, today: date) -> Saving:
    """Sum up what voices, counted by provider, free. Where no price is known, the money is not known: it is not 0."""
    freed = {provider: number for provider, number in voices.items() if number}
    used = {provider: prices[provider] for provider in freed if provider in prices}
    cents: dict[str, int] = {}  # by currency, of which no two are ever added up
    for provider, price in used.items():
        cents[price.currency] = cents.get(price.currency, 0) + price.cents * freed[provider]
    days = sorted({price.as_of for price in used.values()})
    return Saving(
        slots=sum(freed.values()),
        monthly=[money(amount, currency) for currency, amount in sorted(cents.items())],
        days=[*days[:1], *days[1:][-1:]],
        old=any(price.is_old(today) for price in used.values()),
        unpriced=[provider_label(provider) for provider in freed if provider not in used],
    )


class Count(NamedTuple):
    """How many voices of an organization at a provider there are of a kind: a reason, a KeptOut, or "archived-…"."""

    organization_id: int
    provider: str
    kind: str
    number: int


ARCHIVED_HERE, ARCHIVED_UPSTREAM = "archived-here", "archived-upstream"


@dataclass(frozen=True, slots=True)
class CleanUpFilters:
    """Which candidates are meant. Empty fields mean all. most: how many a plan takes, None for as many as it may."""

    organization: int | None = None
    providers: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    most: int | None = None

    def with_changes(self, **changes: Any) -> Self:
        """The same with some fields changed."""
        return replace(self, **changes)

    @property
    def words(self) -> tuple[str, ...]:
        """The reasons that are meant, in the order in which plans take them."""
        return tuple(word for word in REASONS if not self.reasons or word in self.reasons)


class Freed(NamedTuple):
    """What deleting voices at a provider frees. by_reason: those that could go. archived: those that were archived."""

    provider: str
    by_reason: Mapping[str, int]
    archived: int
    price: Price | None

    @property
    def voices(self) -> int:
        """How many could go."""
        return sum(self.by_reason.values())


@dataclass(frozen=True, slots=True)
class Candidates:
    """What could go and what stays, counted. at: when that was."""

    at: datetime
    counts: Sequence[Count]

    def narrowed(self, filters: CleanUpFilters) -> Candidates:
        """Those of an organization and of providers."""
        kept = [
            one
            for one in self.counts
            if filters.organization in (None, one.organization_id)
            and (not filters.providers or one.provider in filters.providers)
        ]
        return Candidates(self.at, kept)

    @property
    def providers(self) -> list[str]:
        """Every provider that there is any voice of."""
        return sorted({one.provider for one in self.counts})

    def number(self, *kinds: str) -> int:
        """How many there are of some kinds."""
        return sum(one.number for one in self.counts if one.kind in kinds)

    def by_organization(self, words: Sequence[str]) -> dict[int, int]:
        """How many could go by these reasons, by organization."""
        found: dict[int, int] = {}
        for one in self.counts:
            if one.kind in words:
                found[one.organization_id] = found.get(one.organization_id, 0) + one.number
        return found

    def freed(self, words: Sequence[str], prices: Mapping[str, Price]) -> list[Freed]:
        """By provider, what going by these reasons frees; most first."""
        found: dict[str, dict[str, int]] = {}
        for one in self.counts:
            if one.kind in (*words, ARCHIVED_HERE, ARCHIVED_UPSTREAM):
                kinds = found.setdefault(one.provider, {})
                kinds[one.kind] = kinds.get(one.kind, 0) + one.number
        rows = [
            Freed(
                provider,
                {word: kinds.get(word, 0) for word in words},
                kinds.get(ARCHIVED_HERE, 0) + kinds.get(ARCHIVED_UPSTREAM, 0),
                prices.get(provider),
            )
            for provider, kinds in found.items()
        ]
        return sorted(rows, key=lambda row: (-row.voices, -row.archived, row.provider))


class Candidate(NamedTuple):
    """A voice that could go. evidence: a sentence with its figures."""

    voice: VoiceRow
    organization_id: int
    organization_name: str
    evidence: str


class Item(NamedTuple):
    """A voice of a plan as it was when it was planned, or else archived. why: it was left alone, or failed."""

    voice: VoiceRow
    organization_id: int
    organization_name: str
    evidence: str
    state: ItemState
    skip_reason: str


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan: which voices to archive, as of when, and how far it is.

    number: of its voices. seen: the newest operation when it was made. states: how many of its
    voices are in each state. voices: how many are archived or wait for it, by provider. undoable: how many it
    archived in operations that can be undone.
    """

    id: int
    created_at: datetime
    created_by: str
    filters: CleanUpFilters
    voice_count: int
    last_seen_operation_id: int
    confirmed_at: datetime | None
    confirmed_by: str
    states: Mapping[ItemState, int]
    voices: Mapping[str, int]
    undoable: int

    def count(self, *states: ItemState) -> int:
        """How many of its voices are in one of these states."""
        return sum(self.states.get(state, 0) for state in states)

    @property
    def waiting(self) -> int:
        """How many of its voices nothing was decided about yet."""
        return self.count(ItemState.PENDING)

    @property
    def confirmed(self) -> bool:
        """Whether somebody let it be carried out."""
        return self.confirmed_at is not None
