"""The shapes of the ops desk: what needs a person and why, and what somebody does about it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

from voiceadmin.shapes import AssistantRow, VoiceRow
from voiceadmin.vocabulary import MAX_ID, Act, ObjectKind, Provider, Severity

_SUBJECT = re.compile(r"(voice|assistant)-([1-9][0-9]{0,18})", re.ASCII)
_PLACE = re.compile(r"([0-9]{1,6})\.(-?[0-9]{1,18})\.([0-9]{1,19})", re.ASCII)
NOBODY = "none"  # the word for no owner, where others are ids of accounts
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Subject(NamedTuple):
    """A voice or an assistant."""

    kind: ObjectKind
    id: int

    def __str__(self) -> str:
        """As forms have it: "voice-456"."""
        return f"{self.kind.value}-{self.id}"

    @classmethod
    def read(cls, word: str) -> Subject | None:
        """The way back; None for what is no subject."""
        found = _SUBJECT.fullmatch(word)
        if found is None or int(found[2]) > MAX_ID:
            return None
        return cls(ObjectKind(found[1]), int(found[2]))


def fingerprint(subjects: Iterable[Subject]) -> str:
    """A word that stands for exactly these, in whatever order."""
    return hashlib.blake2b(" ".join(sorted(map(str, subjects))).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Limits:
    """What the rules of attention compare with.

    budgets: how long each provider may take to clone a voice, others as long
    as `other`. unused: for how long nobody may have used a voice that is at
    least as old as `young`. All bounds are inclusive.
    """

    budgets: tuple[tuple[str, timedelta], ...] = (
        (Provider.ELEVENLABS.value, timedelta(minutes=10)),
        (Provider.RESEMBLE.value, timedelta(minutes=60)),
        (Provider.INWORLD.value, timedelta(minutes=5)),
        (Provider.CARTESIA.value, timedelta(minutes=5)),
    )
    other: timedelta = timedelta(minutes=60)
    unused: timedelta = timedelta(days=60)
    young: timedelta = timedelta(days=14)

    def budget(self, provider: str) -> timedelta:
        """How long a provider may take."""
        return dict(self.budgets).get(provider, self.other)


class Finding(NamedTuple):
    """A reason why a voice or an assistant needs a person.

    reason: the word of its rule. since: when it began, None when that is not
    known. mark: a word that stays the same as long as it is the same reason.
    """

    reason: str
    kind: ObjectKind
    id: int
    organization_id: int
    provider: str
    since: datetime | None
    mark: str

    @property
    def subject(self) -> Subject:
        """Whom it is about."""
        return Subject(self.kind, self.id)


class Place(NamedTuple):
    """Where a queue goes on: after this line of it."""

    rank: int
    since: datetime
    id: int

    def __str__(self) -> str:
        """As addresses have it: "30.1767225600000000.456", its time in microseconds since 1970."""
        return f"{self.rank}.{(self.since - _EPOCH) // _MICROSECOND}.{self.id}"

    @classmethod
    def read(cls, word: str) -> Place | None:
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

    reasons: words of rules, none for all. organization: our id. owner: "" for
    anybody's, "none" for nobody's, else the id of an account. hushed: those that were
    acknowledged or snoozed, instead of the others. after: where the page begins.
    """

    reasons: tuple[str, ...] = ()
    organization: int | None = None
    providers: tuple[str, ...] = ()
    owner: str = ""
    hushed: bool = False
    after: Place | None = None
    size: int = 50

    def but(self, **changes: Any) -> Self:
        """The same filters with some fields changed, from the beginning unless a place is named."""
        return replace(self, **({"after": None} | changes))

    @property
    def narrow(self) -> bool:
        """Whether any filter leaves lines out."""
        return bool(self.reasons or self.organization or self.providers or self.owner or self.hushed)


class Owner(NamedTuple):
    """Who looks after something."""

    account_id: int
    email: str


class Hush(NamedTuple):
    """That somebody acknowledged or snoozed a reason. until: None is until something changes."""

    act: Act
    until: datetime | None
    at: datetime
    by: str


class Why(NamedTuple):
    """A reason as a page tells it. evidence: a sentence with its figures. remedy: what mends it."""

    finding: Finding
    label: str
    severity: Severity
    evidence: str
    remedy: str
    hush: Hush | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the queue: what needs a person, and why; the worst reason first.

    voice: the one it is about, or that the assistant is set to; None when that is gone.
    assistant: None when it is about a voice.
    """

    subject: Subject
    organization_id: int
    organization_name: str
    reasons: Sequence[Why]
    voice: VoiceRow | None
    assistant: AssistantRow | None
    owner: Owner | None

    @property
    def worst(self) -> Why | None:
        """The worst reason that shows; of a line all of whose reasons were hushed, the worst of them."""
        return next((why for why in self.reasons if why.hush is None), next(iter(self.reasons), None))


@dataclass(frozen=True, slots=True)
class Queue:
    """A page of the queue. next: where the next one begins, None on the last."""

    lines: Sequence[Line]
    next: Place | None


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants done.

    key: of the form, the same when it is sent again. seen: the newest deed when
    they looked; what somebody else changed since is left alone. why: a reason,
    or the text of a note. until: the end of a snooze, None is until something
    changes. owner: the account that is assigned, None is nobody.
    """

    act: Act
    subjects: tuple[Subject, ...]
    key: str
    seen: int
    why: str = ""
    until: datetime | None = None
    owner: int | None = None


class Left(NamedTuple):
    """Something that a deed left as it was, and why."""

    kind: str
    id: int
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class DeedRow:
    """A deed: what was done, to how many, and what was left alone.

    number: of what it changed; voices: those of them that are voices. left_out: of those left alone, how many are not
    listed. organizations: of all that it was about. undoes, undone_by: another deed. set_to: of the voices that it
    archived, how many assistants were set to.
    """

    id: int
    at: datetime
    actor_name: str
    act: Act
    number: int
    voices: int
    organizations: frozenset[int]
    left: Sequence[Left] = ()
    left_out: int = 0
    undoes: int | None = None
    undone_by: int | None = None
    set_to: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """What needs a person, counted. A subject with two reasons is counted under both.

    counts: of every reason, the worst first. oldest: since when the oldest of each
    is there, None when that is not known. subjects: how many voices and assistants
    need a person, 100 for that many and more.
    """

    counts: Mapping[str, int]
    oldest: Mapping[str, datetime | None]
    subjects: int
