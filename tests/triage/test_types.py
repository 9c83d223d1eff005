"""Object references, queue cursors, selection hashes, thresholds and queue filters."""

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
REFS = st.builds(ObjectRef, KINDS, st.integers(1, MAX_ID) | st.sampled_from([1, MAX_ID]))
TIMES = st.datetimes(timezones=st.just(UTC)) | st.sampled_from(
    [datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)]
)
CURSORS = st.builds(QueueCursor, st.integers(0, 999_999), st.none() | TIMES, st.integers(0, MAX_ID))


@given(REFS)
def test_an_object_reference_is_parsed_from_its_text(ref: ObjectRef) -> None:
    assert ObjectRef.parse(str(ref)) == ref


def test_an_object_reference_is_written_as_kind_and_id() -> None:
    assert str(ObjectRef(ObjectKind.VOICE, 456)) == "voice-456"
    assert str(ObjectRef(ObjectKind.ASSISTANT, MAX_ID)) == f"assistant-{MAX_ID}"


@pytest.mark.parametrize(
    "text",
    [
        *("", "voice", "voice-", "voice-0", "voice-01", "voice--1", "voice-+1", "voice-1.0", "456", "key-1", "store-1"),
        *("Voice-1", " voice-1", "voice-1 ", "voice-1\n", "voice-١", "voice-１", "voice-1_0", f"voice-{MAX_ID + 1}"),
        "voice-" + "9" * 5000,
    ],
)
def test_an_invalid_object_reference_is_none(text: str) -> None:
    assert ObjectRef.parse(text) is None


@given(st.text(max_size=30) | st.from_regex(r"(voice|assistant|key)-?[0-9]{0,21}\n?", fullmatch=True))
def test_an_object_reference_has_only_one_text(text: str) -> None:
    ref = ObjectRef.parse(text)

    assert ref is None or str(ref) == text


@given(CURSORS)
def test_a_cursor_is_parsed_from_its_text(cursor: QueueCursor) -> None:
    assert QueueCursor.parse(str(cursor)) == cursor


def test_a_cursor_has_microseconds_and_does_not_depend_on_the_time_zone() -> None:
    time = datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)

    assert str(QueueCursor(30, time, 456)) == "30.1767225600000001.456"
    assert str(QueueCursor(30, time.astimezone(timezone(timedelta(hours=5))), 456)) == "30.1767225600000001.456"


def test_a_cursor_after_a_finding_with_an_unknown_start_names_no_time() -> None:
    assert str(QueueCursor(10, None, 456)) == "10.unknown.456"
    assert QueueCursor.parse("10.unknown.456") == QueueCursor(10, None, 456)


@pytest.mark.parametrize(
    "text",
    [
        *("", "30", "30.1", "30.1.2.3", "-30.1.2", "30.1.-2", "30.1e3.2", "30. 1.2", "30.1.2\n", "٣.1.2", "３.1.2"),
        *("1234567.1.2", "30.--1.2", "30..2", ".1.2", f"30.1.{MAX_ID + 1}", "30.999999999999999999.1"),
        *("30.-999999999999999999.1", "30." + "9" * 5000 + ".1", "30.1." + "9" * 5000),
    ],
)
def test_an_invalid_cursor_is_none(text: str) -> None:
    assert QueueCursor.parse(text) is None


@given(st.text(max_size=20) | st.from_regex(r"[0-9]{1,7}\.-?[0-9]{1,19}\.[0-9]{1,20}", fullmatch=True))
def test_any_text_is_a_cursor_or_none(text: str) -> None:
    cursor = QueueCursor.parse(text)

    assert cursor is None or QueueCursor.parse(str(cursor)) == cursor


@given(st.lists(REFS, max_size=8), st.randoms())
def test_a_selection_hash_does_not_depend_on_the_order(refs: list[ObjectRef], random: object) -> None:
    shuffled = list(refs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert hash_selection(shuffled) == hash_selection(refs)


@given(st.sets(REFS, max_size=8), st.sets(REFS, max_size=8))
def test_different_selections_have_different_hashes(some: set[ObjectRef], others: set[ObjectRef]) -> None:
    assert (hash_selection(some) == hash_selection(others)) is (some == others)


def test_a_voice_and_an_assistant_with_the_same_id_have_different_hashes() -> None:
    hashes = {hash_selection([ObjectRef(kind, 1)]) for kind in (ObjectKind.VOICE, ObjectKind.ASSISTANT)}

    assert len(hashes | {hash_selection([]), hash_selection([ObjectRef(ObjectKind.VOICE, 11)])}) == 4


def test_the_default_thresholds_are_those_of_the_documentation() -> None:
    thresholds = AttentionThresholds()

    assert {
        provider: thresholds.cloning_timeout(provider) for provider in ("elevenlabs", "resemble", "inworld", "cartesia")
    } == {
        "elevenlabs": timedelta(minutes=10),
        "resemble": timedelta(minutes=60),
        "inworld": timedelta(minutes=5),
        "cartesia": timedelta(minutes=5),
    }
    assert (
        thresholds.cloning_timeout("playht")
        == thresholds.cloning_timeout("ElevenLabs")
        == thresholds.cloning_timeout("")
        == timedelta(minutes=60)
    )
    assert (thresholds.unused, thresholds.minimum_age) == (timedelta(days=60), timedelta(days=14))
    assert Settings().attention_thresholds == thresholds


def test_settings_change_single_thresholds_and_keep_the_others() -> None:
    thresholds = Settings(
        cloning_timeouts=(("elevenlabs", 30), ("others", 2), ("playht", 9)), unused_days=7, minimum_age_days=1
    ).attention_thresholds

    assert [
        thresholds.cloning_timeout(text).total_seconds() / 60 for text in ("elevenlabs", "playht", "inworld", "x")
    ] == [
        *(30, 9, 5, 2),
    ]
    assert (thresholds.unused, thresholds.minimum_age) == (timedelta(days=7), timedelta(days=1))


@pytest.mark.parametrize(
    ("filters", "has_filters"),
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
def test_size_and_cursor_are_not_filters(filters: QueueFilters, has_filters: bool) -> None:
    assert filters.has_filters is has_filters
