"""Files that are refused as a whole."""

from __future__ import annotations

import io

import pytest

from tests.voices.importing.reading.scenario import CSV_A, CSV_B, HEADER, INPUT, A, B, outcome, refusal


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
        found, failure = outcome(io.BytesIO(data.encode()))
        assert [record.row for record in found if record.row is not None] == []
        assert failure is not None or [fault for record in found for fault in record.faults]


@pytest.mark.parametrize("data", ["hello", "5", "null", CSV_A, "\0\0", "usage: curl [options]\n\n  --help"])
def test_another_text_is_refused(data: str) -> None:
    assert refusal(data + "\n") == (
        f"{INPUT}is neither JSON nor a CSV table of voices: its first line names no field of a voice. "
        "Import the response of the API, or give a header with id, name, provider, status, created_at, synthesis_count."
    )


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (HEADER.replace("status,", ""), "missing: status"),
        (f"{HEADER},id,Name", "repeated: id, name"),
        (f"{HEADER},gender".replace("id,", "", 1), "missing: id; repeated: gender"),
    ],
)
def test_a_csv_must_have_the_required_columns_and_each_column_once(header: str, problem: str) -> None:
    assert refusal(f"{header}\n") == (
        f"{INPUT}has a header with columns {problem}. "
        "Give id, name, provider, status, created_at, synthesis_count once each."
    )


@pytest.mark.parametrize(
    ("rest", "record"),
    [
        (f'{CSV_A}\n"never closed,{CSV_B}\n', 3),
        (f'{CSV_A}\n{CSV_B}\n"', 4),
        (f'"a"b,{CSV_A}', 2),
        (f'{CSV_A}\n"{"x" * 200_000}"', 3),
    ],
)
def test_broken_csv_is_refused_with_the_number_of_its_record(rest: str, record: int) -> None:
    assert refusal(f"{HEADER}\n{rest}").startswith(f"Row {record}: is not valid CSV: ")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-32"])
@pytest.mark.parametrize("data", [f"[{A}, {B}]", f"{A}\n{B}", f"{HEADER}\n{CSV_A}\n{CSV_B}"])
def test_another_encoding_is_refused(data: str, encoding: str) -> None:
    found = refusal(data.replace("“Bo” 😀", "Ñ").encode(encoding))

    assert found == (
        f"{INPUT}is not UTF-8 text. "
        "Save it as UTF-8; spreadsheets call that “CSV UTF-8”, and save “CSV” as Windows-1252."
    )


def test_utf_16_without_a_byte_order_mark_has_no_valid_record() -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        found, failure = outcome(io.BytesIO(f"{A}\n{A}".encode(encoding)))
        assert failure is not None or [record.row for record in found] == [None] * len(found) != []
