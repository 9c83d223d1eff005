"""The formats of import files."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.voices.importing.reading.scenario import (
    ADA,
    BO,
    CSV_A,
    HEADER,
    INPUT,
    A,
    B,
    notices,
    read_records,
    refusal,
    rows,
)
from voiceadmin.tabular import ExportFormat
from voiceadmin.voices.exporting.writing import format_file
from voiceadmin.voices.json_body import FIELDS, voice_to_json
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(f'{{"success": true, "cloned_voices": [{A}, {B}]}}', id="response"),
        pytest.param(f'{{"success":true,"cloned_voices":[{A},{B}]}}', id="response-without-spaces"),
        pytest.param(f'{{\n\t"cloned_voices" :\r\n[\n{A}\n,\n{B}\n]\n}}\n\n', id="response-with-many-spaces"),
        pytest.param(f'{{"cloned_voices": [{A}, {B}], "success": true}}', id="response-in-reverse-order"),
        pytest.param(
            f'{{"total": 2, "page": {{"a": [1]}}, "cloned_voices": [{A}, {B}], "next": null}}',
            id="response-with-more-fields",
        ),
        pytest.param(f"[{A}, {B}]", id="array"),
        pytest.param(json.dumps([voice_to_json(ADA), voice_to_json(BO)], indent=4), id="indented-array"),
        pytest.param(f"{A}\n{B}\n", id="lines"),
        pytest.param(f"{A}\n{B}", id="lines-without-final-newline"),
        pytest.param(f"\n\n{A}\r\n\n  {B}  \n \n", id="lines-with-blank-lines"),
        pytest.param(f'\ufeff{{"cloned_voices": [{A}, {B}]}}', id="response-with-byte-order-mark"),
        pytest.param(f"\ufeff[{A}, {B}]", id="array-with-byte-order-mark"),
        pytest.param(f"\ufeff{A}\n{B}", id="lines-with-byte-order-mark"),
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
def test_nothing_is_not_an_empty_list(data: str) -> None:
    assert refusal(data) == f"{INPUT}is empty. Check the command that wrote it; a list without voices is []."


@pytest.mark.parametrize("data", ["[]", '{"cloned_voices": []}', f"{HEADER}\r\n"])
def test_an_empty_list_has_no_records(data: str) -> None:
    assert read_records(data) == []


@pytest.mark.parametrize("detail", ["null", '""', "[]"])
def test_an_empty_detail_beside_a_list_is_no_error(detail: str) -> None:
    assert rows(f'{{"success": true, "detail": {detail}, "cloned_voices": [{A}, {B}]}}') == [ADA, BO]


@pytest.mark.parametrize("member", ['"has_more": true', '"next_page_token": "x"', '"next": "/page/2"'])
def test_a_response_that_continues_on_another_page_is_noted(member: str) -> None:
    (notice,) = notices(f'{{"cloned_voices": [{A}], {member}}}')

    assert notice.startswith(f"The response says that there are more voices ({member.split(chr(34))[1]}). Import")
    assert notices(f'{{"cloned_voices": [{A}], "has_more": false, "next": null}}') == []


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
