"""Complete records: required, optional and unknown fields."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given

from tests.strategies import VOICES
from tests.voices.json_body.scenario import PLAIN, errors, read
from voiceadmin.voices.json_body import FIELDS, OPTIONAL, InvalidVoice, parse_voice, voice_to_json
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus


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
    incomplete = {name: value for name, value in PLAIN.items() if name != field}

    assert parse_voice(incomplete) == read(**{field: None})
    assert getattr(parse_voice(incomplete), field) == ("" if field == "provider_voice_id" else None)


def test_a_missing_score_is_not_zero() -> None:
    assert read(quality_score=None).quality_score is None
    assert voice_to_json(read(quality_score=None))["quality_score"] is None
    assert read(quality_score=0).quality_score == 0.0


@pytest.mark.parametrize("field", [name for name in FIELDS if name not in OPTIONAL])
def test_a_required_field_may_not_be_null_or_missing(field: str) -> None:
    missing = (field, None, "is missing.", "This field is required.")
    incomplete = {name: value for name, value in PLAIN.items() if name != field}

    with pytest.raises(InvalidVoice) as caught:
        parse_voice(incomplete)

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
