"""Judge a voice: what the platform, the provider and this database say together, and how sure that is.

Two answers that never become one word. The *verdict* says how platform and provider compare. The *certainty* says on
what that rests. Without a complete and current listing of the provider there is no verdict: a list that cannot be read
never means that a voice is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from voiceadmin.enums import LabelledEnum
from voiceadmin.sources.clients.types import ProviderState
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.types.verdicts import Certainty, Verdict


class Answer(LabelledEnum):
    """What a look-up of a single voice has shown."""

    NOT_ASKED = "not-asked", "Not looked up"
    FOUND = "found", "Found"
    ABSENT = "absent", "Absent"
    UNCLEAR = "unclear", "Unclear"
    ELSEWHERE = "elsewhere", "Possibly at a removed source or a former account"


@dataclass(frozen=True, slots=True)
class PlatformFacts:
    """What the platform says about a voice.

    Attributes:
        status: upstream's status, also of a voice that was archived here.
        status_changed_at: when the voice got it, at the latest.
        is_archived_here: whether a person archived it in this database.
        is_duplicate: whether another voice of the organization has the same provider voice reference.
    """

    status: VoiceStatus
    status_changed_at: datetime
    is_archived_here: bool = False
    is_duplicate: bool = False

    @property
    def is_archived(self) -> bool:
        """Whether it is archived, here or on the platform."""
        return self.is_archived_here or self.status is VoiceStatus.ARCHIVED


@dataclass(frozen=True, slots=True)
class ListedVoice:
    """A voice in the provider's list."""

    state: ProviderState
    is_ours: bool
    breaks_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """What the provider says about a voice.

    Attributes:
        unverified: why the provider's lists say nothing, as a sentence; "" if each of them is complete and belongs to
            the account that was seen before.
        is_by_choice: whether nobody wants this provider to be asked: it has no source, or a disabled one.
        is_current: whether the lists are the newest that were requested.
        listed: the voice in the list; None if the list lacks it.
        answer: of a look-up that is not older than the list.
        other_provider: the label of another provider whose complete list has a voice with this ID; "" if there is none.
    """

    unverified: str = ""
    is_by_choice: bool = False
    is_current: bool = True
    listed: ListedVoice | None = None
    answer: Answer = Answer.NOT_ASKED
    other_provider: str = ""


class Judgement(NamedTuple):
    """A verdict, its certainty, and the reason of either as a sentence.

    Attributes:
        verdict: None if nothing can be said.
        rests_on_absence: whether it follows from the lack of the voice in the lists, which only current ones prove.
    """

    verdict: Verdict | None
    certainty: Certainty
    message: str
    rests_on_absence: bool = False


def judge(
    platform: PlatformFacts | None, provider: ProviderFacts, *, now: datetime, cloning_timeout: timedelta
) -> Judgement:
    """Judge one voice.

    Args:
        platform: None for a voice that only the provider lists.
        cloning_timeout: how long the provider may take to clone a voice.
    """
    judgement = judge_by_current_lists(platform, provider, now=now, cloning_timeout=cloning_timeout)
    return judgement if provider.is_current else weaken(judgement)


def weaken(judgement: Judgement) -> Judgement:
    """Return what is left of a judgement once the lists are no longer current."""
    if judgement.rests_on_absence:
        return Judgement(None, Certainty.STALE, "An older list of the provider lacks the voice.", rests_on_absence=True)
    return judgement if judgement.verdict is None else judgement._replace(certainty=Certainty.STALE)


def judge_by_current_lists(
    platform: PlatformFacts | None, provider: ProviderFacts, *, now: datetime, cloning_timeout: timedelta
) -> Judgement:
    """Judge one voice as if the lists were the newest ones. See `judge`.

    This is what is stored of a voice: whether lists are current changes for all voices at once, and is read with them.
    """
    if provider.unverified:
        certainty = Certainty.BY_CHOICE if provider.is_by_choice else Certainty.UNVERIFIED
        return Judgement(None, certainty, provider.unverified)
    if provider.listed is None and provider.answer is not Answer.FOUND:
        return _judge_absent(platform, provider, now, cloning_timeout)
    if provider.listed is None or provider.listed.state is ProviderState.UNKNOWN:
        message = "The provider's words for its state are unknown."
        if provider.listed is None:
            message = "The provider's list lacks the voice, but a look-up finds it. The list may be filtered."
        return Judgement(None, Certainty.UNVERIFIED, message)
    verdict, message = _judge_listed(platform, provider.listed, now, cloning_timeout)
    return Judgement(verdict, _choose_certainty(provider), message)


def _choose_certainty(provider: ProviderFacts) -> Certainty:
    return Certainty.CONFIRMED if provider.answer is Answer.FOUND else Certainty.LISTED


