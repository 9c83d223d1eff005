"""Exported files: exact, safe to open in a spreadsheet, and readable by the import."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.factories import voice_row
from tests.strategies import LISTS
from tests.voices.importing.reading.scenario import rows
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.voices.exporting.writing import format_file, format_response
from voiceadmin.voices.json_body import FIELDS, voice_to_json
from voiceadmin.voices.types.rows import VoiceRow

FORMATS = st.sampled_from(ExportFormat)


@given(LISTS, FORMATS)
def test_every_file_reads_back_to_the_same_voices(voices: list[VoiceRow], format: ExportFormat) -> None:
    assume(voices or format is not ExportFormat.NDJSON)  # nothing at all is not an empty list
    data = "".join(format_file(voices, format)).encode()

    assert rows(data) == voices


@pytest.mark.parametrize("records", ['{"name":"Recepción"},{}', '{"name":"Recepción"},{}'.encode()])
def test_the_response_contains_the_json_bodies_unchanged(records: str | bytes) -> None:
    assert json.loads(format_response(records)) == {"success": True, "cloned_voices": [{"name": "Recepción"}, {}]}


def test_the_response_for_no_voices_is_an_empty_list() -> None:
    assert format_response(None) == b'{"success":true,"cloned_voices":[]}'


@given(LISTS)
def test_a_json_file_is_the_response_with_one_voice_per_line(voices: list[VoiceRow]) -> None:
    text = "".join(format_file(voices, ExportFormat.JSON))

    assert json.loads(text) == {"success": True, "cloned_voices": [voice_to_json(voice) for voice in voices]}
    assert text.count("\n") == len(voices) + 2


@given(LISTS)
def test_an_ndjson_file_has_one_complete_voice_per_line(voices: list[VoiceRow]) -> None:
    text = "".join(format_file(voices, ExportFormat.NDJSON))

    assert [json.loads(line) for line in text.split("\n")[:-1]] == [voice_to_json(voice) for voice in voices]


@given(LISTS)
def test_a_csv_file_has_no_cell_that_a_spreadsheet_would_execute(voices: list[VoiceRow]) -> None:
    text = "".join(format_file(voices, ExportFormat.CSV))

    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert tuple(header) == FIELDS
    assert [len(row) for row in rows] == [len(FIELDS)] * len(voices)
    assert not [cell for row in rows for cell in row if cell.startswith(tuple("=+-@\t\r\n＝＋－＠"))]


def test_csv_cells_are_escaped_and_quoted() -> None:
    voice = voice_row(id=7, name='=HYPERLINK("x","y")', provider_voice_id="a\nb", quality_score=None)

    _, line = "".join(format_file([voice], ExportFormat.CSV)).split("\r\n", 1)

    assert line == ('7,"\'=HYPERLINK(""x"",""y"")",elevenlabs,"a\nb",en,,ready,,2026-01-10T08:00:00Z,,0\r\n')


def test_non_ascii_letters_and_large_numbers_are_written_as_they_are() -> None:
    voice = voice_row(id=2**63 - 1, name="Recepción 😀", quality_score=0.1, synthesis_count=2**63 - 1)

    (line,) = format_file([voice], ExportFormat.NDJSON)

    assert '"name":"Recepción 😀"' in line
    assert f'"id":{2**63 - 1},' in line
    assert '"quality_score":0.1,' in line


@pytest.mark.parametrize(
    ("format", "text"),
    [
        (ExportFormat.JSON, '{"success": true, "cloned_voices": [\n]}\n'),
        (ExportFormat.NDJSON, ""),
        (ExportFormat.CSV, ",".join(FIELDS) + "\r\n"),
    ],
)
def test_a_file_without_voices_has_an_empty_list_or_nothing(format: ExportFormat, text: str) -> None:
    assert "".join(format_file([], format)) == text
    if text:
        assert rows(text.encode()) == []


@pytest.mark.parametrize("count", [0, 1, 2])
def test_other_records_are_written_as_a_json_array_with_one_per_line(count: int) -> None:
    records = [{"name": "=1", "number": number, "more": [1]} for number in range(count)]

    text = "".join(format_records(["name", "number", "more"], records, ExportFormat.JSON))

    assert json.loads(text) == records
    assert text.count("\n") == count + 2


@pytest.mark.parametrize("format", list(ExportFormat))
def test_a_file_is_written_while_its_voices_are_read(format: ExportFormat) -> None:
    read_ids: list[int] = []

    def voices() -> Iterator[VoiceRow]:
        for number in range(1, 100):
            read_ids.append(number)
            yield voice_row(id=number)

    pieces = format_file(voices(), format)
    next(pieces)
    next(pieces, None)

    assert len(read_ids) < 4
