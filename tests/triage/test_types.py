"""The shapes of the desk: words that come back as what they were made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceadmin.audit.types import ObjectKind, ObjectRef, hash_selection
from voiceadmin.config import AttentionThresholds, Settings
from voiceadmin.text import MAX_ID
from voiceadmin.triage.types import QueueCursor, QueueFilters

KINDS = st.sampled_from([ObjectKind.VOICE, ObjectKind.ASSISTANT])
SUBJECTS = st.builds(ObjectRef, KINDS, st.integers(1, MAX_ID) | st.sampled_from([1, MAX_ID]))
TIMES = st.datetimes(timezones=st.just(UTC)) | st.sampled_from(
    [datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)]
)
PLACES = st.builds(QueueCursor, st.integers(0, 999_999), TIMES, st.integers(0, MAX_ID))


@given(SUBJECTS)
def test_a_subject_comes_back_from_its_word(ref: ObjectRef) -> None:
    assert ObjectRef.parse(str(ref)) == ref


def test_a_subject_is_written_as_forms_have_it() -> None:
    assert str(ObjectRef(ObjectKind.VOICE, 456)) == "voice-456"
    assert str(ObjectRef(ObjectKind.ASSISTANT, MAX_ID)) == f"assistant-{MAX_ID}"


@pytest.mark.parametrize(
    "word",
    [
        *("", "voice", "voice-", "voice-0", "voice-01", "voice--1", "voice-+1", "voice-1.0", "456", "key-1", "store-1"),
        *("Voice-1", " voice-1", "voice-1 ", "voice-1\n", "voice-١", "voice-１", "voice-1_0", f"voice-{MAX_ID + 1}"),
        "voice-" + "9" * 5000,
    ],
)
def test_what_is_no_subject_is_none(word: str) -> None:
    assert ObjectRef.parse(word) is None


@given(st.text(max_size=30) | st.from_regex(r"(voice|assistant|key)-?[0-9]{0,21}\n?", fullmatch=True))
def test_a_word_that_is_a_subject_is_its_only_word(word: str) -> None:
    ref = ObjectRef.parse(word)

    assert ref is None or str(ref) == word


@given(PLACES)
def test_a_place_comes_back_from_its_word(place: QueueCursor) -> None:
    assert QueueCursor.parse(str(place)) == place


def test_a_place_has_its_time_to_the_microsecond_wherever_it_was_told() -> None:
    time = datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)

    assert str(QueueCursor(30, time, 456)) == "30.1767225600000001.456"
    assert str(QueueCursor(30, time.astimezone(timezone(timedelta(hours=5))), 456)) == "30.1767225600000001.456"


@pytest.mark.parametrize(
    "word",
    [
        *("", "30", "30.1", "30.1.2.3", "-30.1.2", "30.1.-2", "30.1e3.2", "30. 1.2", "30.1.2\n", "٣.1.2", "３.1.2"),
        *("1234567.1.2", "30.--1.2", "30..2", ".1.2", f"30.1.{MAX_ID + 1}", "30.999999999999999999.1"),
        *("30.-999999999999999999.1", "30." + "9" * 5000 + ".1", "30.1." + "9" * 5000),
    ],
)
def test_what_is_no_place_is_none(word: str) -> None:
    assert QueueCursor.parse(word) is None


@given(st.text(max_size=20) | st.from_regex(r"[0-9]{1,7}\.-?[0-9]{1,19}\.[0-9]{1,20}", fullmatch=True))
def test_no_word_breaks_a_place(word: str) -> None:
    place = QueueCursor.parse(word)

    assert place is None or QueueCursor.parse(str(place)) == place


@given(st.lists(SUBJECTS, max_size=8), st.randoms())
def test_a_fingerprint_is_the_same_in_whatever_order(refs: list[ObjectRef], random: object) -> None:
    shuffled = list(refs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert hash_selection(shuffled) == hash_selection(refs)


@given(st.sets(SUBJECTS, max_size=8), st.sets(SUBJECTS, max_size=8))
def test_a_fingerprint_stands_for_exactly_these(some: set[ObjectRef], others: set[ObjectRef]) -> None:
    assert (hash_selection(some) == hash_selection(others)) is (some == others)


def test_a_voice_and_an_assistant_of_one_number_differ() -> None:
    words = {hash_selection([ObjectRef(kind, 1)]) for kind in (ObjectKind.VOICE, ObjectKind.ASSISTANT)}

    assert len(words | {hash_selection([]), hash_selection([ObjectRef(ObjectKind.VOICE, 11)])}) == 4


def test_the_limits_are_those_of_the_rules() -> None:
    limits = AttentionThresholds()

    assert {
        provider: limits.cloning_timeout(provider) for provider in ("elevenlabs", "resemble", "inworld", "cartesia")
    } == {
        "elevenlabs": timedelta(minutes=10),
        "resemble": timedelta(minutes=60),
        "inworld": timedelta(minutes=5),
        "cartesia": timedelta(minutes=5),
    }
    assert (
        limits.cloning_timeout("playht")
        == limits.cloning_timeout("ElevenLabs")
        == limits.cloning_timeout("")
        == timedelta(minutes=60)
    )
    assert (limits.unused, limits.minimum_age) == (timedelta(days=60), timedelta(days=14))
    assert Settings().attention_thresholds == limits


def test_settings_change_limits_and_leave_the_others() -> None:
    limits = Settings(
        cloning_timeouts=(("elevenlabs", 30), ("others", 2), ("playht", 9)), unused_days=7, minimum_age_days=1
    ).attention_thresholds

    assert [limits.cloning_timeout(word).total_seconds() / 60 for word in ("elevenlabs", "playht", "inworld", "x")] == [
        *(30, 9, 5, 2),
    ]
    assert (limits.unused, limits.minimum_age) == (timedelta(days=7), timedelta(days=1))


@pytest.mark.parametrize(
    ("filters", "narrow"),
    [
        (QueueFilters(), False),
        (QueueFilters(size=25, after=QueueCursor(10, datetime(2026, 1, 1, tzinfo=UTC), 1)), False),
        (QueueFilters(reasons=("failed",)), True),
        (QueueFilters(organization=1), True),
        (QueueFilters(providers=("x",)), True),
        (QueueFilters(assignee="none"), True),
        (QueueFilters(muted=True), True),
    ],
)
def test_filters_know_whether_they_leave_lines_out(filters: QueueFilters, narrow: bool) -> None:
    assert filters.has_filters is narrow
