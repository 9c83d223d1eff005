"""Kinds of sources, and the rows that pages show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from voiceadmin.enums import LabelledEnum, Tone, TonedEnum
from voiceadmin.sources.clients.types import RightCheck
from voiceadmin.text import pluralize

INTERRUPTED_AFTER = timedelta(minutes=5)  # without progress; longer than the retries of a request can take


class SourceKind(LabelledEnum):
    """The program behind a source."""

    BURKI = "burki", "Burki"
    VOICEADMIN = "voiceadmin", "voiceadmin"
    ELEVENLABS = "elevenlabs", "ElevenLabs"
    RESEMBLE = "resemble", "Resemble"
    INWORLD = "inworld", "Inworld"
    CARTESIA = "cartesia", "Cartesia"

    @property
    def is_platform(self) -> bool:
        """Whether it lists voices of the platform; otherwise it is a provider."""
        return self in (SourceKind.BURKI, SourceKind.VOICEADMIN)


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source to create.

    Attributes:
        organization_id: the owner; None for the platform.
        address: the base address.
        key_variable: the variable of the environment that contains the key; "" if the key is given.
        key: as text, to be encrypted; "" if a variable is named.
        assistant_ids: of a platform source: the assistants whose voices to read; empty for all of the key.
    """

    organization_id: int | None
    kind: SourceKind
    name: str
    address: str
    key_variable: str = ""
    key: str = ""
    assistant_ids: tuple[int, ...] = ()


class SourceState(TonedEnum):
    """What is known about a source."""

    NOT_TESTED = "not-tested", "Not tested", Tone.WARN
    WORKING = "working", "Key works", Tone.GOOD
    NO_ANSWER = "no-answer", "Test without result", Tone.WARN
    FAILING = "failing", "Key does not work", Tone.BAD
    DISABLED = "disabled", "Disabled", Tone.MUTED


