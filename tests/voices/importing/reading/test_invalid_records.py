"""Invalid records of readable files."""

from __future__ import annotations

import json

import pytest

from tests.voices.importing.reading.scenario import ADA, BO, CSV_A, CSV_B, HEADER, A, B, faults, read_records, rows
from voiceadmin.voices.json_body import FIELDS, voice_to_json


def test_every_fault_of_every_record_is_reported() -> None:
    valid, invalid = (
        voice_to_json(ADA),
        {"id": "x", "name": "Bo", "provider": "", "status": "gone", "synthesis_count": 1},
    )

    assert faults(json.dumps([invalid, valid, 5, invalid | {"created_at": "soon"}])) == [
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
        valid, invalid = read_records(data)
        assert (valid.row, invalid.row, [fault.problem for fault in invalid.faults]) == (
            ADA,
            None,
            ["is not an object."],
        )


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
        'Row 2, status: "Ready" is not a status. Use one of processing, ready, failed, archived.',
        'Row 4, id: "one" is not an integer. Give one from 1 to 9223372036854775807, in digits.',
    ]


@pytest.mark.parametrize(("row", "cells"), [(CSV_A[:-2], 10), (CSV_A + ",", 12), ("x", 1), ("x,", 2)])
def test_a_csv_row_with_another_number_of_cells_is_an_invalid_record(row: str, cells: int) -> None:
    data = f"{HEADER}\n{CSV_A}\n{row}\n{CSV_B}"

    assert rows(data) == [ADA, None, BO]
    assert faults(data) == [
        f"Row 3: has {cells} cells, but the header has 11. Put texts with separators in quotation marks."
    ]


def test_a_nul_in_a_csv_cell_is_a_fault() -> None:
    with_nul = CSV_A.replace("Ada", "A\0a")

    assert faults(f"{HEADER}\n{with_nul}") == ['Row 2, name: "A\\u0000a" contains a NUL character. Remove it.']
