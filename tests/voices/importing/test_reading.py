"""Reading of import files: every format is detected, every record validated, every broken file refused."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice, repeat
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.factories import voice_row
from tests.strategies import LISTS
from voiceadmin.tabular import ExportFormat
from voiceadmin.voices.exporting.writing import format_file
from voiceadmin.voices.importing import json_stream
from voiceadmin.voices.importing.json_stream import MAX_VALUE_LENGTH
from voiceadmin.voices.importing.reading import ParsedRecord, read_voices
from voiceadmin.voices.importing.types import Fault, UnreadableInput
from voiceadmin.voices.json_body import FIELDS, voice_to_json
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

ADA = voice_row(id=1, name="Ada")
BO = voice_row(id=2, name="Recepción “Bo” 😀", quality_score=None, last_used_at=ADA.created_at)
A, B = (json.dumps(voice_to_json(row), ensure_ascii=False) for row in (ADA, BO))
HEADER = ",".join(FIELDS)
CSV_A, CSV_B = "".join(format_file([ADA, BO], ExportFormat.CSV)).splitlines()[1:]
INPUT = "The input: "


def read_records(data: str | bytes) -> list[ParsedRecord]:
    """Return all records of an input."""
    return list(read_voices(io.BytesIO(data if isinstance(data, bytes) else data.encode())))


def rows(data: str | bytes) -> list[VoiceRow | None]:
    """Return the rows of an input, None for an invalid record."""
    return [record.row for record in read_records(data)]


def faults(data: str | bytes) -> list[str]:
    """Return the faults of a readable input."""
    return [str(fault) for record in read_records(data) for fault in record.faults]


def refusal(data: str | bytes) -> str:
    """Return why an input cannot be read."""
    with pytest.raises(UnreadableInput) as caught:
        read_records(data)
    return str(caught.value)


def outcome(stream: io.BufferedIOBase) -> tuple[list[ParsedRecord], Fault | None]:
    """Return the records of a stream, and the fault that ended it, if any."""
    found: list[ParsedRecord] = []
    try:
        found.extend(read_voices(stream))  # type: ignore[arg-type]  # as good as a BinaryIO
    except UnreadableInput as bad:
        return found, bad.fault
    return found, None


class SlowStream(io.RawIOBase):
    """A stream that returns a few bytes per read, as a slow pipe does."""

    def __init__(self, pieces: Iterable[bytes], size: int = 1) -> None:
        self.pieces, self.size, self.rest, self.given = iter(pieces), size, b"", 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.rest:
            piece = next(self.pieces, None)
            if piece is None:
                return 0
            self.rest = piece
        size = min(self.size, len(buffer), len(self.rest))
        buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        self.given += size
        return size


# Formats


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(f'{{"success": true, "cloned_voices": [{A}, {B}]}}', id="answer"),
        pytest.param(f'{{"success":true,"cloned_voices":[{A},{B}]}}', id="answer-without-space"),
        pytest.param(f'{{\n\t"cloned_voices" :\r\n[\n{A}\n,\n{B}\n]\n}}\n\n', id="answer-with-much-space"),
        pytest.param(f'{{"cloned_voices": [{A}, {B}], "success": true}}', id="answer-the-other-way-round"),
        pytest.param(f'{{"total": 2, "page": {{"a": [1]}}, "cloned_voices": [{A}, {B}], "next": null}}', id="more"),
        pytest.param(f"[{A}, {B}]", id="array"),
        pytest.param(json.dumps([voice_to_json(ADA), voice_to_json(BO)], indent=4), id="array-printed-nicely"),
        pytest.param(f"{A}\n{B}\n", id="lines"),
        pytest.param(f"{A}\n{B}", id="lines-without-a-last-end"),
        pytest.param(f"\n\n{A}\r\n\n  {B}  \n \n", id="lines-with-blank-ones"),
        pytest.param(f"{HEADER}\r\n{CSV_A}\r\n{CSV_B}\r\n", id="csv"),
        pytest.param(f"{HEADER}\n{CSV_A}\n\n{CSV_B}", id="csv-with-plain-ends"),
        pytest.param(f"\ufeff{HEADER}\n{CSV_A}\n{CSV_B}", id="csv-with-a-mark"),
        pytest.param(f'\ufeff{{"cloned_voices": [{A}, {B}]}}', id="answer-with-a-mark"),
        pytest.param(f"\ufeff[{A}, {B}]", id="array-with-a-mark"),
        pytest.param(f"\ufeff{A}\n{B}", id="lines-with-a-mark"),
    ],
)
def test_each_format_is_detected(data: str) -> None:
    assert rows(data) == [ADA, BO]
    assert [record.number for record in read_records(data)] == [1, 2]


def test_csv_columns_may_have_any_order_and_additional_columns() -> None:
    cells = dict(zip(FIELDS, CSV_A.split(","), strict=True)) | {"note": "x", "": "y"}
    names = sorted(cells)

    (record,) = read_records(f"{','.join(names)}\n{','.join(cells[name] for name in names)}")

    assert (record.row, record.unknown_fields) == (ADA, 2)


def test_an_empty_csv_cell_is_null() -> None:
    (row,) = rows(f"{HEADER}\n3,,playht,,,,ready,,2024-01-15T10:45:00Z,,0\n")

    assert row == VoiceRow(
        id=3,
        name="",
        provider="playht",
        provider_voice_id="",
        language=None,
        gender=None,
        status=VoiceStatus.READY,
        quality_score=None,
        created_at=datetime(2024, 1, 15, 10, 45, tzinfo=UTC),
        last_used_at=None,
        synthesis_count=0,
    )


@pytest.mark.parametrize("data", ["", " ", "\n\r\n\t", "\ufeff", "\ufeff\n"])
def test_an_empty_input_has_no_records(data: str) -> None:
    assert read_records(data) == []


def test_unknown_fields_are_ignored_and_counted() -> None:
    record = json.dumps(voice_to_json(ADA) | {"sample_rate": 44100, "nested": {"id": 9}, "": None})

    for data in (f"[{record}]", record, f'{{"cloned_voices": [{record}]}}'):
        assert [(one.row, one.unknown_fields) for one in read_records(data)] == [(ADA, 3)]


def test_unknown_fields_of_an_invalid_record_are_counted() -> None:
    assert [(one.row, one.unknown_fields) for one in read_records('[{"id": 0, "x": 1, "y": 2}]')] == [(None, 2)]


def test_the_last_of_duplicate_keys_is_used() -> None:
    assert rows(A[:-1] + ', "name": "Zoe"}') == [ADA._replace(name="Zoe")]


def test_a_name_that_looks_like_another_format_does_not_change_the_format() -> None:
    named = ADA._replace(name='{"cloned_voices": [ "cloned_voices": [\n]}')

    for format in ExportFormat:
        assert rows("".join(format_file([named], format))) == [named]


def test_the_format_is_detected_after_a_first_voice_of_maximal_length() -> None:
    long = ADA._replace(name="😀" * 10_000)
    record = voice_to_json(long) | {"note": "x" * 300_000}

    assert rows(json.dumps(record) + "\n" + B) == [long, BO]


def test_a_response_is_detected_even_if_its_list_begins_late() -> None:
    assert rows(f'{{"note": "{"x" * 300_000}", "cloned_voices": [{A}]}}') == [ADA]


# Invalid records


def test_every_fault_of_every_record_is_reported() -> None:
    good, bad = voice_to_json(ADA), {"id": "x", "name": "Bo", "provider": "", "status": "gone", "synthesis_count": 1}

    assert faults(json.dumps([bad, good, 5, bad | {"created_at": "soon"}])) == [
        'Record 1, id: "x" is not an integer. Give one from 1 to 9223372036854775807, in digits.',
        'Record 1, provider: "" is blank. Give the name of the provider, such as “elevenlabs”.',
        'Record 1, status: "gone" is not a status. Use one of processing, ready, failed, archived.',
        "Record 1, created_at: is missing. This field is required.",
        f"Record 3: 5 is not an object. Give an object with the fields {', '.join(FIELDS)}.",
        'Record 4, id: "x" is not an integer. Give one from 1 to 9223372036854775807, in digits.',
        'Record 4, provider: "" is blank. Give the name of the provider, such as “elevenlabs”.',
        'Record 4, status: "gone" is not a status. Use one of processing, ready, failed, archived.',
        'Record 4, created_at: "soon" is not a time. Write it as 2024-01-15T10:45:00Z.',
    ]


@pytest.mark.parametrize("value", ["5", '"text"', "null", "true", "[]", "1.5", "[[]]"])
def test_a_value_that_is_not_an_object_is_an_invalid_record(value: str) -> None:
    for data in (f"[{A}, {value}]", f'{{"cloned_voices": [{A}, {value}]}}', f"{A}\n{value}"):
        good, bad = read_records(data)
        assert (good.row, bad.row, [fault.problem for fault in bad.faults]) == (ADA, None, ["is not an object."])


def test_an_ndjson_line_that_is_not_json_is_one_invalid_record() -> None:
    data = f'{A}\n{{"id": 3,\n{B}'

    assert rows(data) == [ADA, None, BO]
    assert faults(data) == ['Record 2: "{\\"id\\": 3," is not JSON. Write one complete object per line.']


@pytest.mark.parametrize(
    "line", ["{,}", "{'id': 1}", "{} {}", '{"id": NaN}', '{"id": Infinity}', '{"id": -Infinity}', '{"id": 01}', "\x0bx"]
)
def test_almost_json_is_an_invalid_record(line: str) -> None:
    assert [record.row for record in read_records(f"{A}\n{line}\n{B}")] == [ADA, None, BO]


def test_a_number_of_five_thousand_digits_is_a_fault() -> None:
    digits = "9" * 5000

    for field in ("id", "quality_score", "synthesis_count"):
        record = json.dumps(voice_to_json(ADA) | {field: 0}).replace(f'"{field}": 0', f'"{field}": -{digits}')
        (fault,) = faults(f"[{record}]")
        assert fault.startswith(f"Record 1, {field}: -{digits[:70]}")
        assert "is out of range." in fault
        assert len(fault) < 250


@pytest.mark.parametrize(("score", "problem"), [("1e400", "is out of range."), ("-1e400", "is out of range.")])
def test_a_score_too_large_for_a_float_is_out_of_range(score: str, problem: str) -> None:
    record = json.dumps(voice_to_json(ADA) | {"quality_score": 0}).replace(
        '"quality_score": 0', f'"quality_score":{score}'
    )

    assert [fault.problem for one in read_records(f"[{record}]") for fault in one.faults] == [problem]


def test_unpaired_surrogates_and_nuls_are_printable_faults() -> None:
    record = json.dumps(voice_to_json(ADA) | {"name": "a\ud800b", "language": "\0", "\udc00": "\udfff"})

    found = faults(record)

    assert found == [
        'Record 1, name: "a\\ud800b" contains an unpaired surrogate. Write the complete character, or remove it.',
        'Record 1, language: "\\u0000" contains a NUL character. Remove it.',
    ]
    "".join(found).encode()


def test_an_escaped_surrogate_pair_is_one_character() -> None:
    assert rows(json.dumps(voice_to_json(BO))) == [BO]


def test_a_csv_fault_contains_the_cell() -> None:
    data = f"{HEADER}\n{CSV_A.replace('ready', 'Ready')}\n{CSV_B}\n{CSV_A.replace('1,', 'one,', 1)}"

    assert faults(data) == [
        'Record 1, status: "Ready" is not a status. Use one of processing, ready, failed, archived.',
        'Record 3, id: "one" is not an integer. Give one from 1 to 9223372036854775807, in digits.',
    ]


@pytest.mark.parametrize(("row", "cells"), [(CSV_A[:-2], 10), (CSV_A + ",", 12), ("x", 1), (",", 2)])
def test_a_csv_row_with_another_number_of_cells_is_an_invalid_record(row: str, cells: int) -> None:
    data = f"{HEADER}\n{CSV_A}\n{row}\n{CSV_B}"

    assert rows(data) == [ADA, None, BO]
    assert faults(data) == [
        f"Record 2: has {cells} cells, but the header has 11. Put texts with commas in quotation marks."
    ]


def test_a_nul_in_a_csv_cell_is_a_fault() -> None:
    with_nul = CSV_A.replace("Ada", "A\0a")

    assert faults(f"{HEADER}\n{with_nul}") == ['Record 1, name: "A\\u0000a" contains a NUL character. Remove it.']


# Broken inputs


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("{}", "has no list “cloned_voices”."),
        ('{"success": true}', "has no list “cloned_voices”."),
        ('{"cloned_voices": null}', "has no list “cloned_voices”."),
        ('{"cloned_voices": {}}', "has no list “cloned_voices”."),
        ('{"success": false}', "is a response without success."),
        ('{"success": false, "error": "x", "cloned_voices": []}', "is a response without success."),
        (f'{{"cloned_voices": [{A}], "success": false}}', "is a response without success."),
        ('{"detail": "Assistant not found"}', "is an error response of the API: 'Assistant not found'."),
        ('{"detail": [{"loc": []}]}', "is an error response of the API: [{'loc': []}]."),
        (f'{{"cloned_voices": [{A}], "detail": "late"}}', "is an error response of the API: 'late'."),
        (f'{{"cloned_voices": [{A}], "cloned_voices": [{B}]}}', "has the list “cloned_voices” twice."),
        (f"[{A}] x", "continues after its end."),
        (f"[{A}][{B}]", "continues after its end."),
        (f'{{"cloned_voices": [{A}]}}{{"cloned_voices": [{B}]}}', "continues after its end."),
        (f'{{"cloned_voices": [{A}]}}\n{B}', "continues after its end."),
        (f"[{A}]\0", "continues after its end."),
    ],
)
def test_a_response_without_voices_is_refused_as_a_whole(data: str, problem: str) -> None:
    assert refusal(data).startswith(INPUT + problem)


@pytest.mark.parametrize(
    ("data", "record"),
    [
        ("[", 1),
        ("[1", 1),
        (f"[{A}", 1),
        (f"[{A},", 2),
        (f"[{A} {B}]", 1),
        (f"[{A},]", 2),
        (f"[{A},,{B}]", 2),
        (f"[{A}, {B[:-1]}", 2),
        (f"[{A}, NaN]", 2),
        (f'[{A}, {{"id": Infinity}}]', 2),
        (f"[{A}, {{'id': 1}}]", 2),
        (f'[{A}, "two\nlines"]', 2),
        (f'{{"cloned_voices": [{A}', 1),
        (f'{{"cloned_voices": [{A}]', 2),
        (f'{{"cloned_voices": [{A}],', 2),
        (f'{{"cloned_voices": [{A}], "success"', 2),
        (f'{{"cloned_voices": [{A}], 5: 1}}', 2),
        (f'{{"cloned_voices": [{A}] "success": true}}', 2),
        ('{"success": true, "cloned_voices": [', 1),
    ],
)
def test_broken_json_is_refused_with_the_number_of_its_record(data: str, record: int) -> None:
    assert refusal(data).startswith(f"Record {record}: is incomplete or not JSON: ")


@pytest.mark.parametrize("begin", ["[", '{"a":', '[{"id":', '{"cloned_voices": [', '{"cloned_voices": [{"id": '])
def test_a_hundred_thousand_nested_values_are_refused(begin: str) -> None:
    for data in (begin * 100_000, begin + "[" * 100_000 + "]" * 100_000, begin + '{"a":' * 100_000):
        found, broken = outcome(io.BytesIO(data.encode()))
        assert [record.row for record in found if record.row is not None] == []
        assert broken is not None or [fault for record in found for fault in record.faults]


@pytest.mark.parametrize(
    ("data", "missing"),
    [
        ("hello", ", ".join(FIELDS)),
        ("<!doctype html>\n<title>504</title>", ", ".join(FIELDS)),
        ("5", ", ".join(FIELDS)),
        ("null", ", ".join(FIELDS)),
        (HEADER.replace("gender,", ""), "gender"),
        (HEADER.replace("gender", "Gender"), "gender"),
        (HEADER.replace("gender", " gender"), "gender"),
        (f"{HEADER},id,name", "id, name"),
        (HEADER.replace(",", ";"), ", ".join(FIELDS)),
        (HEADER.replace(",", "\t"), ", ".join(FIELDS)),
        (CSV_A, ", ".join(FIELDS)),
        ("\0\0", ", ".join(FIELDS)),
    ],
)
def test_a_csv_must_have_all_eleven_columns_once(data: str, missing: str) -> None:
    assert refusal(data + "\n") == (
        f"{INPUT}is not JSON, and its first line is not a CSV header: missing or repeated: {missing}. "
        f"Give all eleven columns: {HEADER}."
    )


@pytest.mark.parametrize(
    ("rest", "record"),
    [
        (f'{CSV_A}\n"never closed,{CSV_B}\n', 2),
        (f'{CSV_A}\n{CSV_B}\n"', 3),
        (f'"a"b,{CSV_A}', 1),
        (f"{CSV_A}\rold Mac\n", 1),
        (f'{CSV_A}\n"{"x" * 200_000}"', 2),
    ],
)
def test_broken_csv_is_refused_with_the_number_of_its_record(rest: str, record: int) -> None:
    assert refusal(f"{HEADER}\n{rest}").startswith(f"Record {record}: is not valid CSV: ")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "cp1252", "utf-32"])
@pytest.mark.parametrize("data", [f"[{A}, {B}]", f"{A}\n{B}", f"{HEADER}\n{CSV_A}\n{CSV_B}"])
def test_another_encoding_is_refused(data: str, encoding: str) -> None:
    found = refusal(data.replace("“Bo” 😀", "Ñ").encode(encoding))

    assert found == f"{INPUT}is not UTF-8 text. Save it as UTF-8."


def test_utf_16_without_a_byte_order_mark_has_no_valid_record() -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        found, broken = outcome(io.BytesIO(f"{A}\n{A}".encode(encoding)))
        assert broken is not None or [record.row for record in found] == [None] * len(found) != []


# Streams


@pytest.mark.parametrize(
    ("begin", "good"),
    [("[", f"{A},\n"), ('{"cloned_voices": [', f"{A},\n"), ("", f"{A}\n"), (f"{HEADER}\n", f"{CSV_A}\n")],
    ids=["array", "answer", "lines", "csv"],
)
def test_records_of_an_endless_stream_are_read_one_by_one(begin: str, good: str) -> None:
    raw = SlowStream(chain([begin.encode()], repeat(good.encode() * 100)), size=1 << 16)

    found = list(islice(read_voices(io.BufferedReader(raw)), 5000))

    assert [record.row for record in found] == [ADA] * 5000
    assert raw.given < 5000 * len(good.encode()) + 3 * json_stream.BLOCK_SIZE


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
        faults = next(read_voices(io.BufferedReader(raw))).faults
    except UnreadableInput as bad:
        faults = (bad.fault,)

    assert faults
    assert raw.given < limit or rest == " "


def documents() -> Iterator[tuple[str, str]]:
    """Yield one input of each kind, valid and invalid, with its name."""
    for format in ExportFormat:
        yield f"{format.value}", "".join(format_file([ADA, BO], format))
    yield "array", f"[{A},\n{B}]"
    yield "faulty", f'[{{"id": 0, "x": 1}}, 5, {A}, 1234567, "text", null, {B}]'
    yield "numbers", "[1234567, 12.5, -3e4, 0]"
    yield "faulty lines", f"{A}\nnonsense\n12\n\n{B}"
    yield "late answer", f'{{"note": [1, 2, {{"a": "b"}}], "cloned_voices": [{A}, {B}], "total": 2}}'
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
    data = "".join(format_file(voices, format)).encode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "BLOCK_SIZE", block)
        assert rows(data) == voices


@pytest.mark.parametrize("data", [f"[{A},{B}]", f'{{"cloned_voices": [{A},{B}]}}', f"{A}\n{B}", f"{HEADER}\n{CSV_A}\n"])
def test_a_byte_that_is_not_utf_8_is_refused_at_any_position(monkeypatch: pytest.MonkeyPatch, data: str) -> None:
    monkeypatch.setattr(json_stream, "BLOCK_SIZE", 1)
    encoded = data.encode()

    for place in range(len(encoded) + 1):
        stream = io.BufferedReader(SlowStream([encoded[:place], b"\xff", encoded[place:]]))
        _, broken = outcome(stream)
        assert broken is not None, place
        assert broken.problem == "is not UTF-8 text." or place < 2, place


@pytest.mark.parametrize("data", [f"[{A}, {B}]", f'{{"success": true, "cloned_voices": [{A}, {B}]}}'])
def test_truncated_json_is_never_read_as_complete(data: str) -> None:
    encoded = data.encode()

    for end in range(1, len(encoded)):
        found, broken = outcome(io.BytesIO(encoded[:end]))
        assert broken is not None or any(record.faults for record in found), encoded[:end]


def test_truncated_ndjson_has_an_invalid_last_record() -> None:
    encoded = f"{A}\n{B}".encode()

    for end in set(range(1, len(encoded))) - {len(A), len(A) + 1}:
        found, broken = outcome(io.BytesIO(encoded[:end]))
        assert broken is not None or found[-1].faults, encoded[:end]


def damaged(data: bytes, place: int, piece: bytes, length: int) -> bytes:
    """Return an input with a piece of it replaced."""
    place %= len(data)
    return data[:place] + piece + data[place + length :]


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
    name: str, place: int, piece: bytes, length: int, block: int
) -> None:
    data = damaged(DOCUMENTS[name].encode(), place, piece, length)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "BLOCK_SIZE", block)
        found, broken = outcome(io.BytesIO(data))

    lines = [str(fault) for record in found for fault in record.faults] + [str(broken or "")]
    assert all(line.isprintable() for line in lines)