def _judge_absent(
    platform: PlatformFacts | None, provider: ProviderFacts, now: datetime, cloning_timeout: timedelta
) -> Judgement:
    """Judge a voice that a complete list lacks. It is missing only if a look-up says so as well."""
    if platform is None:
        raise ValueError("A voice that neither the platform nor the provider lists cannot be judged.")
    if provider.other_provider:
        message = f"{provider.other_provider} lists a voice with this ID. The platform names another provider."
        return Judgement(Verdict.WRONG_PROVIDER, _choose_certainty(provider), message)
    if platform.status is VoiceStatus.PROCESSING and now - platform.status_changed_at < cloning_timeout:
        message = "The voice is still being cloned."
        return Judgement(Verdict.IN_STEP, _choose_certainty(provider), message, rests_on_absence=True)
    return _conclude_from_absence(platform, provider.answer)._replace(rests_on_absence=True)


def _conclude_from_absence(platform: PlatformFacts, answer: Answer) -> Judgement:
    certainty = Certainty.CONFIRMED if answer is Answer.ABSENT else Certainty.LISTED
    if answer is Answer.ELSEWHERE:
        return Judgement(None, Certainty.UNVERIFIED, _ABSENCE[answer])
    if platform.is_archived:
        return Judgement(Verdict.IN_STEP, certainty, "Archived, and not in the provider's list.")
    if platform.status is VoiceStatus.FAILED:
        return Judgement(Verdict.IN_STEP, certainty, "Cloning failed, and the provider's list has no such voice.")
    if answer is not Answer.ABSENT:
        return Judgement(None, Certainty.UNVERIFIED, _ABSENCE[answer])
    message = "The provider has no voice with this ID. Assistants that use it cannot speak."
    return Judgement(Verdict.MISSING, Certainty.CONFIRMED, message)


_ABSENCE = {
    Answer.NOT_ASKED: "The provider's list lacks the voice. It has not been looked up yet.",
    Answer.UNCLEAR: "The provider's list lacks the voice, but a look-up proves nothing.",
    Answer.ELSEWHERE: "A source that was removed, or a former account, may have the voice. The lists prove nothing.",
}


def _judge_listed(
    platform: PlatformFacts | None, listed: ListedVoice, now: datetime, cloning_timeout: timedelta
) -> tuple[Verdict, str]:
    """Judge a voice that the provider lists in a known state."""
    if platform is None:
        if listed.is_ours:
            return Verdict.ORPHAN, "The provider lists this voice of ours, but the platform does not."
        return Verdict.NOT_OURS, "A stock or shared voice of the provider."
    if not listed.is_ours:
        return _judge_shared(listed, now)
    if platform.is_archived:
        return _judge_archived(listed)
    if platform.is_duplicate:
        return Verdict.DUPLICATE, "Another voice of the organization has the same ID at the provider."
    if listed.breaks_at is not None and listed.breaks_at > now:
        return Verdict.WILL_BREAK, "The provider will withdraw the voice."
    return _judge_states(platform, listed.state, now, cloning_timeout)


def _judge_shared(listed: ListedVoice, now: datetime) -> tuple[Verdict, str]:
    """Judge a voice that belongs to others, and that the provider can withdraw."""
    if listed.state in (ProviderState.FAILED, ProviderState.BLOCKED):
        return Verdict.WITHDRAWN, "A stock or shared voice that cannot be used any more."
    if listed.breaks_at is not None:
        if listed.breaks_at <= now:
            return Verdict.WITHDRAWN, "Its owner has withdrawn the voice."
        return Verdict.WILL_BREAK, "Its owner will withdraw the voice."
    return Verdict.NOT_OURS, "A stock or shared voice, which takes no slot."


def _judge_archived(listed: ListedVoice) -> tuple[Verdict, str]:
    """Judge an archived voice that the provider still has."""
    if listed.state is ProviderState.ARCHIVED:
        return Verdict.IN_STEP, "Archived on both sides."
    return Verdict.ARCHIVED_BUT_PAID, "Archived, but the provider still has the voice. It may hold a slot."


def _judge_states(
    platform: PlatformFacts, state: ProviderState, now: datetime, cloning_timeout: timedelta
) -> tuple[Verdict, str]:
    """Judge a voice of ours by its status on the platform and its state at the provider."""
    is_overdue = now - platform.status_changed_at >= cloning_timeout
    match platform.status, state:
        case VoiceStatus.PROCESSING, _ if not is_overdue:
            return Verdict.IN_STEP, "The voice is still being cloned."
        case VoiceStatus.READY, ProviderState.READY:
            return Verdict.IN_STEP, "Ready on both sides."
        case VoiceStatus.READY, ProviderState.FAILED | ProviderState.BLOCKED | ProviderState.ARCHIVED:
            return Verdict.BROKEN, f"Ready on the platform, but {state.label.lower()} at the provider."
        case VoiceStatus.PROCESSING, ProviderState.PROCESSING | ProviderState.WAITING:
            return Verdict.STUCK, f"{state.label} at the provider for longer than cloning should take."
        case VoiceStatus.FAILED, ProviderState.FAILED | ProviderState.BLOCKED:
            return Verdict.IN_STEP, "Failed on both sides."
        case VoiceStatus.FAILED, _:
            return Verdict.DRIFTED, f"Failed on the platform, but {state.label.lower()} at the provider."
        case _:
            status = platform.status.label.lower()
            return Verdict.DRIFTED, f"{status.capitalize()} on the platform, but {state.label.lower()} at the provider."
