"""Readers of import files: the API's response, a JSON array, NDJSON, or the exported CSV.

Every format is read as a stream: memory holds one record and one block, however long the input is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, NoReturn

from voiceadmin.voices.importing.csv_reading import read_csv
from voiceadmin.voices.importing.decoding import open_text
from voiceadmin.voices.importing.json_stream import DECODER, JsonStream
from voiceadmin.voices.importing.other_formats import refuse_list_of_provider, refuse_other_list, refuse_other_text
from voiceadmin.voices.importing.plain_records import PLAIN_RECORD, AnyRecord, build_plain_record
from voiceadmin.voices.importing.records import invalid_record, parse_json_record
from voiceadmin.voices.importing.types import refuse
from voiceadmin.voices.json_body import FIELDS


def read_voices(stream: BinaryIO, notify: Callable[[str], None] = lambda _: None) -> Iterator[AnyRecord]:
    """Detect the format from the first characters and yield every record, valid or not, or not decoded yet.

    Args:
        stream: the file.
        notify: called with what a person should know although no record is invalid.

    Raises:
        UnreadableInput: possibly after many valid records, if the input is empty, incomplete, or no list of voices.
    """
    text = JsonStream(open_text(stream))
    match text.peek():
        case "":
            refuse("is empty.", "Check the command that wrote it; a list without voices is [].")
        case "[":
            yield from _read_array(text)
        case "{" if _is_response(text):
            yield from _read_response(text, notify)
        case "{":
            yield from _read_ndjson(text)
        case _:
            refuse_other_text(text.buffer, text.position)
            yield from read_csv(text, notify)


def read_response(stream: BinaryIO, notify: Callable[[str], None] = lambda _: None) -> Iterator[AnyRecord]:
    """Yield every record of a response of the API or of a JSON array, as `read_voices` does.

    Other formats are refused: their end cannot be told from an interruption.

    Raises:
        UnreadableInput: as read_voices.
    """
    text = JsonStream(open_text(stream))
    match text.peek():
        case "":
            refuse("is empty.", "A list without voices is [].")
        case "[":
            yield from _read_array(text)
        case "{":
            yield from _read_response(text, notify)
        case _:
            refuse_other_text(text.buffer, text.position)
            refuse("is not JSON.", "Check the base address.")


# JSON


_LIST_BEGINS = re.compile(r'"cloned_voices"\s*:\s*\[|"[^"]*"\s*:\s*\[\s*[{\]]')


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


def _read_response(text: JsonStream, notify: Callable[[str], None]) -> Iterator[AnyRecord]:
    """Yield the records of the API's response, and check the members before and after the list."""
    text.skip("{")
    has_list, number = False, 0
    other: tuple[str, object] | None = None  # another list: its name and its first value
    has_more = not text.skip("}")
    while has_more:
        try:
            name = text.read_value()
            if not isinstance(name, str) or not text.skip(":"):
                raise ValueError("A name with a colon is missing")
            if name == "cloned_voices" and text.peek() == "[":
                if has_list:
                    refuse("has the list “cloned_voices” twice.", "Import one response of the API at a time.")
                has_list = True
                for record in _read_array(text, is_whole_input=False):
                    number = record.number
                    yield record
            elif text.peek() == "[":
                first = _read_first_of_list(text, name)
                other = other or (name, first)
            else:
                _check_member(name, text.read_value(), notify)
            has_more = text.skip_separator("}")
        except ValueError as error:
            _refuse_broken_json(number + 1, error)
    if not has_list:
        refuse_other_list(*(other or ("", None)))
    _check_end(text)


def _read_first_of_list(text: JsonStream, name: str) -> object:
    """Consume a list that is not the list of voices, and return its first value, None if there is none."""
    text.skip("[")
    first: object = None
    if not text.skip("]"):
        first = text.read_value()
        while text.skip_separator("]"):
            text.read_value()
    _check_member(name, [first] if first is not None else [], lambda _: None)
    return first


def _check_member(name: str, value: object, notify: Callable[[str], None]) -> None:
    """Refuse a response that reports a failure, and note one that continues on another page."""
    if name == "success" and value is False:
        refuse("is a response without success.", "Call the API again and import its list of voices.")
    if name in ("has_more", "next", "next_page", "next_page_token", "next_cursor") and value:
        notify(f"The response says that there are more voices ({name}). Import the following pages as well.")
    if name == "detail" and value:
        refuse(f"is an error response of the API: {value!r:.200}.", "Fix that error, then call the API again.")


def _read_array(text: JsonStream, *, is_whole_input: bool = True) -> Iterator[AnyRecord]:
    text.skip("[")
    number = 0
    has_more = not text.skip("]")
    while has_more:
        number += 1
        try:
            yield _read_record(text, number)
            has_more = text.skip_separator("]")
        except ValueError as error:
            _refuse_broken_json(number, error)
    if is_whole_input:
        _check_end(text)


def _read_record(text: JsonStream, number: int) -> AnyRecord:
    match = text.read_match(PLAIN_RECORD)
    if match is not None:
        return build_plain_record(number, match)
    value = text.read_value()
    if number == 1:
        refuse_list_of_provider(value)
    return parse_json_record(number, value)


def _refuse_broken_json(number: int, error: ValueError) -> NoReturn:
    reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    refuse(f"is incomplete or not JSON: {reason}.", "Get the complete file again.", record=number, cause=error)


def _check_end(text: JsonStream) -> None:
    if text.peek():
        refuse("continues after its end.", "Import one response of the API at a time.")


def _read_ndjson(text: JsonStream) -> Iterator[AnyRecord]:
    number = 0
    while line := text.read_line():
        if not line.strip():
            continue
        number += 1
        yield _read_json_line(number, line.strip("\r\n"))


def _read_json_line(number: int, line: str) -> AnyRecord:
    match = PLAIN_RECORD.fullmatch(line)
    if match is not None:
        return build_plain_record(number, match)
    try:
        return parse_json_record(number, DECODER.decode(line))
    except (ValueError, RecursionError):
        return invalid_record(number, "is not JSON.", "Write one complete object per line.", value=line.strip())
