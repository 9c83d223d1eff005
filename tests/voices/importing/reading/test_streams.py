"""Reading from streams: block sizes, endless, truncated and damaged inputs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import chain, islice, repeat

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.strategies import LISTS
from tests.voices.importing.reading.scenario import (
    ADA,
    BO,
    CSV_A,
    CSV_B,
    HEADER,
    A,
    B,
    SlowStream,
    outcome,
    parse_records,
    rows,
)
from voiceadmin.tabular import ExportFormat
from voiceadmin.voices.exporting.writing import format_file
from voiceadmin.voices.importing import json_stream
from voiceadmin.voices.importing.json_stream import MAX_VALUE_LENGTH
from voiceadmin.voices.importing.types import UnreadableInput
from voiceadmin.voices.types.rows import VoiceRow


@pytest.mark.parametrize(
    ("begin", "valid"),
    [("[", f"{A},\n"), ('{"cloned_voices": [', f"{A},\n"), ("", f"{A}\n"), (f"{HEADER}\n", f"{CSV_A}\n")],
    ids=["array", "response", "lines", "csv"],
)
def test_records_of_an_endless_stream_are_read_one_by_one(begin: str, valid: str) -> None:
    raw = SlowStream(chain([begin.encode()], repeat(valid.encode() * 100)), size=1 << 16)

    found = list(islice(parse_records(io.BufferedReader(raw)), 5000))

    assert [record.row for record in found] == [ADA] * 5000
    assert raw.read_count < 5000 * len(valid.encode()) + 3 * json_stream.BLOCK_SIZE


@pytest.mark.parametrize(
    ("begin", "rest"),
    [
        ("[", " "),
        ("[", "["),
        ("[", "1"),
        ('["', "x"),
        ('[{"name": "', "\\n"),
        ('{"a": "', "x"),
        ('{"cloned_voices": [', '{"a": '),
        (A[:-1], " "),
        (f"{HEADER}\n", "x"),
        (f"{HEADER}\n", ","),
        (f'{HEADER}\n"', "x"),
        (f'{HEADER}\n"', '\n","'),
        ("", "x"),
        ("", '"\n",'),
    ],
)
def test_an_endless_record_is_refused(begin: str, rest: str) -> None:
    limit = 16 * MAX_VALUE_LENGTH
    endless = repeat(rest.encode() * (65536 // len(rest)), limit // 65536 + 1)
    raw = SlowStream(chain([begin.encode()], endless), size=1 << 16)

    try:
        faults = next(parse_records(io.BufferedReader(raw))).faults
    except UnreadableInput as invalid:
        faults = (invalid.fault,)

    assert faults
    assert raw.read_count < limit or rest == " "


def documents() -> Iterator[tuple[str, str]]:
    """Yield one input of each kind, valid and invalid, with its name."""
    for format in ExportFormat:
        yield f"{format.value}", "".join(format_file([ADA, BO], format))
    yield "array", f"[{A},\n{B}]"
    yield "faulty", f'[{{"id": 0, "x": 1}}, 5, {A}, 1234567, "text", null, {B}]'
    yield "numbers", "[1234567, 12.5, -3e4, 0]"
    yield "faulty lines", f"{A}\nnonsense\n12\n\n{B}"
    yield "late response", f'{{"note": [1, 2, {{"a": "b"}}], "cloned_voices": [{A}, {B}], "total": 2}}'
    yield "broken", f"[{A}, {B[:-4]}"
    yield "trailing", f'{{"cloned_voices": [{A}]}} 12'
    yield "failed", '{"success": false, "cloned_voices": []}'
    yield "detail", '{"detail": "Not found"}'
    yield "csv faults", f'{HEADER},note\n{CSV_A},x\n{CSV_B}\n"quoted\r\nname",b\n'
    yield "csv broken", f'{HEADER}\n{CSV_A}\n{CSV_B}\n"open'
    yield "html", "<html>\n</html>"


DOCUMENTS = dict(documents())


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("block", [1, 2, 3, 7, 16, 61, 100, 1000])
def test_the_block_size_does_not_change_the_result(monkeypatch: pytest.MonkeyPatch, name: str, block: int) -> None:
    data = DOCUMENTS[name].encode()
    whole = outcome(io.BytesIO(data))

    monkeypatch.setattr(json_stream, "BLOCK_SIZE", block)

    assert outcome(io.BytesIO(data)) == whole
    assert outcome(io.BufferedReader(SlowStream([data]))) == whole


@given(voices=LISTS, format=st.sampled_from(ExportFormat), block=st.integers(1, 300))
def test_any_voices_are_read_exactly_with_any_block_size(
    voices: list[VoiceRow], format: ExportFormat, block: int
) -> None:
    assume(voices or format is not ExportFormat.NDJSON)  # nothing at all is not an empty list
    data = "".join(format_file(voices, format)).encode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "BLOCK_SIZE", block)
        assert rows(data) == voices


@pytest.mark.parametrize("data", [f"[{A},{B}]", f'{{"cloned_voices": [{A},{B}]}}', f"{A}\n{B}", f"{HEADER}\n{CSV_A}\n"])
def test_a_byte_that_is_not_utf_8_is_refused_at_any_position(monkeypatch: pytest.MonkeyPatch, data: str) -> None:
    monkeypatch.setattr(json_stream, "BLOCK_SIZE", 1)
    encoded = data.encode()

    for position in range(len(encoded) + 1):
        stream = io.BufferedReader(SlowStream([encoded[:position], b"\xff", encoded[position:]]))
        _, failure = outcome(stream)
        assert failure is not None, position
        assert failure.problem == "is not UTF-8 text." or position < 2, position


@pytest.mark.parametrize("data", [f"[{A}, {B}]", f'{{"success": true, "cloned_voices": [{A}, {B}]}}'])
def test_truncated_json_is_never_read_as_complete(data: str) -> None:
    encoded = data.encode()

    for end in range(1, len(encoded)):
        found, failure = outcome(io.BytesIO(encoded[:end]))
        assert failure is not None or any(record.faults for record in found), encoded[:end]


def test_truncated_ndjson_has_an_invalid_last_record() -> None:
    encoded = f"{A}\n{B}".encode()

    for end in set(range(1, len(encoded))) - {len(A), len(A) + 1}:
        found, failure = outcome(io.BytesIO(encoded[:end]))
        assert failure is not None or found[-1].faults, encoded[:end]


def damage(data: bytes, position: int, piece: bytes, length: int) -> bytes:
    """Return an input with a piece of it replaced."""
    position %= len(data)
    return data[:position] + piece + data[position + length :]


NOISE = st.binary(max_size=12) | st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b",",
        b"\\",
        b"\n",
        b"\r",
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"'=",
    ]
)


@given(st.binary(max_size=200) | st.lists(NOISE, max_size=30).map(b"".join))
@example(b"\xef\xbb\xbf[")
def test_any_bytes_give_records_faults_or_a_refusal(data: bytes) -> None:
    for record in outcome(io.BytesIO(data))[0]:
        assert (record.row is None) == bool(record.faults)


@given(st.sampled_from(sorted(DOCUMENTS)), st.integers(0, 5000), NOISE, st.integers(0, 9), st.integers(1, 200))
def test_any_damaged_input_gives_records_faults_or_a_refusal(
    name: str, position: int, piece: bytes, length: int, block: int
) -> None:
    data = damage(DOCUMENTS[name].encode(), position, piece, length)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "BLOCK_SIZE", block)
        found, failure = outcome(io.BytesIO(data))

    lines = [str(fault) for record in found for fault in record.faults] + [str(failure or "")]
    assert all(line.isprintable() for line in lines)
