"""Rows of API keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from voiceadmin.enums import LabelledEnum


class CreatorIssue(LabelledEnum):
    """Why the account that created a key cannot manage it any more. The key is the organization's: it keeps working."""

    DISABLED = "disabled", "Creator disabled"
    NOT_ADMIN = "not-admin", "Creator no longer admin"


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """An API key as an admin sees it.

    Attributes:
        hint: its first characters.
        organizations: the names of the organizations that it reads, by id; None for all.
        created_by: the name of the account or of the CLI user.
        expires_at: None for never.
        creator_issue: None also for keys that the CLI created.
    """

    id: int
    name: str
    hint: str
    organizations: Mapping[int, str] | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    creator_issue: CreatorIssue | None = None

    def is_active(self, now: datetime) -> bool:
        """Return whether requests with this key are accepted: it is not revoked and not expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class AuthenticatedKey(NamedTuple):
    """The API key of a request. organizations: the ids of those that it reads; None for all."""

    id: int
    name: str
    expires_at: datetime | None
    last_used_at: datetime | None
    organizations: frozenset[int] | None
