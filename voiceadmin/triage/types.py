"""Findings, the triage queue and its filters, and the actions of triage."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Self

from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.enums import Tone, TonedEnum
from voiceadmin.sources.clients.types import SlotKind
from voiceadmin.sources.types import SourceKind
from voiceadmin.text import MAX_ID
from voiceadmin.voices.types.rows import VoiceRow


class Severity(TonedEnum):
    """How urgent a reason is."""

    CRITICAL = "critical", "Critical", Tone.BAD
    HIGH = "high", "High", Tone.BAD
    MEDIUM = "medium", "Medium", Tone.WARN
    LOW = "low", "Low", Tone.MUTED


class TriageAction(StrEnum):
    """What a person can do to voices, assistants and sources.

    Attributes:
        past_tense: begins a summary such as "Archived 3 voices."
    """

    ARCHIVE = "archive", "Archive", "Archived"
    RESTORE = "restore", "Restore", "Restored"
    ASSIGN = "assign", "Assign", "Assigned"
    ACKNOWLEDGE = "acknowledge", "Acknowledge", "Acknowledged"
    SNOOZE = "snooze", "Snooze", "Snoozed"
    NOTE = "note", "Add note", "Added a note to"
    MARK_DELETED = "mark-deleted", "Mark as deleted at provider", "Marked as deleted at the provider:"
    UNMARK_DELETED = "unmark-deleted", "Mark as not deleted at provider", "Marked as not deleted at the provider:"

    label: str
    past_tense: str

    def __new__(cls, value: str, label: str = "", past_tense: str = "") -> Self:
        """Create a member with its value, label and past tense."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.past_tense = value, label, past_tense
        return member

    @property
    def is_for_voices_only(self) -> bool:
        """Whether the action cannot be applied to assistants and sources."""
        return self not in (
            TriageAction.ASSIGN,
            TriageAction.ACKNOWLEDGE,
            TriageAction.SNOOZE,
            TriageAction.NOTE,
        )


_CURSOR = re.compile(r"([0-9]{1,6})\.(-?[0-9]{1,18}|unknown)\.([0-9]{1,19})", re.ASCII)


UNASSIGNED = "none"  # a filter value besides ids of accounts

ANY_ASSIGNEE = "any"  # of queries only


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_MICROSECOND = timedelta(microseconds=1)


class Finding(NamedTuple):
    """Something about a voice, an assistant or a source that needs attention.

    Attributes:
        reason: the slug of the rule that found it.
        organization_id: None for a source of the platform.
        provider: "" for a source that lists voices of the platform.
        since: when it began, None if that is unknown.
        fingerprint: stays the same as long as it is the same occurrence. A mute applies to one fingerprint.
    """

    reason: str
    kind: ObjectKind
    id: int
    organization_id: int | None
    provider: str
    since: datetime | None
    fingerprint: str

    @property
    def ref(self) -> ObjectRef:
        """The object that it is about."""
        return ObjectRef(self.kind, self.id)


class QueueCursor(NamedTuple):
    """The sort key of the last item of a page (keyset pagination). The next page begins after it.

    Attributes:
        since: None if the start is unknown; such items come first.
    """

    rank: int
    since: datetime | None
    id: int

    def __str__(self) -> str:
        """Return the text for URLs, such as "30.1767225600000000.456"; the time is in microseconds since 1970."""
        since = "unknown" if self.since is None else (self.since - _EPOCH) // _MICROSECOND
        return f"{self.rank}.{since}.{self.id}"

    @classmethod
    def parse(cls, text: str) -> QueueCursor | None:
        """Return the cursor of a text from a URL, None if it is malformed."""
        match = _CURSOR.fullmatch(text)
        if match is None or int(match[3]) > MAX_ID:
            return None
        try:
            since = None if match[2] == "unknown" else _EPOCH + int(match[2]) * _MICROSECOND
            return cls(int(match[1]), since, int(match[3]))
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class QueueFilters:
    """Which items of the queue to show.

    Attributes:
        reasons: slugs of rules, empty for all.
        organization: an id, None for all.
        providers: empty for all.
        assignee: the id of an account, UNASSIGNED, or "" for all.
        muted: whether to show the items with acknowledged or snoozed findings instead of the others.
        after: where the page begins.
    """

    reasons: tuple[str, ...] = ()
    organization: int | None = None
    providers: tuple[str, ...] = ()
    assignee: str = ""
    muted: bool = False
    after: QueueCursor | None = None
    size: int = 50

    def with_changes(self, **changes: Any) -> Self:
        """Return the filters with some fields changed, on the first page unless `after` is given."""
        return replace(self, **({"after": None} | changes))

    @property
    def has_filters(self) -> bool:
        """Whether any filter is active."""
        return bool(self.reasons or self.organization or self.providers or self.assignee or self.muted)


