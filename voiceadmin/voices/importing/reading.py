"""Readers of import files: the API's response, a JSON array, NDJSON, or the exported CSV.

Every format is read as a stream: memory holds one record and one block, however long the input is.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, NoReturn

from voiceadmin.tabular import unescape_formula
from voiceadmin.voices.importing.json_stream import DECODER, MAX_VALUE_LENGTH, JsonStream
from voiceadmin.voices.importing.types import Fault, UnreadableInput
from voiceadmin.voices.json_body import FIELDS, InvalidVoice, parse_voice
from voiceadmin.voices.types.rows import VoiceRow


class ParsedRecord(NamedTuple):
    """One record of the input.

    Attributes:
        number: position in the input, from 1.
        row: None if the record is invalid; `faults` contains the reasons.
        unknown_fields: how many fields the API does not have; they are ignored.
    """

    number: int
    row: VoiceRow | None
    faults: tuple[Fault, ...]
    unknown_fields: int


def read_voices(stream: BinaryIO) -> Iterator[ParsedRecord]:
    """Detect the format from the first characters and yield every record, valid or not.

    Raises:
        UnreadableInput: possibly after many valid records, if the input is not UTF-8, is incomplete or has none of
            the formats.
    """
    text = JsonStream(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""))
    match text.peek():
        case "[":
            yield from _read_array(text)
        case "{" if _is_response(text):
            yield from _read_response(text)
        case "{" | "":
            yield from _read_ndjson(text)
        case _:
            yield from _read_csv(text)


_KNOWN_FIELDS = frozenset(FIELDS)


def _parse_record(number: int, raw: object) -> ParsedRecord:
    if not isinstance(raw, dict):
        remedy = f"Give an object with the fields {', '.join(FIELDS)}."
        return _invalid(number, "is not an object.", remedy, value=raw)
    unknown = 0 if raw.keys() == _KNOWN_FIELDS else len(raw.keys() - _KNOWN_FIELDS)
    try:
        return ParsedRecord(number, parse_voice(raw), (), unknown)
    except InvalidVoice as invalid:
        return ParsedRecord(number, None, tuple(Fault(number, *error) for error in invalid.errors), unknown)


def _invalid(number: int, problem: str, remedy: str, *, value: object = None) -> ParsedRecord:
    """Return a record that is invalid as a whole."""
    return ParsedRecord(number, None, (Fault(number, None, value, problem, remedy),), 0)


def _refuse(problem: str, remedy: str, *, record: int | None = None, cause: Exception | None = None) -> NoReturn:
    raise UnreadableInput(Fault(record, None, None, problem, remedy)) from cause


# JSON


_LIST_BEGINS = re.compile(r'"cloned_voices"\s*:\s*\[')


def _is_response(text: JsonStream) -> bool:
    """Return whether an input that begins with { is one response of the API, rather than NDJSON."""
    while True:
        try:
            first, _ = DECODER.raw_decode(text.buffer, text.position)
        except (ValueError, RecursionError):
            if _LIST_BEGINS.search(text.buffer, text.position):
                return True
            if not text.read_more():
                return False
        else:
            return "cloned_voices" in first or not any(name in first for name in FIELDS)


def _read_response(text: JsonStream) -> Iterator[ParsedRecord]:
    """Yield the records of the API's response, and check the members before and after the list."""
    text.skip("{")
    has_list, number = False, 0
    has_more = not text.skip("}")
    while has_more:
        try:
            name = text.read_value()
            if not isinstance(name, str) or not text.skip(":"):
                raise ValueError("A name with a colon is missing")
            if name == "cloned_voices" and text.peek() == "[":
                if has_list:
                    _refuse("has the list “cloned_voices” twice.", "Import one response of the API at a time.")
                has_list = True
                for record in _read_array(text, is_whole_input=False):
                    number = record.number
                    yield record
            else:
                _check_member(name, text.read_value())
            has_more = text.skip_separator("}")
        except ValueError as error:
            _refuse_broken_json(number + 1, error)
    if not has_list:
        _refuse("has no list “cloned_voices”.", "Import the complete response of the API.")
    _check_end(text)


def _check_member(name: str, value: object) -> None:
    """Refuse a response that reports a failure."""
    if name == "success" and value is False:
        _refuse("is a response without success.", "Call the API again and import its list of voices.")
    if name == "detail":
        _refuse(f"is an error response of the API: {value!r:.200}.", "Fix that error, then call the API again.")


def _read_array(text: JsonStream, *, is_whole_input: bool = True) -> Iterator[ParsedRecord]:
    text.skip("[")
    number = 0
    has_more = not text.skip("]")
    while has_more:
        number += 1
        try:
            yield _parse_record(number, text.read_value())
            has_more = text.skip_separator("]")
        except ValueError as error:
            _refuse_broken_json(number, error)
    if is_whole_input:
        _check_end(text)


def _refuse_broken_json(number: int, error: ValueError) -> NoReturn:
    reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    _refuse(f"is incomplete or not JSON: {reason}.", "Get the complete file again.", record=number, cause=error)


def _check_end(text: JsonStream) -> None:
    if text.peek():
        _refuse("continues after its end.", "Import one response of the API at a time.")


def _read_ndjson(text: JsonStream) -> Iterator[ParsedRecord]:
    number = 0
    while line := text.read_line():
        if not line.strip():
            continue
        number += 1
        try:
            yield _parse_record(number, DECODER.decode(line))
        except (ValueError, RecursionError):
            yield _invalid(number, "is not JSON.", "Write one complete object per line.", value=line.strip())


# CSV


_TEXT_FIELDS = ("name", "provider", "provider_voice_id", "language", "gender")


def _read_csv(text: JsonStream) -> Iterator[ParsedRecord]:
    """Yield the records of a CSV file. An empty cell is null where the field may be null."""
    number = 0
    try:
        rows = _read_csv_rows(text)
        header = next(rows, [])
        _check_csv_header(header)
        for number, cells in enumerate(rows, 1):
            if len(cells) == len(header):
                raw = dict(zip(header, cells, strict=True))
                raw.update((name, unescape_formula(raw[name])) for name in _TEXT_FIELDS)
                yield _parse_record(number, raw)
            else:
                problem = f"has {len(cells)} cells, but the header has {len(header)}."
                yield _invalid(number, problem, "Put texts with commas in quotation marks.")
    except csv.Error as error:
        _refuse(f"is not valid CSV: {error}.", "Export the file again.", record=number + 1, cause=error)


def _check_csv_header(header: list[str]) -> None:
    if missing := [name for name in FIELDS if header.count(name) != 1]:
        _refuse(
            f"is not JSON, and its first line is not a CSV header: missing or repeated: {', '.join(missing)}.",
            f"Give all eleven columns: {','.join(FIELDS)}.",
        )


def _read_csv_rows(text: JsonStream) -> Iterator[list[str]]:
    """Yield all rows that are not empty.

    Raises:
        csv.Error: also for a row that is too long, such as one with an unclosed quotation mark.
    """
    row_length = 0

    def read_lines() -> Iterator[str]:
        nonlocal row_length
        while line := text.read_line():
            row_length += len(line)
            if row_length > MAX_VALUE_LENGTH:
                raise csv.Error("the row is too long")
            yield line

    for row in csv.reader(read_lines(), strict=True):
        row_length = 0
        if row:
            yield row
