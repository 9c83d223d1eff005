"""Clean-up candidates: voices that a plan can archive, and the reasons that exclude the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

from voiceadmin.cleanup.types.prices import Price
from voiceadmin.config import AttentionThresholds
from voiceadmin.enums import LabelledEnum
from voiceadmin.text import pluralize
from voiceadmin.voices.types.rows import VoiceRow

CLEAN_UP_REASONS = ("unused", "never-used")  # slugs of the rules, in the order of plans

# Kinds of CandidateCount besides the slugs above and the members of ExclusionReason.
ARCHIVED = "archived"
ARCHIVED_WITHOUT_SLOT = "archived-without-slot"  # has no id at the provider, or was marked as deleted there


class ExclusionReason(LabelledEnum):
    """Why a voice is not a candidate. The labels describe many voices."""

    IN_USE = "in-use", "Used by an assistant, active or not"
    NAMED = "named", "Not used, but named in the settings of an assistant"
    SHARED_REFERENCE = "shared-reference", "Same provider ID as another voice"
    MISSING = "missing", "Already gone at the provider"
    MUTED = "muted", "Finding acknowledged or snoozed"
    TOO_NEW = "too-new", "Created less than {minimum_age} ago"
    RECENTLY_USED = "recently-used", "Used in the last {unused}"
    UNDATED = "undated", "Used, but the date is unknown"
    PROCESSING = "processing", "Still processing"
    FAILED = "failed", "Failed; see Triage"

    def describe(self, thresholds: AttentionThresholds) -> str:
        """Return the label with the thresholds in days that it refers to."""
        return self.label.format(
            minimum_age=pluralize(thresholds.minimum_age.days, "day"), unused=pluralize(thresholds.unused.days, "day")
        )


@dataclass(frozen=True, slots=True)
class CleanUpFilters:
    """Which candidates to select. An empty field selects all. limit: maximum size of a plan; None for no limit."""

    organization: int | None = None
    providers: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    limit: int | None = None

    def with_changes(self, **changes: Any) -> Self:
        """Return the filters with some fields changed."""
        return replace(self, **changes)

    @property
    def selected_reasons(self) -> tuple[str, ...]:
        """The selected reasons, or all of them, in the order of plans."""
        return tuple(reason for reason in CLEAN_UP_REASONS if not self.reasons or reason in self.reasons)


class CandidateCount(NamedTuple):
    """A number of voices.

    Attributes:
        kind: a reason, an ExclusionReason, ARCHIVED or ARCHIVED_WITHOUT_SLOT.
        without_slot: of a reason, how many of the voices have no id at the provider, or were marked as deleted there.
    """

    provider: str
    kind: str
    voices: int
    without_slot: int = 0


class ProviderCandidates(NamedTuple):
    """Candidates at one provider, how many of them use a slot, and archived voices that still use a slot."""

    provider: str
    by_reason: Mapping[str, int]
    with_slot: int
    archived: int
    price: Price | None

    @property
    def candidates(self) -> int:
        """Number of voices that a plan can archive."""
        return sum(self.by_reason.values())


@dataclass(frozen=True, slots=True)
class CandidateCounts:
    """Every voice of a scope, counted by provider, reason and exclusion."""

    counts: Sequence[CandidateCount]

    def matching(self, filters: CleanUpFilters) -> CandidateCounts:
        """Return the counts of the providers that are selected. The organization is not considered."""
        return CandidateCounts(
            [one for one in self.counts if not filters.providers or one.provider in filters.providers]
        )

    def count(self, *kinds: str) -> int:
        """Return the number of voices of some kinds."""
        return sum(one.voices for one in self.counts if one.kind in kinds)

    def by_provider(self, reasons: Sequence[str], prices: Mapping[str, Price]) -> list[ProviderCandidates]:
        """Return the candidates of each provider, most first."""
        found: dict[str, Counter[str]] = {}
        without_slot: Counter[str] = Counter()
        for one in self.counts:
            if one.kind in (*reasons, ARCHIVED):
                found.setdefault(one.provider, Counter())[one.kind] += one.voices
                without_slot[one.provider] += one.without_slot
        rows = [
            ProviderCandidates(
                provider,
                {reason: kinds[reason] for reason in reasons},
                sum(kinds[reason] for reason in reasons) - without_slot[provider],
                kinds[ARCHIVED],
                prices.get(provider),
            )
            for provider, kinds in found.items()
        ]
        return sorted(rows, key=lambda row: (-row.candidates, -row.archived, row.provider))


class Candidate(NamedTuple):
    """A voice that a plan can archive. evidence: a sentence such as "Not used for 100 days."."""

    voice: VoiceRow
    organization_id: int
    organization_name: str
    evidence: str
