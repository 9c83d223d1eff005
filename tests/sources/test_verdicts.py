"""A voice is judged by what platform and provider say together, and never by what could not be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceadmin.sources.clients.types import ProviderState
from voiceadmin.sources.verdicts import Answer, Judgement, ListedVoice, PlatformFacts, ProviderFacts, judge
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.types.verdicts import Certainty, Verdict

NOW = datetime(2026, 12, 1, tzinfo=UTC)
TIMEOUT = timedelta(minutes=10)
LONG_AGO = NOW - timedelta(days=1)
READY, PROCESSING, FAILED, ARCHIVED = (
    VoiceStatus.READY,
    VoiceStatus.PROCESSING,
    VoiceStatus.FAILED,
    VoiceStatus.ARCHIVED,
)


def judge_voice(platform: PlatformFacts | None, provider: ProviderFacts) -> Judgement:
    return judge(platform, provider, now=NOW, cloning_timeout=TIMEOUT)


def listed(state: ProviderState, **more: object) -> ProviderFacts:
    return ProviderFacts(listed=ListedVoice(state, is_ours=True), **more)  # type: ignore[arg-type]


# Status on the platform, state at the provider (None: absent, as a look-up confirms), and the verdict.
PAIRS: dict[tuple[VoiceStatus, ProviderState | None], Verdict | None] = {
    (READY, ProviderState.READY): Verdict.IN_STEP,
    (READY, ProviderState.PROCESSING): Verdict.DRIFTED,
    (READY, ProviderState.WAITING): Verdict.DRIFTED,
    (READY, ProviderState.FAILED): Verdict.BROKEN,
    (READY, ProviderState.BLOCKED): Verdict.BROKEN,
    (READY, ProviderState.ARCHIVED): Verdict.BROKEN,
    (READY, ProviderState.UNKNOWN): None,
    (READY, None): Verdict.MISSING,
    (PROCESSING, ProviderState.READY): Verdict.DRIFTED,
    (PROCESSING, ProviderState.PROCESSING): Verdict.STUCK,
    (PROCESSING, ProviderState.WAITING): Verdict.STUCK,
    (PROCESSING, ProviderState.FAILED): Verdict.DRIFTED,
    (PROCESSING, ProviderState.BLOCKED): Verdict.DRIFTED,
    (PROCESSING, ProviderState.ARCHIVED): Verdict.DRIFTED,
    (PROCESSING, ProviderState.UNKNOWN): None,
    (PROCESSING, None): Verdict.MISSING,
    (FAILED, ProviderState.READY): Verdict.DRIFTED,
    (FAILED, ProviderState.PROCESSING): Verdict.DRIFTED,
    (FAILED, ProviderState.WAITING): Verdict.DRIFTED,
    (FAILED, ProviderState.FAILED): Verdict.IN_STEP,
    (FAILED, ProviderState.BLOCKED): Verdict.IN_STEP,
    (FAILED, ProviderState.ARCHIVED): Verdict.DRIFTED,
    (FAILED, ProviderState.UNKNOWN): None,
    (FAILED, None): Verdict.IN_STEP,
    (ARCHIVED, ProviderState.READY): Verdict.ARCHIVED_BUT_PAID,
    (ARCHIVED, ProviderState.PROCESSING): Verdict.ARCHIVED_BUT_PAID,
    (ARCHIVED, ProviderState.WAITING): Verdict.ARCHIVED_BUT_PAID,
    (ARCHIVED, ProviderState.FAILED): Verdict.ARCHIVED_BUT_PAID,
    (ARCHIVED, ProviderState.BLOCKED): Verdict.ARCHIVED_BUT_PAID,
    (ARCHIVED, ProviderState.ARCHIVED): Verdict.IN_STEP,
    (ARCHIVED, ProviderState.UNKNOWN): None,
    (ARCHIVED, None): Verdict.IN_STEP,
}


@pytest.mark.parametrize(
    ("pair", "verdict"), PAIRS.items(), ids=[f"{status} and {state or 'absent'}" for status, state in PAIRS]
)
def test_the_verdict_follows_from_status_and_state(
    pair: tuple[VoiceStatus, ProviderState | None], verdict: Verdict | None
) -> None:
    status, state = pair
    provider = ProviderFacts(answer=Answer.ABSENT) if state is None else listed(state)

    judgement = judge_voice(PlatformFacts(status, LONG_AGO), provider)

    assert judgement.verdict is verdict
    assert judgement.message


def test_all_pairs_of_status_and_state_are_tested() -> None:
    assert set(PAIRS) == {(status, state) for status in VoiceStatus for state in (*ProviderState, None)}


@pytest.mark.parametrize("provider", [listed(state) for state in ProviderState], ids=str)
def test_a_voice_that_is_being_cloned_is_in_step_until_the_time_is_over(provider: ProviderFacts) -> None:
    begun = PlatformFacts(PROCESSING, NOW - TIMEOUT + timedelta(microseconds=1))
    overdue = PlatformFacts(PROCESSING, NOW - TIMEOUT)

    judgement, later = judge_voice(begun, provider), judge_voice(overdue, provider)

    if provider.listed is not None and provider.listed.state is not ProviderState.UNKNOWN:
        assert judgement.verdict is Verdict.IN_STEP
        assert later.verdict is not Verdict.IN_STEP
    absent = judge_voice(begun, ProviderFacts(answer=Answer.ABSENT))
    assert absent.verdict is Verdict.IN_STEP
    assert absent.rests_on_absence  # so that it is not called safe to delete


@pytest.mark.parametrize("status", list(VoiceStatus))
@pytest.mark.parametrize("is_by_choice", [False, True])
def test_without_a_complete_list_there_is_no_verdict(status: VoiceStatus, is_by_choice: bool) -> None:
    provider = listed(ProviderState.FAILED, unverified="The list ended early.", is_by_choice=is_by_choice)

    for facts in (provider, replace(provider, listed=None, answer=Answer.ABSENT)):
        judgement = judge_voice(PlatformFacts(status, LONG_AGO), facts)

        certainty = Certainty.BY_CHOICE if is_by_choice else Certainty.UNVERIFIED
        assert judgement == Judgement(None, certainty, "The list ended early.")


@pytest.mark.parametrize("answer", [Answer.NOT_ASKED, Answer.UNCLEAR, Answer.FOUND])
def test_a_voice_that_only_the_list_lacks_is_not_missing(answer: Answer) -> None:
    judgement = judge_voice(PlatformFacts(READY, LONG_AGO), ProviderFacts(answer=answer))

    assert (judgement.verdict, judgement.certainty) == (None, Certainty.UNVERIFIED)


@pytest.mark.parametrize("status", [READY, FAILED, ARCHIVED])
def test_nothing_is_known_of_a_voice_that_a_removed_source_may_have(status: VoiceStatus) -> None:
    judgement = judge_voice(PlatformFacts(status, LONG_AGO), ProviderFacts(answer=Answer.ELSEWHERE))

    assert judgement[:2] == (None, Certainty.UNVERIFIED)


def test_an_older_list_makes_a_verdict_stale_and_an_absence_no_verdict() -> None:
    platform = PlatformFacts(READY, LONG_AGO)

    present = judge_voice(platform, listed(ProviderState.READY, is_current=False, answer=Answer.FOUND))
    absent = judge_voice(platform, ProviderFacts(is_current=False, answer=Answer.ABSENT))

    assert (present.verdict, present.certainty) == (Verdict.IN_STEP, Certainty.STALE)
    assert (absent.verdict, absent.certainty) == (None, Certainty.STALE)


def test_a_look_up_confirms_what_the_list_says() -> None:
    platform = PlatformFacts(READY, LONG_AGO)

    assert judge_voice(platform, listed(ProviderState.READY)).certainty is Certainty.LISTED
    assert judge_voice(platform, listed(ProviderState.READY, answer=Answer.FOUND)).certainty is Certainty.CONFIRMED


def test_a_voice_at_another_provider_is_not_missing() -> None:
    provider = ProviderFacts(answer=Answer.ABSENT, other_provider="Resemble")

    judgement = judge_voice(PlatformFacts(READY, LONG_AGO), provider)

    assert judgement.verdict is Verdict.WRONG_PROVIDER
    assert "Resemble" in judgement.message


def test_an_archive_here_counts_as_archived() -> None:
    platform = PlatformFacts(READY, LONG_AGO, is_archived_here=True)

    assert judge_voice(platform, listed(ProviderState.READY)).verdict is Verdict.ARCHIVED_BUT_PAID
    assert judge_voice(platform, ProviderFacts(answer=Answer.ABSENT)).verdict is Verdict.IN_STEP


def test_two_voices_with_one_id_are_duplicates_unless_one_is_archived() -> None:
    platform = PlatformFacts(READY, LONG_AGO, is_duplicate=True)

    assert judge_voice(platform, listed(ProviderState.READY)).verdict is Verdict.DUPLICATE
    archived = replace(platform, is_archived_here=True)
    assert judge_voice(archived, listed(ProviderState.READY)).verdict is Verdict.ARCHIVED_BUT_PAID


SHARED = {
    "usable": (ListedVoice(ProviderState.READY, is_ours=False), Verdict.NOT_OURS),
    "to be withdrawn": (ListedVoice(ProviderState.READY, False, NOW + timedelta(days=3)), Verdict.WILL_BREAK),
    "withdrawn": (ListedVoice(ProviderState.READY, False, NOW), Verdict.WITHDRAWN),
    "blocked": (ListedVoice(ProviderState.BLOCKED, is_ours=False), Verdict.WITHDRAWN),
}


@pytest.mark.parametrize(("voice", "verdict"), SHARED.values(), ids=SHARED)
def test_a_voice_of_others_is_judged_by_whether_it_will_stay(voice: ListedVoice, verdict: Verdict) -> None:
    judgement = judge_voice(PlatformFacts(READY, LONG_AGO), ProviderFacts(listed=voice))

    assert judgement.verdict is verdict


def test_what_only_the_provider_lists_is_an_orphan_if_it_is_ours() -> None:
    stock = ProviderFacts(listed=ListedVoice(ProviderState.READY, is_ours=False))

    assert judge_voice(None, listed(ProviderState.READY)).verdict is Verdict.ORPHAN
    assert judge_voice(None, stock).verdict is Verdict.NOT_OURS


PLATFORM = st.builds(
    PlatformFacts,
    st.sampled_from(VoiceStatus),
    st.integers(0, 60).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    st.booleans(),
    st.booleans(),
)
LISTED = st.builds(
    ListedVoice,
    st.sampled_from(ProviderState),
    st.booleans(),
    st.none() | st.integers(-3, 3).map(lambda days: NOW + timedelta(days=days)),
)
PROVIDER = st.builds(
    ProviderFacts,
    st.sampled_from(["", "The list ended early."]),
    st.booleans(),
    st.booleans(),
    st.none() | LISTED,
    st.sampled_from(Answer),
    st.sampled_from(["", "Resemble"]),
)


@given(PLATFORM, PROVIDER)
def test_missing_needs_a_complete_current_list_and_a_look_up(platform: PlatformFacts, provider: ProviderFacts) -> None:
    judgement = judge_voice(platform, provider)

    if judgement.verdict is Verdict.MISSING:
        assert not provider.unverified
        assert provider.is_current
        assert provider.listed is None
        assert provider.answer is Answer.ABSENT
        assert not platform.is_archived
        assert judgement.certainty is Certainty.CONFIRMED


@given(PLATFORM, PROVIDER)
def test_there_is_a_verdict_exactly_if_the_certainty_allows_one(
    platform: PlatformFacts, provider: ProviderFacts
) -> None:
    judgement = judge_voice(platform, provider)

    if judgement.certainty in (Certainty.UNVERIFIED, Certainty.BY_CHOICE):
        assert judgement.verdict is None
    if judgement.verdict is None:
        assert judgement.certainty not in (Certainty.CONFIRMED, Certainty.LISTED)
    assert judgement.message.endswith(".")
