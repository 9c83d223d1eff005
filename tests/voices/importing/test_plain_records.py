"""Ordinary records are read to what decoding and validating them gives."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.factories import voice_row
from tests.strategies import LISTS
from tests.voices.importing.reading.scenario import read_records
from voiceadmin.text import MAX_ID
from voiceadmin.voices.importing import reading
from voiceadmin.voices.importing.json_stream import DECODER
from voiceadmin.voices.importing.plain_records import PLAIN_RECORD, build_plain_record
from voiceadmin.voices.importing.records import ParsedRecord, parse_json_record
from voiceadmin.voices.json_body import MAX_NAME, MAX_VOICE_ID, MAX_WORD, voice_to_json
from voiceadmin.voices.types.rows import VoiceRow

RECORD = voice_to_json(voice_row(id=1, name="Ada", provider_voice_id="pv_1"))
NEVER = re.compile("(?!)")

EDGES: dict[str, list[Any]] = {
    "id": [0, -1, 10**17, 10**18, MAX_ID, MAX_ID + 1, 1.0, "1", True, None],
    "name": ["", " ", "x" * MAX_NAME, "x" * (MAX_NAME + 1), 'a "b"', "a\nb", "\x7f", "é\u2028", "\0", "null", None],
    "provider": ["", " ", "\u00a0", " x", "Eleven Labs", "x" * MAX_WORD, "x" * (MAX_WORD + 1), None, 5],
    "provider_voice_id": ["", "x" * MAX_VOICE_ID, "x" * (MAX_VOICE_ID + 1), "null", None, 12],
    "language": ["", " ", "null", "x" * (MAX_WORD + 1), None, 12],
    "gender": ["", " ", "null", "x" * (MAX_WORD + 1), None, []],
    "status": ["ready", "failed", "Ready", "", "done", None, 1],
    "quality_score": [0, 1, 0.0, 1.0, -0.0, 1e-7, 0.1 + 0.2, 1.5, -0.5, 95, "0.5", True, None],
    "created_at": [
        *("2024-02-30T10:45:00Z", "2024-13-01T10:45:00Z", "2024-00-10T10:45:00Z", "2024-01-32T10:45:00Z"),
        *("1970-12-31T23:59:59Z", "1971-01-01T00:00:00Z", "2024-01-15T24:00:00Z", "2024-01-15T10:45:60Z"),
        *("2024-01-15T10:45:00", "2024-01-15 10:45:00Z", "2024-01-15T10:45:00+02:00", "2199-01-15T10:45:00Z"),
        *("2024-01-15T10:45:00.5Z", "2024-01-15T10:45:00.123456Z", "2024-01-15T10:45:00.1234567Z", "", None, 5),
    ],
    "synthesis_count": [0, -1, 10**18, MAX_ID, MAX_ID + 1, 1.0, "5", None],
}
EDGES["last_used_at"] = EDGES["created_at"]
CASES = {field: [RECORD | {field: value} for value in values] for field, values in EDGES.items()}
CASES["shape"] = [
    *({name: value for name, value in RECORD.items() if name != missing} for missing in RECORD),
    dict(reversed(RECORD.items())),
    RECORD | {"extra": 1},
    {"extra": 1} | RECORD,
]


def read_without_shortcut(data: str) -> list[ParsedRecord]:
    """Read records, and decode each of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "PLAIN_RECORD", NEVER)
        return read_records(data)


def test_an_ordinary_record_is_not_decoded() -> None:
    for separators in (None, (",", ":")):
        assert PLAIN_RECORD.fullmatch(json.dumps(RECORD, separators=separators))


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("separators", [None, (",", ":"), (" , ", " : ")])
@pytest.mark.parametrize("case", CASES)
def test_every_record_is_read_as_decoding_reads_it(
    case: str, separators: tuple[str, str] | None, ensure_ascii: bool
) -> None:
    for record in CASES[case]:
        text = json.dumps(record, separators=separators, ensure_ascii=ensure_ascii)
        for data in (text, f"[{text},\n{text}]", f'{{"success":true,"cloned_voices":[{text}]}}'):
            assert read_records(data) == read_without_shortcut(data), record


@given(st.from_regex(PLAIN_RECORD, fullmatch=True, alphabet=st.characters(codec="utf-8")))
@example(json.dumps(RECORD | {"created_at": "2023-02-29T00:00:00Z"}))
def test_every_match_is_read_as_decoding_reads_it(text: str) -> None:
    match = PLAIN_RECORD.fullmatch(text)

    assert match
    assert build_plain_record(7, match).parse() == parse_json_record(7, DECODER.decode(text))


@given(LISTS, st.sampled_from([None, (",", ":")]), st.booleans())
def test_any_voices_are_read_as_decoding_reads_them(
    voices: list[VoiceRow], separators: tuple[str, str] | None, ensure_ascii: bool
) -> None:
    data = json.dumps([voice_to_json(row) for row in voices], separators=separators, ensure_ascii=ensure_ascii)

    assert read_records(data) == read_without_shortcut(data)
    assert [record.row for record in read_records(data)] == voices
