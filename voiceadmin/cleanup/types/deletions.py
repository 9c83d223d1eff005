"""Deletions of voices of a plan and of orphans at their providers: requests, states, obstacles and results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from voiceadmin.enums import LabelledEnum, Tone, TonedEnum


class DeletionAction(LabelledEnum):
    """What a request asks for. AGAIN sends a second deletion for voices whose first one is not confirmed."""

    DELETE = "delete", "Delete"
    AGAIN = "again", "Delete again"
    CHECK = "check", "Check again"


class DeletionState(TonedEnum):
    """What is known about the deletion of one voice."""

    WAITING = "waiting", "Waiting", Tone.BUSY
    UNCONFIRMED = "unconfirmed", "Deletion not confirmed", Tone.WARN
    DELETED = "deleted", "Deleted", Tone.GOOD
    REFUSED = "refused", "Not deleted", Tone.BAD
    CANCELLED = "cancelled", "Cancelled", Tone.MUTED


class DeletionObstacle(LabelledEnum):
    """Why a voice of a plan, or an orphan, is not deleted at its provider, as far as this database tells."""

    NOT_ARCHIVED = "not-archived", "No longer archived by this plan: restored, archived again, moved or removed."
    NO_ID = "no-id", "The voice has no ID at its provider."
    MARKED = "marked", "Deleted at its provider already, or marked as deleted."
    CHANGED = "changed", "Its provider ID is another one than when it was archived."
    RECLONED = "recloned", "The platform says that it was cloned again."
    USED = "used", "It was used after it was archived."
    IN_USE = "in-use", "An assistant uses it, or names it in its settings."
    UNKNOWN_USE = (
        "unknown-use",
        "Not known whether an assistant uses it: the platform was not read completely in the last two days.",
    )
    SHARED = "shared", "Another voice has the same provider ID."
    GONE = "gone", "The newest list of its source does not have it as yours."
    NAMED = "named", "A voice of the platform has its ID: it is no orphan any more."
    OTHER = "other", "Another deletion of it is waiting, or not confirmed."
    NOT_LISTED = "not-listed", "No source listed it as yours when the plan was created."
    DISABLED = "disabled", "Its source is disabled."
    ACCOUNT = "account", "The key of its source belongs to another account than before."
    NOT_ALLOWED = "not-allowed", "Deletion is not allowed for its source."
    LISTS = (
        "lists",
        "The lists of its source are older than two days, or the newest are not complete. Sync the source.",
    )
    PLATFORM = (
        "platform",
        "The platform's lists are older than an hour, not complete or missing: it may be in use. Sync the platform.",
    )
    TOO_NEW = (
        "too-new",
        "It appeared less than an hour before the platform's lists were read, so that they may not name it yet.",
    )
    NO_DATE = (
        "no-date",
        "The provider did not say when it created the voice, so that a new one could not be told apart.",
    )


class CheckedVoice(NamedTuple):
    """An archived voice of a plan, or an orphan of a source, checked for deletion.

    Attributes:
        position: in the plan; 0 for an orphan.
        voice_id: None for an orphan.
        organization_id: of the voice, or of the source of an orphan; None for a source of the platform.
        provider, provider_voice_id: the reference with which it was archived.
        source_id: through which it can be deleted; None if there is no such source.
        created_at: when the provider created it, as listed when the plan was created, or
            as listed now for an orphan; None if it did not tell.
        obstacle: why it must not be deleted; None if nothing prevents it.
        state: of its deletion; None if that was never requested.
    """

    position: int
    voice_id: int | None
    organization_id: int | None
    name: str
    provider: str
    provider_voice_id: str
    source_id: int | None
    created_at: datetime | None
    obstacle: DeletionObstacle | None
    state: DeletionState | None

    @property
    def can_be_repeated(self) -> bool:
        """Whether a second deletion can be requested."""
        return self.obstacle is None and self.state is DeletionState.UNCONFIRMED

    @property
    def can_be_deleted(self) -> bool:
        """Whether a request can contain it."""
        return self.obstacle is None and self.state in (None, DeletionState.REFUSED, DeletionState.CANCELLED)


class OpenRequest(NamedTuple):
    """A request that is not carried out yet.

    Attributes:
        plan_id: None if it is about orphans.
        source_id: of the orphans; None if it is about a plan.
        is_running: whether a process carries it out now.
    """

    id: int
    plan_id: int | None
    source_id: int | None
    action: DeletionAction
    provider: str
    voice_count: int
    due: int
    requested_at: datetime
    requested_by: str
    is_running: bool


class EndedRequest(NamedTuple):
    """The newest request that ended early, with the reason."""

    ended_at: datetime
    message: str


class UnconfirmedDeletions(NamedTuple):
    """Deletions that were sent and are not confirmed, of a plan or of the orphans of a source.

    Attributes:
        plan_id, source_id: one of them is None.
        since: when the first of them was sent.
    """

    plan_id: int | None
    source_id: int | None
    provider: str
    voice_count: int
    since: datetime


@dataclass(frozen=True, slots=True)
class ProviderDeletions:
    """What can be deleted at one provider, and what was.

    Attributes:
        deletable: number of voices that a request would contain.
        refused_before: how many of them an earlier request did not delete.
        repeatable: number of unconfirmed voices for which a second deletion could be sent.
        obstacles: number of voices by the reason why they are not deleted, without those that have a state below.
        states: number of voices by the state of their deletion.
    """

    provider: str
    deletable: int
    refused_before: int
    repeatable: int
    obstacles: Mapping[DeletionObstacle, int]
    states: Mapping[DeletionState, int]

    @property
    def unconfirmed(self) -> int:
        """Number of voices whose deletion is not confirmed."""
        return self.states.get(DeletionState.UNCONFIRMED, 0)


def summarize(voices: Sequence[CheckedVoice]) -> list[ProviderDeletions]:
    """Return the numbers of each provider, most voices first."""
    counts = Counter(voice.provider for voice in voices)
    return [
        _summarize_one(name, [voice for voice in voices if voice.provider == name])
        for name in dict(counts.most_common())
    ]


def _summarize_one(provider: str, voices: Sequence[CheckedVoice]) -> ProviderDeletions:
    obstacles = Counter(voice.obstacle for voice in voices if voice.obstacle is not None and not _has_result(voice))
    states = Counter(voice.state for voice in voices if voice.state is not None)
    return ProviderDeletions(
        provider,
        sum(voice.can_be_deleted for voice in voices),
        sum(voice.can_be_deleted and voice.state is DeletionState.REFUSED for voice in voices),
        sum(voice.can_be_repeated for voice in voices),
        {obstacle: obstacles[obstacle] for obstacle in DeletionObstacle if obstacles[obstacle]},
        {state: states[state] for state in DeletionState if states[state]},
    )


def _has_result(voice: CheckedVoice) -> bool:
    return voice.state in (DeletionState.DELETED, DeletionState.UNCONFIRMED, DeletionState.WAITING)


class DeletionItemRow(NamedTuple):
    """A voice whose deletion was requested.

    Attributes:
        voice_id: None for an orphan.
        created_at: when the provider created it; None if it did not tell.
    """

    voice_id: int | None
    name: str
    organization_name: str
    provider: str
    provider_voice_id: str
    created_at: datetime | None
    state: DeletionState
    message: str
    sent_at: datetime | None
    decided_at: datetime
    requested_by: str
