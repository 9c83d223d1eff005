"""The fast path gives the same result as the parsing of each field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import TIMES, VOICES
from tests.voices.json_body.scenario import read
from voiceadmin.text import format_iso8601
from voiceadmin.voices import json_body as record
from voiceadmin.voices.json_body import FIELDS, InvalidVoice, parse_voice, voice_to_json
from voiceadmin.voices.types.rows import VoiceRow

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals(allow_nan=False).map(Decimal),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=3,
)


@given(st.sampled_from(FIELDS), JSON)
def test_any_value_is_accepted_or_an_error_of_its_field(field: str, value: Any) -> None:
    try:
        read(**{field: value})
        fields = [field]
    except InvalidVoice as invalid:
        fields = [name for name, *_ in invalid.errors]

    assert fields == [field]


def outcome(read: Callable[[Mapping[str, Any]], VoiceRow], raw: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the values of a parsed record with their types, or its errors."""
    try:
        return tuple((type(value), repr(value)) for value in read(raw))
    except InvalidVoice as invalid:
        return invalid.errors


@given(VOICES, st.dictionaries(st.sampled_from([*FIELDS, "other"]), JSON | st.just(...), max_size=2))
def test_the_fast_path_gives_the_same_result(voice: VoiceRow, changes: dict[str, Any]) -> None:
    raw = {name: value for name, value in (voice_to_json(voice) | changes).items() if value is not ...}

    assert outcome(parse_voice, raw) == outcome(record._parse_each_field, raw)


@given(st.from_regex(record._API_TIME, fullmatch=True) | TIMES.map(format_iso8601))
def test_the_fast_path_for_times_gives_the_same_result(text: str) -> None:
    def read_as(text: str) -> datetime | str:
        try:
            return read(created_at=text).created_at
        except InvalidVoice as invalid:
            return invalid.errors[0][2]

    assert read_as(text) == read_as(text.replace("Z", "+00:00"))
