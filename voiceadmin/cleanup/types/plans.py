"""Clean-up plans and their items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from voiceadmin.cleanup.types.candidates import CleanUpFilters
from voiceadmin.enums import LabelledEnum
from voiceadmin.voices.types.rows import VoiceRow


class ItemState(LabelledEnum):
    """The state of a voice of a plan."""

    PENDING = "pending", "Pending"
    ARCHIVED = "archived", "Archived"
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Failed"
    RESTORED = "restored", "Restored"
    GONE = "gone", "Deleted"


class SkipReason(LabelledEnum):
    """Why a plan does not archive a voice. The value is stored; the label is shown."""

    GONE = "gone", "The voice no longer exists."
    ALREADY_ARCHIVED = "already-archived", "The voice is already archived."
    IN_USE = "in-use", "An assistant uses it."
    NAMED = "named", "An assistant does not use it, but names it in its settings."
    SHARED_REFERENCE = "shared-reference", "Another voice has the same provider ID."
    MISSING = "missing", "It is already gone at the provider."
    MUTED = "muted", "The finding was acknowledged or snoozed."
    NOT_READY = "not-ready", "The voice is no longer ready."
    USED_OR_RECLONED = "used-or-recloned", "The voice was used or cloned again."
    CHANGED_MEANWHILE = "changed-meanwhile", "Someone changed the voice after the plan was created."
    ARCHIVE_FAILED = "archive-failed", "The database did not accept the change."
    OTHER = "other", "See the operation."


class PlanItem(NamedTuple):
    """A voice of a plan, as it was when it was planned or archived. skip_reason: why it was skipped or failed."""

    voice: VoiceRow
    organization_id: int
    organization_name: str
    evidence: str
    state: ItemState
    skip_reason: SkipReason | None


class RecheckedItem(NamedTuple):
    """A pending item, checked again. skip_reason: why it would be skipped now; None if it would be archived."""

    position: int
    voice_id: int
    skip_reason: SkipReason | None


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A clean-up plan.

    Attributes:
        last_seen_operation_id: The newest operation when the plan was created. Voices changed by a later one are
            skipped.
        confirmed_by: Empty until an admin confirms the plan.
        states: Number of voices in each state; states without a voice are left out.
        voices: Number of voices that are pending or archived and use a slot, by provider: those with an id at the
            provider, unless a person marked them as deleted there.
        undoable: Number of voices that an undo of the plan would restore.
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
        """Return the number of voices in some states."""
        return sum(self.states.get(state, 0) for state in states)

    @property
    def pending(self) -> int:
        """Number of voices that the plan has not reached yet."""
        return self.count(ItemState.PENDING)

    @property
    def is_confirmed(self) -> bool:
        """Whether an admin confirmed the plan."""
        return self.confirmed_at is not None
