"""Organizations as their pages show them, and what a merge would do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from voiceadmin.identity import Role

UNDO_MERGE_PERIOD = timedelta(days=30)


class OrganizationSummary(NamedTuple):
    """An organization with its counts.

    Attributes:
        people_count: accounts that have a role in it; platform admins are not counted.
    """

    id: int
    name: str
    assistant_count: int
    voice_count: int
    people_count: int

    @property
    def needs_its_assistant(self) -> bool:
        """Return whether its only assistant cannot be moved or removed, because voices would belong to none."""
        return self.assistant_count == 1 and self.voice_count > 0

    @property
    def is_empty(self) -> bool:
        """Return whether it has neither assistants nor voices."""
        return not (self.assistant_count or self.voice_count)


class MergeRow(NamedTuple):
    """A merge that can be undone."""

    id: int
    source_name: str
    merged_at: datetime
    merged_by: str


class MovedRole(NamedTuple):
    """The role of a person in an organization that is merged into another one.

    Attributes:
        role: in the organization that is merged.
        target_role: in the other one; None if the person has none there, and gets `role`.
    """

    account_id: int
    email: str
    role: Role
    target_role: Role | None


class MovedKey(NamedTuple):
    """An API key that reads an organization that is merged. reads_target: whether it reads the other one already."""

    id: int
    name: str
    reads_target: bool


class MergePreview(NamedTuple):
    """What a merge would change."""

    source: OrganizationSummary
    target: OrganizationSummary
    roles: Sequence[MovedRole]
    keys: Sequence[MovedKey]

    @property
    def gaining(self) -> Sequence[MovedRole]:
        """People who get access to the target."""
        return [role for role in self.roles if role.target_role is None]

    @property
    def changing(self) -> Sequence[MovedRole]:
        """People whose role at the voices of the source becomes another one."""
        return [role for role in self.roles if role.target_role not in (None, role.role)]

    @property
    def new_keys(self) -> Sequence[MovedKey]:
        """API keys that will read the target."""
        return [key for key in self.keys if not key.reads_target]
