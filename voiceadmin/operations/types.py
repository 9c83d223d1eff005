"""Operations: what was requested, what was changed, and what was skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Self

from voiceadmin.audit.types import ObjectRef
from voiceadmin.triage.types import TriageAction

UNDO_PERIOD = timedelta(days=30)  # for how long an operation can be undone


MAX_OBJECTS = 20_000  # per operation, which is one transaction and locks all its objects


MAX_NOTE_LENGTH = 1000  # characters


@dataclass(frozen=True, slots=True)
class ActionRequest:
    """An action that a requester wants applied to objects.

    Attributes:
        refs: the objects.
        key: of the form; a request with the same key and content is applied once.
        last_seen_operation_id: the newest operation when the page was made. What others changed later is skipped.
        note: the reason for archiving, or the text of a note.
        until: the end of a snooze, None until the finding changes.
        assignee_id: the account to assign to, None to unassign.
    """

    action: TriageAction
    refs: tuple[ObjectRef, ...]
    key: str
    last_seen_operation_id: int
    note: str = ""
    until: datetime | None = None
    assignee_id: int | None = None


class SkipReason(StrEnum):
    """Why an operation did not change an object. `template` is a sentence; the name of a person replaces `{}`."""

    ARCHIVED_MEANWHILE = "archived-meanwhile", "Archived by {} after you loaded the page."
    RESTORED_MEANWHILE = "restored-meanwhile", "Restored by {} after you loaded the page."
    ASSIGNEE_CHANGED_MEANWHILE = "assignee-changed-meanwhile", "Assignee changed by {} after you loaded the page."
    ACKNOWLEDGED_MEANWHILE = "acknowledged-meanwhile", "Acknowledged by {} after you loaded the page."
    SNOOZED_MEANWHILE = "snoozed-meanwhile", "Snoozed by {} after you loaded the page."
    UNMUTED_MEANWHILE = "unmuted-meanwhile", "Unmuted by {} after you loaded the page."
    CHANGED_MEANWHILE = "changed-meanwhile", "Changed by {} after you loaded the page."
    CHANGED_SINCE = "changed-since", "Changed by {} since."
    STATE_DIFFERS = "state-differs", "Removed and imported again since."
    GONE = "gone", "No longer exists."
    ASSIGNEE_LOST_ACCESS = "assignee-lost-access", "The former assignee, {}, no longer has access."
    ALREADY_ARCHIVED = "already-archived", "Already archived."
    ARCHIVED_UPSTREAM = "archived-upstream", "Archived in the platform, not in voiceadmin."
    NOT_ARCHIVED = "not-archived", "Not archived."
    ALREADY_DELETED_AT_PROVIDER = "already-deleted-at-provider", "Already marked as deleted at the provider."
    NOT_DELETED_AT_PROVIDER = "not-deleted-at-provider", "Not marked as deleted at the provider."
    ARCHIVE_FIRST = "archive-first", "Not archived. Archive the voice first."
    NO_PROVIDER_ID = "no-provider-id", "Has no ID at the provider."
    ALREADY_ASSIGNED = "already-assigned", "Already assigned to this person."
    ALREADY_UNASSIGNED = "already-unassigned", "Already unassigned."
    NOTHING_TO_MUTE = "nothing-to-mute", "No longer needs attention."
    OTHER = "other", "{}"

    template: str

    def __new__(cls, value: str, template: str = "") -> Self:
        """Create a member with its code and sentence."""
        member = str.__new__(cls, value)
        member._value_, member.template = value, template
        return member

    def describe(self, detail: str) -> str:
        """Return the sentence for pages. An empty detail means a person without a name."""
        return self.template.format(detail or "another person")


class SkippedItem(NamedTuple):
    """An object that an operation did not change.

    Attributes:
        detail: the name of the person that the reason is about, "" for none. Reason OTHER has its sentence here.
    """

    kind: str
    id: int
    name: str
    reason: SkipReason
    detail: str = ""

    @property
    def description(self) -> str:
        """The reason as a sentence."""
        return self.reason.describe(self.detail)


@dataclass(frozen=True, slots=True)
class OperationRow:
    """An operation.

    Attributes:
        object_count: how many objects it changed.
        voice_count, source_count: how many of these are voices, and sources. The others are assistants.
        organizations: ids of the organizations of all requested objects; None for sources of the platform.
        skipped: the first objects that it did not change.
        skipped_unlisted: how many more it did not change.
        undoes: the operation that it undid.
        undone_by: the operation that undid it.
        in_use_count: how many of the archived voices were used by an assistant.
    """

    id: int
    at: datetime
    actor_name: str
    action: TriageAction
    object_count: int
    voice_count: int
    organizations: frozenset[int | None]
    skipped: Sequence[SkippedItem] = ()
    skipped_unlisted: int = 0
    undoes: int | None = None
    undone_by: int | None = None
    in_use_count: int = 0
    source_count: int = 0

    @property
    def skipped_count(self) -> int:
        """How many objects it did not change."""
        return len(self.skipped) + self.skipped_unlisted
