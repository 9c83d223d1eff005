"""Orphans of a source: filters, rows, and how sure it is that the platform does not use them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, Self

from voiceadmin.cleanup.types.deletions import CheckedVoice, DeletionObstacle, DeletionState
from voiceadmin.enums import LabelledEnum


class SlotFilter(LabelledEnum):
    """Whether an orphan takes a slot."""

    YES = "yes", "Takes a slot"
    NO = "no", "Takes no slot"


class DeletableFilter(LabelledEnum):
    """Whether an orphan can be deleted at the provider."""

    YES = "yes", "Can be deleted"
    NO = "no", "Cannot be deleted"


@dataclass(frozen=True, slots=True)
class OrphanFilters:
    """Filters of the orphans of a source.

    Attributes:
        text: a part of the name or of the provider's ID.
        slot, deletable: None for all.
    """

    text: str = ""
    slot: SlotFilter | None = None
    deletable: DeletableFilter | None = None
    page: int = 1

    def with_changes(self, **changes: Any) -> Self:
        """Return these filters with changes, on the first page unless given."""
        return replace(self, **({"page": 1} | changes))


class Orphan(NamedTuple):
    """A voice of ours at the provider that no voice of the platform names.

    Attributes:
        state: in the provider's words.
        category: the provider's word for the kind of voice; "" if there is none.
        slot: label of the kind of slot that it takes; "" if it takes none.
        breaks_at: when it will stop working; None if the provider names no date.
        first_listed_at: when a sync first found it at the provider.
    """

    checked: CheckedVoice
    state: str
    category: str
    slot: str
    breaks_at: datetime | None
    first_listed_at: datetime


class PlatformList(NamedTuple):
    """A source of the platform that could name an orphan. problem: why it is not current; "" if it is."""

    name: str
    read_at: datetime | None
    problem: str


@dataclass(frozen=True, slots=True)
class Orphans:
    """All orphans of a source that match filters.

    Attributes:
        is_known: whether the lists of the source tell its orphans.
        rows: by name.
        read_at: when the lists of the source were last read as a whole; None if never.
        platform: the sources of the platform that could name an orphan.
    """

    is_known: bool
    rows: Sequence[Orphan]
    read_at: datetime | None
    platform: Sequence[PlatformList]

    @property
    def with_slot(self) -> int:
        """Number of orphans that take a slot, which the rule counts."""
        return sum(bool(row.slot) for row in self.rows)

    @property
    def deletable(self) -> list[CheckedVoice]:
        """The orphans that a request can contain."""
        return [row.checked for row in self.rows if row.checked.can_be_deleted]

    @property
    def obstacles(self) -> Mapping[DeletionObstacle, int]:
        """Number of orphans by the reason why they cannot be deleted."""
        counts = Counter(row.checked.obstacle for row in self.rows if row.checked.obstacle is not None)
        return {obstacle: counts[obstacle] for obstacle in DeletionObstacle if counts[obstacle]}

    @property
    def repeatable(self) -> list[CheckedVoice]:
        """The orphans for which a second deletion can be requested."""
        return [row.checked for row in self.rows if row.checked.can_be_repeated]

    @property
    def waiting(self) -> int:
        """Number of orphans whose deletion is waiting."""
        return sum(row.checked.state is DeletionState.WAITING for row in self.rows)

    @property
    def has_certainty(self) -> bool:
        """Whether the lists of the platform are current."""
        return bool(self.platform) and not any(row.problem for row in self.platform)