class Assignee(NamedTuple):
    """The person that an object is assigned to."""

    account_id: int
    email: str


class MuteRow(NamedTuple):
    """A mute that is in force. until: None until the finding changes."""

    action: TriageAction
    until: datetime | None
    muted_at: datetime
    muted_by: str


class ReasonDetail(NamedTuple):
    """A finding as pages show it. evidence: a sentence with the measured values. remedy: the recommended action."""

    finding: Finding
    label: str
    severity: Severity
    evidence: str
    remedy: str
    mute: MuteRow | None = None


class QueueAssistant(NamedTuple):
    """An assistant as the queue shows it. tts_provider: of the voice that it uses; None if unknown."""

    id: int
    name: str
    tts_provider: str | None


class QueueSlots(NamedTuple):
    """Slots of a source that are nearly full. is_counted: whether the voices in its lists were counted."""

    kind: SlotKind
    used: int
    limit: int
    is_counted: bool
    read_at: datetime


class QueueSource(NamedTuple):
    """A source as the queue shows it.

    Attributes:
        read_at: when its lists were last read as a whole; None if never.
        failure: why the newest sync is not complete; "" if it is.
        orphan_count: when its lists were last read as a whole; None if they do not tell.
        slots: those that are nearly full.
        unconfirmed_count: deletions that were sent to the provider and are not confirmed.
    """

    id: int
    name: str
    kind: SourceKind
    created_at: datetime
    read_at: datetime | None
    failure: str
    orphan_count: int | None
    slots: tuple[QueueSlots, ...] = ()
    unconfirmed_count: int = 0


@dataclass(frozen=True, slots=True)
class QueueItem:
    """A voice, an assistant or a source with its findings.

    Attributes:
        organization_id, organization_name: None for a source of the platform.
        reasons: worst first.
        voice: the voice, or the one that the assistant uses; None if that no longer exists, and for a source.
        assistant, source: None for other objects.
    """

    ref: ObjectRef
    organization_id: int | None
    organization_name: str | None
    reasons: tuple[ReasonDetail, ...]
    voice: VoiceRow | None
    assistant: QueueAssistant | None
    assignee: Assignee | None
    source: QueueSource | None = None

    @property
    def name(self) -> str:
        """The name of the object; "" if it no longer exists."""
        named = self.assistant or self.source or self.voice
        return "" if named is None else named.name

    @property
    def provider(self) -> str | None:
        """The provider of the object; None for a source that lists voices of the platform."""
        if self.source is not None:
            return None if self.source.kind.is_platform else self.source.kind.value
        return self.assistant.tts_provider if self.assistant else self.voice and self.voice.provider

    @property
    def worst_reason(self) -> ReasonDetail | None:
        """The worst reason that is not muted; if all are muted, the worst of them."""
        return next((reason for reason in self.reasons if reason.mute is None), next(iter(self.reasons), None))

    @property
    def has_mute(self) -> bool:
        """Whether a reason is muted."""
        return any(reason.mute is not None for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Queue:
    """A page of the queue. next: where the next page begins, None on the last page."""

    items: Sequence[QueueItem]
    next: QueueCursor | None


@dataclass(frozen=True, slots=True)
class AttentionSummary:
    """Counts of what needs attention.

    Attributes:
        counts: findings by reason, worst first; an object with two reasons counts under both.
        oldest: by reason, when the oldest finding began; None if that is unknown or there is none.
        object_count: how many voices, assistants and sources need attention; 100 means 100 or more.
    """

    counts: Mapping[str, int]
    oldest: Mapping[str, datetime | None]
    object_count: int
