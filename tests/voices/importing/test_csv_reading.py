"""CSV files as spreadsheets and database tools write them."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.factories import voice_row
from tests.voices.importing.actions.scenario import run_import
from tests.voices.importing.reading.scenario import (
    ADA,
    BO,
    CSV_A,
    CSV_B,
    HEADER,
    faults,
    notices,
    read_records,
    rows,
)

REQUIRED = "id,name,provider,status,created_at,synthesis_count"
REMEDY = "Export again, and format the column as text before the spreadsheet opens it."
ROW = "1,Ada,elevenlabs,ready,2026-01-10T08:00:00Z,0"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("begin", ["", "\ufeff", "sep={}\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_every_separator_line_end_and_encoding_is_recognized(
    end: str, separator: str, begin: str, encoding: str
) -> None:
    if encoding == "utf-16":
        begin = begin.replace("\ufeff", "")  # the encoder writes one
    table = end.join([HEADER, CSV_A, CSV_B, ""]).replace(",", separator)

    assert rows((begin.format(separator) + table).encode(encoding)) == [ADA, BO]


def test_columns_are_found_by_name_in_any_case_and_order() -> None:
    header = ' Synthesis Count,CREATED_AT,"Status", provider ,Name,ID'

    assert rows(f"{header}\n{','.join(reversed(ROW.split(',')))}\n") == rows(f"{REQUIRED}\n{ROW}\n")


def test_only_the_required_columns_must_be_there() -> None:
    (row,) = rows(f"{REQUIRED}\n{ROW}")

    assert row == voice_row(
        id=1, name="Ada", provider_voice_id="", language=None, quality_score=None, created_at=ADA.created_at
    )


def test_unknown_columns_are_named_once() -> None:
    data = f"{REQUIRED},Notes,Owner,\n{ROW},x,y,\n{ROW.replace('1', '2', 1)},x,y,\n"

    assert notices(data) == ["Ignored 2 columns that voices do not have: Notes, Owner."]


def test_rows_are_numbered_as_in_a_spreadsheet() -> None:
    two_lines, invalid = ROW.replace("Ada", '"two\nlines"'), ROW.replace("ready", "done")
    data = f"{REQUIRED}\n\n{two_lines}\n,,,,,\n{invalid}\n"

    assert [record.number for record in read_records(data)] == [3, 5]
    assert faults(data) == ['Row 5, status: "done" is not a status. Use one of processing, ready, failed, archived.']


def test_a_decimal_comma_is_read_where_the_separator_is_not_a_comma() -> None:
    data = f"{REQUIRED},quality_score\n{ROW},".replace(",", ";")

    assert [row and row.quality_score for row in rows(f"{data}0,85")] == [0.85]
    assert faults(f'{REQUIRED},quality_score\n{ROW},"0,85"') == [
        'Row 2, quality_score: "0,85" is not a number. Give one from 0.0 to 1.0, or null if the voice has no score.'
    ]


@pytest.mark.parametrize("number", ["12", "12.0", "12.00", " 12 "])
def test_whole_numbers_may_have_decimals(number: str) -> None:
    data = f"{REQUIRED}\n{number},Ada,elevenlabs,ready,2026-01-10T08:00:00Z,{number}"

    assert [row and (row.id, row.synthesis_count) for row in rows(data)] == [(12, 12)]


def test_a_date_without_time_is_midnight_utc() -> None:
    (row,) = rows(f"{REQUIRED}\n{ROW.replace('T08:00:00Z', '')}")

    assert row is not None
    assert row.created_at == ADA.created_at.replace(hour=0)


@pytest.mark.parametrize("damaged", ["2.19E+26", "2,19E+26", "7E+15"])
def test_a_rounded_provider_id_is_refused(damaged: str) -> None:
    data = f"{REQUIRED},provider_voice_id\n{ROW},{damaged}".replace(",", ";").replace("2;19", "2,19")

    (fault,) = faults(data)

    assert fault == f'Row 2, provider_voice_id: "{damaged}" is a rounded number. {REMEDY}'


@pytest.mark.parametrize("placeholder", ["NULL", "nan", "None", "N/A", "#N/A", "undefined"])
def test_a_placeholder_in_place_of_a_provider_id_is_noted_once(placeholder: str) -> None:
    data = f"{REQUIRED},provider_voice_id\n{ROW},{placeholder}\n{ROW},{placeholder}\n"

    assert notices(data) == [f"Row 2 has the provider ID “{placeholder}”. Leave the cell empty if there is none."]


def test_a_provider_id_that_has_lost_its_zeros_is_refused(app: Flask) -> None:
    data = f"{REQUIRED},provider_voice_id\n{ROW},00123\n".replace("1,", "77,", 1).replace("\n1,", "\n77,")
    run_import(data.encode())

    _, found = run_import(data.replace("00123", "123").encode())
    _, other = run_import(data.replace("00123", "9").encode())

    assert found == [f'Row 2, provider_voice_id: "123" lacks the zeros of 00123, which this voice has. {REMEDY}']
    assert other == []
