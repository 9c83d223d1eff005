"""Filters and rows of the assistant list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

from voiceadmin.organizations.types import AssistantRow
from voiceadmin.pagination import DEFAULT_PAGE_SIZE
from voiceadmin.text import MAX_ID, parse_integer
from voiceadmin.voices.types.rows import StatusCounts, VoiceRow


@dataclass(frozen=True, slots=True)
class AssistantFilters:
    """Filters of the assistant list.

    Attributes:
        text: part of a name, or an id.
        organization: id of an organization, None for all.
    """

    text: str = ""
    organization: int | None = None
    size: int = DEFAULT_PAGE_SIZE
    page: int = 1

    @property
    def id(self) -> int | None:
        """The text as an id, or None."""
        number = parse_integer(self.text)
        return number if number is not None and 1 <= number <= MAX_ID else None

    def with_changes(self, **changes: Any) -> Self:
        """Return a copy with other values, on the first page unless a page is given."""
        return replace(self, **({"page": 1} | changes))


@dataclass(frozen=True, slots=True)
class AssistantSummary:
    """An assistant in a list. voice: the cloned voice that it uses; None if it uses another voice or none."""

    assistant: AssistantRow
    voice: VoiceRow | None
    counts: StatusCounts