class KeyTest(NamedTuple):
    """The result of a test of a key.

    Attributes:
        account_hash: identifies the account behind the key; "" if the upstream does not tell it.
    """

    at: datetime
    rights: tuple[RightCheck, ...]
    account_hash: str

    @property
    def works(self) -> bool | None:
        """Whether the key may list voices, the only right that it needs; None if that could not be found out."""
        return self.rights[0].is_granted if self.rights else None


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as pages show it. It contains no key.

    Attributes:
        organization_name: None for a source of the platform.
        key_variable: "" if the key is stored.
        test: the newest test of the key; None before the first.
        account_changed_at: when the key was last seen to belong to another account than before; None if never.
        deletion_allowed_at: since when voices may be deleted at the provider; None if they may not.
        deletion_allowed_by: who allowed it; "" if it is not allowed.
    """

    id: int
    organization_id: int | None
    organization_name: str | None
    kind: SourceKind
    name: str
    address: str
    key_variable: str
    assistant_ids: tuple[int, ...]
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    test: KeyTest | None
    account_changed_at: datetime | None
    deletion_allowed_at: datetime | None
    deletion_allowed_by: str

    @property
    def can_sync(self) -> bool:
        """Whether it is not disabled."""
        return self.disabled_at is None

    @property
    def state(self) -> SourceState:
        """The state of the source."""
        return self.key_state if self.disabled_at is None else SourceState.DISABLED

    @property
    def key_state(self) -> SourceState:
        """What the newest test found out about the key."""
        if self.test is None:
            return SourceState.NOT_TESTED
        states = {True: SourceState.WORKING, False: SourceState.FAILING, None: SourceState.NO_ANSWER}
        return states[self.test.works]


class ListingResult(TonedEnum):
    """How far a listing of a provider was read. WITHHELD: it is complete, but lacks too many voices to be believed."""

    COMPLETE = "complete", "Complete", Tone.GOOD
    WITHHELD = "withheld", "Not believed", Tone.WARN
    INCOMPLETE = "incomplete", "Incomplete", Tone.WARN
    BROKEN = "broken", "Not read", Tone.WARN


class SyncResult(TonedEnum):
    """How far a sync came."""

    RUNNING = "", "Running", Tone.MUTED
    INTERRUPTED = "interrupted", "Interrupted", Tone.WARN  # never stored: the process has died
    COMPLETE = "complete", "Complete", Tone.GOOD
    INCOMPLETE = "incomplete", "Incomplete", Tone.WARN
    FAILED = "failed", "Failed", Tone.BAD


class SyncPhase(LabelledEnum):
    """What a sync does."""

    READING = "reading", "Reading"
    WRITING = "writing", "Writing"
    LOOKING_UP = "looking-up", "Looking up"


class Progress(NamedTuple):
    """How far a sync is.

    Attributes:
        listing: what is read or written, such as "voices".
        page: from 1; 0 if it has no pages.
        done: entries so far.
        total: all entries; None while reading, when it is not known.
    """

    phase: SyncPhase
    listing: str
    page: int
    done: int
    total: int | None = None

    def describe(self) -> str:
        """Return a phrase such as "Reading voices, page 12, 1,204 so far"."""
        if self.total is not None:
            return f"{self.phase.label} {self.done:,} of {self.total:,} {self.listing}"
        page = f", page {self.page:,}, {self.done:,} so far" if self.page else ""
        return f"{self.phase.label} {self.listing}{page}"


@dataclass(slots=True)
class SyncCounts:
    """What a sync has changed.

    Attributes:
        refused: records that could not be used.
        missing: voices that the list lacks now.
        reset: changed voices whose number of uses is lower than before, so that it was counted anew.
    """

    assistants: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    missing: int = 0
    returned: int = 0
    reset: int = 0

    def describe_changes(self) -> tuple[str, ...]:
        """Return what has changed, as phrases; an empty tuple if nothing has."""
        phrases = (
            (self.added, "added"),
            (self.changed, "changed"),
            (self.missing, "missing now"),
            (self.returned, "listed again"),
        )
        voices = [f"{pluralize(count, 'voice')} {what}" for count, what in phrases if count]
        assistants = [f"{pluralize(self.assistants, 'assistant')} added or changed"] if self.assistants else []
        refused = [f"{pluralize(self.refused, 'record')} refused"] if self.refused else []
        return (*voices, *self.describe_reset(), *assistants, *refused)

    def describe_reset(self) -> tuple[str, ...]:
        """Return how many voices are counted anew, as one phrase; an empty tuple if there are none."""
        return (f"{pluralize(self.reset, 'voice counts', 'voices count')} from zero again",) if self.reset else ()


@dataclass(frozen=True, slots=True)
class SyncReport:
    """The end of a sync.

    Attributes:
        messages: why the result is not complete, and what else a person should know.
        faults: records that could not be used, as sentences.
        owned_elsewhere: assistants that the platform lists in the organization of the source, and that were skipped
            because they belong to another organization here.
    """

    run_id: int
    result: SyncResult
    messages: tuple[str, ...]
    counts: SyncCounts
    faults: tuple[str, ...]
    owned_elsewhere: tuple[int, ...] = ()


class RequestRow(NamedTuple):
    """One attempt of a request of a sync; the fields of `RequestRecord`, with the message of its fault or None."""

    method: str
    target: str
    attempt: int
    status: int | None
    milliseconds: int
    size: int
    request_id: str
    fault: str | None


@dataclass(frozen=True, slots=True)
class RunRow:
    """One sync of a source.

    Attributes:
        ended_at: None while it runs, and for a run whose process was killed.
        messages: why the result is not complete.
        requests: the first of its requests.
        faults: the first records that could not be used, as sentences.
        progress: None before the first one, and after the end.
        progress_at: when it was written; None if it never was.
    """

    id: int
    started_at: datetime
    started_by: str
    ended_at: datetime | None
    result: SyncResult
    messages: tuple[str, ...]
    counts: SyncCounts
    requests: tuple[RequestRow, ...]
    faults: tuple[str, ...]
    progress: Progress | None = None
    progress_at: datetime | None = None

    def find_state(self, now: datetime) -> SyncResult:
        """Return the result; for a run that has not ended, whether its process seems to have died."""
        is_silent = now - (self.progress_at or self.started_at) > INTERRUPTED_AFTER
        return SyncResult.INTERRUPTED if self.ended_at is None and is_silent else self.result

    @property
    def duration(self) -> str:
        """How long it took: "0.4 s", "2 min 5 s"; "" if it has not ended."""
        if self.ended_at is None:
            return ""
        seconds = max(0.0, (self.ended_at - self.started_at).total_seconds())
        return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


class MissingVoice(NamedTuple):
    """A voice that the source does not list any more. since: the first complete list that lacked it."""

    id: int
    name: str
    since: datetime


class MissingVoices(NamedTuple):
    """The voices of a source that are missing. voices: the newest of them. total: the number of all."""

    voices: tuple[MissingVoice, ...]
    total: int


class DueSource(NamedTuple):
    """A source that a process syncs now."""

    id: int
    name: str


class SyncProcess(NamedTuple):
    """The process that syncs all sources regularly. every: the time between two syncs of a source."""

    every: timedelta


def parse_ids(text: str) -> tuple[int, ...]:
    """Return the ids of a column that contains them separated by commas."""
    return tuple(map(int, text.split(","))) if text else ()


NEARLY_FULL_PERCENT = 90  # of the slots of a kind


def is_nearly_full(used: int, limit: int | None) -> bool:
    """Return whether nearly all slots, or more than there are, are used. limit: None if it is not known."""
    return limit is not None and used > 0 and used * 100 >= limit * NEARLY_FULL_PERCENT
