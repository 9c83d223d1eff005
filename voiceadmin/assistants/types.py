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
        number = parse_integer(self.text)
        return number if number is not None and 1 <= number <= MAX_ID else None

    def with_changes(self, **changes: Any) -> Self:
        """The same filters with some fields changed, back on the first page unless a page is named."""
        return replace(self, **({"page": 1} | changes))


@dataclass(frozen=True, slots=True)
class AssistantSummary:
    """An assistant in a list. voice: the cloned voice it is set to, or None when it is set to another or to none."""

    assistant: AssistantRow
    voice: VoiceRow | None
    counts: StatusCounts
