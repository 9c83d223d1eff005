"""Findings, the triage queue and its filters, and the actions of triage."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Self

from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.enums import Tone
from voiceadmin.organizations.types import AssistantRow
from voiceadmin.text import MAX_ID
from voiceadmin.voices.types.rows import VoiceRow


class Severity(StrEnum):
    """How bad a reason of attention is."""

    CRITICAL = "critical", "Critical", Tone.BAD
    HIGH = "high", "High", Tone.BAD
    MEDIUM = "medium", "Medium", Tone.WARN
    LOW = "low", "Low", Tone.MUTED

    label: str
    tone: Tone

    def __new__(cls, value: str, label: str = "", tone: Tone = Tone.MUTED) -> Self:
        """Give the member its word, its label and its tone."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.tone = value, label, tone
        return member


class TriageAction(StrEnum):
    """What somebody at the desk can do to voices and assistants. done: how a sentence about it begins."""

    ARCHIVE = "archive", "Archive", "Archived"
    RESTORE = "restore", "Restore", "Restored"
    ASSIGN = "assign", "Assign", "Assigned"
    ACKNOWLEDGE = "acknowledge", "Acknowledge", "Acknowledged"
    SNOOZE = "snooze", "Snooze", "Snoozed"
    NOTE = "note", "Add a note", "Noted on"

    label: str
    done: str

    def __new__(cls, value: str, label: str = "", done: str = "") -> Self:
        """Give the member its word, its label and its participle."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.done = value, label, done
        return member


_PLACE = re.compile(r"([0-9]{1,6})\.(-?[0-9]{1,18})\.([0-9]{1,19})", re.ASCII)


NOBODY = "none"  # the word for no assignee, where others are ids of accounts


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_MICROSECOND = timedelta(microseconds=1)


class Finding(NamedTuple):
    """A reason why a voice or an assistant needs a person.

    reason: the word of its rule. since: when it began, None when that is not
    known. fingerprint: a word that stays the same as long as it is the same reason.
    """

    reason: str
    kind: ObjectKind
    id: int
    organization_id: int
    provider: str
    since: datetime | None
    fingerprint: str

    @property
    def ref(self) -> ObjectRef:
        """Whom it is about."""
        return ObjectRef(self.kind, self.id)


class QueueCursor(NamedTuple):
    """Where a queue goes on: after this line of it."""

    rank: int
    since: datetime
    id: int

    def __str__(self) -> str:
        """As addresses have it: "30.1767225600000000.456", its time in microseconds since 1970."""
        return f"{self.rank}.{(self.since - _EPOCH) // _MICROSECOND}.{self.id}"

    @classmethod
    def read(cls, word: str) -> QueueCursor | None:
        """The way back; None for what is no place."""
        found = _PLACE.fullmatch(word)
        if found is None or int(found[3]) > MAX_ID:
            return None
        try:
            return cls(int(found[1]), _EPOCH + int(found[2]) * _MICROSECOND, int(found[3]))
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class QueueFilters:
    """Which lines of the queue to show.

    reasons: words of rules, none for all. organization: our id. assignee: "" for
    anybody's, "none" for nobody's, else the id of an account. muted: those that were
    acknowledged or snoozed, instead of the others. after: where the page begins.
    """

    reasons: tuple[str, ...] = ()
    organization: int | None = None
    providers: tuple[str, ...] = ()
    assignee: str = ""
    muted: bool = False
    after: QueueCursor | None = None
    size: int = 50

    def with_changes(self, **changes: Any) -> Self:
        """The same filters with some fields changed, from the beginning unless a place is named."""
        return replace(self, **({"after": None} | changes))

    @property
    def has_filters(self) -> bool:
        """Whether any filter leaves lines out."""
        return bool(self.reasons or self.organization or self.providers or self.assignee or self.muted)


class Assignee(NamedTuple):
    """Who looks after something."""

    account_id: int
    email: str


class MuteRow(NamedTuple):
    """That somebody acknowledged or snoozed a reason. until: None is until something changes."""

    action: TriageAction
    until: datetime | None
    at: datetime
    by: str


class ReasonDetail(NamedTuple):
    """A reason as a page tells it. evidence: a sentence with its figures. remedy: what mends it."""

    finding: Finding
    label: str
    severity: Severity
    evidence: str
    remedy: str
    mute: MuteRow | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the queue: what needs a person, and why; the worst reason first.

    voice: the one it is about, or that the assistant is set to; None when that is gone.
    assistant: None when it is about a voice.
    """

    ref: ObjectRef
    organization_id: int
    organization_name: str
    reasons: Sequence[ReasonDetail]
    voice: VoiceRow | None
    assistant: AssistantRow | None
    assignee: Assignee | None

    @property
    def worst(self) -> ReasonDetail | None:
        """The worst reason that shows; of a line all of whose reasons were muted, the worst of them."""
        return next((why for why in self.reasons if why.mute is None), next(iter(self.reasons), None))


@dataclass(frozen=True, slots=True)
class Queue:
    """A page of the queue. next: where the next one begins, None on the last."""

    lines: Sequence[Line]
    next: QueueCursor | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What needs a person, counted. A ref with two reasons is counted under both.

    counts: of every reason, the worst first. oldest: since when the oldest of each
    is there, None when that is not known. refs: how many voices and assistants
    need a person, 100 for that many and more.
    """

    counts: Mapping[str, int]
    oldest: Mapping[str, datetime | None]
    refs: int
