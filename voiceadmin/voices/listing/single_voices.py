"""Filters that concern single voices and not groups, and are tested on rows of another table."""

from __future__ import annotations

from typing import Any, NamedTuple


class SingleVoiceFilter(NamedTuple):
    """A filter as SQL.

    Attributes:
        candidates: Selects the ids of all voices that can match; test them with `condition`.
        condition: Whether the voice with the id {0} matches.
        reads_all: Whether the candidates are found by reading all voices of the organization.
        parameters: By name.
    """

    candidates: str
    condition: str
    reads_all: bool
    parameters: dict[str, Any]
