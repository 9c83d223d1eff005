"""Rows of API keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """An API key. hint: how it begins. organizations: names of those it reads, by id; None means all of them."""

    id: int
    name: str
    hint: str
    organizations: Mapping[int, str] | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def works(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class AuthenticatedKey(NamedTuple):
    """What a request needs to know of the key that it came with. organizations: None means all of them."""

    id: int
    name: str
    expires_at: datetime | None
    last_used_at: datetime | None
    organizations: frozenset[int] | None
