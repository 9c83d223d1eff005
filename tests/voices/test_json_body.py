"""The JSON form of a voice: accepted and refused values, and exact output."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import TIMES, VOICES
from voiceadmin.text import MAX_ID, format_iso8601
from voiceadmin.voices import json_body as record
from voiceadmin.voices.json_body import (
    FIELDS,
    MAX_NAME,
    MAX_VOICE_ID,
    MAX_WORD,
    OPTIONAL,
    FieldError,
    InvalidValue,
    InvalidVoice,
    parse_name,
    parse_voice,
    voice_to_json,
)
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

NOON = datetime(2024, 1, 15, 12, 0, tzinfo=UTC)
PLAIN: dict[str, Any] = {
    "id": 456,
    "name": "Custom Professional Voice",
    "provider": "elevenlabs",
    "provider_voice_id": "voice_abc123xyz",
    "language": "en",
    "gender": "male",
    "status": "ready",
    "quality_score": 0.95,
    "created_at": "2024-01-15T10:45:00Z",
    "last_used_at": "2024-01-20T14:22:00Z",
    "synthesis_count": 1250,
}


def shown(value: Any) -> str:
    """Return a value for the name of a test."""
    return repr(value)[:30]


def errors(**fields: Any) -> tuple[FieldError, ...]:
    """Return the errors of a record that is valid otherwise."""
    with pytest.raises(InvalidVoice) as caught:
        parse_voice(PLAIN | fields)
    return caught.value.errors


def read(**fields: Any) -> VoiceRow:
    """Return the row of a record that is valid otherwise."""
    return parse_voice(PLAIN | fields)


def test_the_example_of_the_api_is_valid() -> None:
    assert parse_voice(PLAIN) == VoiceRow(
        id=456,
        name="Custom Professional Voice",
        provider="elevenlabs",
        provider_voice_id="voice_abc123xyz",
        language="en",
        gender="male",
        status=VoiceStatus.READY,
        quality_score=0.95,
        created_at=datetime(2024, 1, 15, 10, 45, tzinfo=UTC),
        last_used_at=datetime(2024, 1, 20, 14, 22, tzinfo=UTC),
        synthesis_count=1250,
    )


def test_a_voice_is_written_as_the_api_writes_it() -> None:
    assert voice_to_json(parse_voice(PLAIN)) == PLAIN
    assert tuple(voice_to_json(parse_voice(PLAIN))) == FIELDS == tuple(PLAIN)


@given(VOICES)
def test_every_voice_is_parsed_back_exactly(voice: VoiceRow) -> None:
    assert parse_voice(voice_to_json(voice)) == voice
    assert parse_voice(json.loads(json.dumps(voice_to_json(voice)))) == voice


@given(VOICES)
def test_numbers_may_be_strings_as_in_csv(voice: VoiceRow) -> None:
    texts = {name: "" if value is None else str(value) for name, value in voice_to_json(voice).items()}

    assert parse_voice(texts) == voice


@pytest.mark.parametrize("field", sorted(OPTIONAL))
def test_an_optional_field_may_be_null_or_missing(field: str) -> None:
    lacking = {name: value for name, value in PLAIN.items() if name != field}

    assert parse_voice(lacking) == read(**{field: None})
    assert getattr(parse_voice(lacking), field) == ("" if field == "provider_voice_id" else None)


def test_a_missing_score_is_not_zero() -> None:
    assert read(quality_score=None).quality_score is None
    assert voice_to_json(read(quality_score=None))["quality_score"] is None
    assert read(quality_score=0).quality_score == 0.0


@pytest.mark.parametrize("field", [name for name in FIELDS if name not in OPTIONAL])
def test_a_required_field_may_not_be_null_or_missing(field: str) -> None:
    missing = (field, None, "is missing.", "This field is required.")
    lacking = {name: value for name, value in PLAIN.items() if name != field}

    with pytest.raises(InvalidVoice) as caught:
        parse_voice(lacking)

    assert caught.value.errors == (missing,)
    assert errors(**{field: None}) == (missing,)


def test_every_error_is_reported_in_the_order_of_the_fields() -> None:
    found = errors(synthesis_count=-1, id="x", name=5, status="gone", created_at="soon", quality_score=95)

    assert [(field, value) for field, value, _, _ in found] == [
        ("id", "x"),
        ("name", 5),
        ("status", "gone"),
        ("quality_score", 95),
        ("created_at", "soon"),
        ("synthesis_count", -1),
    ]
    assert all(problem.endswith(".") and remedy.endswith(".") for _, _, problem, remedy in found)


def test_an_empty_record_lacks_every_required_field() -> None:
    with pytest.raises(InvalidVoice) as caught:
        parse_voice({})

    assert [field for field, *_ in caught.value.errors] == [name for name in FIELDS if name not in OPTIONAL]


def test_unknown_fields_are_ignored() -> None:
    assert read(sample_rate=44100, Name="other") == parse_voice(PLAIN)


# Numbers


@pytest.mark.parametrize("field", ["id", "synthesis_count"])
@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1), ("1", 1), ("+1", 1), ("0001", 1), (MAX_ID, MAX_ID), (str(MAX_ID), MAX_ID), ("0" * 90 + "7", 7)],
    ids=shown,
)
def test_64_bit_integers_are_accepted(field: str, value: Any, number: int) -> None:
    assert getattr(read(**{field: value}), field) == number


@pytest.mark.parametrize("field", ["id", "synthesis_count"])
@pytest.mark.parametrize(
    "value",
    ["", " 1", "1 ", "1.0", "1e3", "0x1", "1_000", "1,000", "٣", "７", "one", 1.0, 0.5, True, False, [1], {}],
    ids=shown,
)
def test_values_that_are_not_integers_are_refused(field: str, value: Any) -> None:
    ((blamed, given_value, problem, _),) = errors(**{field: value})

    assert (blamed, given_value, problem) == (field, value, "is not an integer.")


@pytest.mark.parametrize("field", ["id", "synthesis_count"])
@pytest.mark.parametrize(
    "value",
    [-1, "-1", MAX_ID + 1, str(MAX_ID + 1), 10**38, "9" * 5000, "-" + "9" * 5000, Decimal("9" * 5000)],
    ids=shown,
)
def test_integers_outside_64_bits_are_out_of_range(field: str, value: Any) -> None:
    ((_, _, problem, remedy),) = errors(**{field: value})

    assert problem == "is out of range."
    assert str(MAX_ID) in remedy


def test_the_smallest_id_is_one_and_the_smallest_count_is_zero() -> None:
    assert read(synthesis_count=0).synthesis_count == 0
    assert errors(id=0)[0][3] == f"Give an integer from 1 to {MAX_ID}."


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (0, 0.0),
        (1, 1.0),
        (0.897, 0.897),
        ("0.897", 0.897),
        ("1", 1.0),
        ("1.0", 1.0),
        ("+0.5", 0.5),
        ("8.97e-1", 0.897),
        ("1E-2", 0.01),
        ("1e-9999", 0.0),
        ("0." + "3" * 300, 1 / 3),
        ("", None),
    ],
    ids=shown,
)
def test_scores_from_zero_to_one_are_accepted(value: Any, score: float | None) -> None:
    assert read(quality_score=value).quality_score == score


@pytest.mark.parametrize("value", [-0.0, "-0.0", "-0", "-1e-400"], ids=shown)
def test_a_negative_zero_becomes_zero(value: Any) -> None:
    assert str(read(quality_score=value).quality_score) == "0.0"


@pytest.mark.parametrize(
    "value",
    [95, "95", -0.1, 1.0000000000000002, float("nan"), float("inf"), "1e9999", 10**400, Decimal("9" * 5000)],
    ids=shown,
)
def test_scores_out_of_range_are_refused(value: Any) -> None:
    ((_, _, problem, remedy),) = errors(quality_score=value)

    assert problem == "is out of range."
    assert "percentage" in remedy


@pytest.mark.parametrize(
    "value",
    ["good", "nan", "inf", "Infinity", "95%", "0,95", ".5", "5.", "0x1", "1e", "٠", " 1", True, False, [], {}],
    ids=shown,
)
def test_values_that_are_not_numbers_are_refused_as_scores(value: Any) -> None:
    ((_, _, problem, _),) = errors(quality_score=value)

    assert problem == "is not a number."


# Texts


@pytest.mark.parametrize(
    ("field", "most"),
    [
        ("name", MAX_NAME),
        ("provider", MAX_WORD),
        ("provider_voice_id", MAX_VOICE_ID),
        ("language", MAX_WORD),
        ("gender", MAX_WORD),
    ],
)
def test_a_text_may_have_its_maximal_length_and_no_more(field: str, most: int) -> None:
    assert getattr(read(**{field: "😀" * most}), field) == "😀" * most
    assert errors(**{field: "x" * (most + 1)})[0][2:] == (f"has {most + 1:,} characters.", f"Shorten it to {most:,}.")


@pytest.mark.parametrize("field", ["name", "provider", "provider_voice_id", "language", "gender"])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a\0b", "contains a NUL character."),
        ("a\ud800b", "contains an unpaired surrogate."),
        ("\udc00", "contains an unpaired surrogate."),
        (5, "is not a string."),
        (True, "is not a string."),
        (["a"], "is not a string."),
        ({"a": "b"}, "is not a string."),
    ],
    ids=shown,
)
def test_values_that_no_database_stores_are_refused_as_texts(field: str, value: Any, problem: str) -> None:
    assert [found[2] for found in errors(**{field: value})] == [problem]


def test_a_name_may_be_empty() -> None:
    assert read(name="").name == ""


@pytest.mark.parametrize("provider", ["", " ", "\t\n\u2003"])
def test_a_provider_may_not_be_blank(provider: str) -> None:
    assert errors(provider=provider)[0][2] == "is blank."


@pytest.mark.parametrize("field", ["language", "gender"])
def test_an_empty_language_or_gender_is_null(field: str) -> None:
    assert getattr(read(**{field: ""}), field) is None


def test_an_unknown_provider_is_accepted() -> None:
    assert read(provider="playht").provider == "playht"


def test_other_names_have_the_same_rules() -> None:
    assert parse_name("Night desk") == "Night desk"
    with pytest.raises(InvalidValue, match="is not a string"):
        parse_name(None)


@pytest.mark.parametrize("status", ["gone", "READY", "ready ", "", 5, True, [], {}, ["ready"]], ids=shown)
def test_a_status_is_one_of_four_values(status: Any) -> None:
    ((field, value, problem, remedy),) = errors(status=status)

    assert (field, value, problem) == ("status", status, "is not a status.")
    assert remedy == "Use one of processing, ready, failed, archived."


# Times


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-15T12:00:00Z",
        "2024-01-15T12:00:00z",
        "2024-01-15t12:00:00Z",
        "2024-01-15 12:00:00Z",
        "2024-01-15 12:00:00 Z",
        "2024-01-15T12:00:00",
        "2024-01-15T12:00",
        "2024-01-15T12:00Z",
        "2024-01-15T12:00:00+00:00",
        "2024-01-15T12:00:00-00:00",
        "2024-01-15T12:00:00.000Z",
        "2024-01-15T12:00:00,000Z",
        "2024-01-15T17:30:00+05:30",
        "2024-01-15T17:30:00+0530",
        "2024-01-15T07:00:00-05",
        "2024-01-15T00:15:00-11:45",
        "2024-01-16T01:00:00+13",
        "2024-01-15T12:00:00.0000004Z",
    ],
)
def test_every_iso_8601_form_of_noon_is_accepted(text: str) -> None:
    found = read(created_at=text).created_at

    assert found == NOON
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("fraction", "microsecond"),
    [(".1", 100_000), (",25", 250_000), (".000001", 1), (".123456789", 123_456), (".9999999", 999_999), (".000", 0)],
)
def test_a_fraction_is_cut_to_microseconds(fraction: str, microsecond: int) -> None:
    assert read(created_at=f"2024-01-15T12:00:00{fraction}Z").created_at == NOON.replace(microsecond=microsecond)


@given(TIMES, st.integers(-23 * 60 - 59, 23 * 60 + 59))
def test_an_offset_does_not_change_the_instant(time: datetime, minutes: int) -> None:
    try:
        elsewhere = time.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:
        return

    assert read(last_used_at=elsewhere.isoformat()).last_used_at == time


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "2024-01-15",
        "12:00:00Z",
        "2024-02-30T12:00:00Z",
        "2023-02-29T12:00:00Z",
        "2024-13-01T12:00:00Z",
        "2024-01-15T24:00:00Z",
        "2024-01-15T12:60:00Z",
        "2024-01-15T12:00:60Z",
        "2024-01-15T12:00.5Z",
        "2024-01-15T12:00:00.Z",
        "2024-01-15T12:00:00+24:00",
        "2024-01-15T12:00:00+05:60",
        "2024-01-15T12:00:00 UTC",
        "2024-01-15T12:00:00ZZ",
        "2024-1-15T12:00:00Z",
        "24-01-15T12:00:00Z",
        "0000-01-15T12:00:00Z",
        "10000-01-15T12:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "٢٠٢٤-01-15T12:00:00Z",
        "2024-01-15T12:00:00Z\n",
        "2024-01-15T12:00:00\n",
        "2024-W03-1T12:00:00Z",
        "20240115T120000Z",
        "Mon, 15 Jan 2024 12:00:00 GMT",
        "2024-01-15T12:00:00." + "0" * 5000 + "Z",
        1705320000,
        1705320000.5,
        True,
        [],
        {},
    ],
    ids=shown,
)
def test_values_that_are_not_times_are_refused_with_an_example(value: Any) -> None:
    assert errors(created_at=value) == (("created_at", value, "is not a time.", "Write it as 2024-01-15T10:45:00Z."),)
    assert errors(last_used_at=value)[0][0] == "last_used_at"


def test_an_empty_last_used_at_is_null_and_an_empty_created_at_is_refused() -> None:
    assert read(last_used_at="").last_used_at is None
    assert errors(created_at="")[0][2] == "is not a time."


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (NOON, "2024-01-15T12:00:00Z"),
        (NOON.replace(microsecond=1), "2024-01-15T12:00:00.000001Z"),
        (NOON.replace(microsecond=500_000), "2024-01-15T12:00:00.500000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_written_with_z_and_only_a_nonzero_fraction(time: datetime, text: str) -> None:
    assert format_iso8601(time) == text


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals(allow_nan=False).map(Decimal),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)


@given(st.sampled_from(FIELDS), JSON)
def test_any_value_is_accepted_or_an_error_of_its_field(field: str, value: Any) -> None:
    try:
        read(**{field: value})
        blamed = [field]
    except InvalidVoice as bad:
        blamed = [name for name, *_ in bad.errors]

    assert blamed == [field]


def outcome(read: Callable[[Mapping[str, Any]], VoiceRow], raw: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the values of a parsed record with their types, or its errors."""
    try:
        return tuple((type(value), repr(value)) for value in read(raw))
    except InvalidVoice as bad:
        return bad.errors


@given(VOICES, st.dictionaries(st.sampled_from([*FIELDS, "other"]), JSON | st.just(...), max_size=2))
def test_the_fast_path_gives_the_same_result(voice: VoiceRow, changes: dict[str, Any]) -> None:
    raw = {name: value for name, value in (voice_to_json(voice) | changes).items() if value is not ...}

    assert outcome(parse_voice, raw) == outcome(record._parse_each_field, raw)


@given(st.from_regex(record._API_TIME, fullmatch=True) | TIMES.map(format_iso8601))
def test_the_fast_path_for_times_gives_the_same_result(text: str) -> None:
    def read_as(text: str) -> datetime | str:
        try:
            return read(created_at=text).created_at
        except InvalidVoice as bad:
            return bad.errors[0][2]

    assert read_as(text) == read_as(text.replace("Z", "+00:00"))
