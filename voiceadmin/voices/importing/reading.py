"""Files that bring voices in: the API's answer, a bare array, one object a line, or the exported CSV.

All are read as a stream: no more than one record and one block is held, however long the input.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO, NamedTuple, NoReturn

from voiceadmin.errors import Problem
from voiceadmin.tabular import unescape_formula
from voiceadmin.voices.importing.types import Fault
from voiceadmin.voices.json_body import FIELDS, InvalidVoice, parse_voice
from voiceadmin.voices.types.rows import VoiceRow

BLOCK = 1 << 16  # characters read at a time


LONGEST = 1 << 20  # characters of one record: far above what eleven bounded fields can need


class BadInput(Problem):
    """The input as a whole cannot be read; what was read of it before may look good but must not count."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class Incoming(NamedTuple):
    """One record that came in. number: from 1. row: None when it is bad, and then `faults` says why.

    unknown: fields that the API does not have, which were passed over.
    """

    number: int
    row: VoiceRow | None
    faults: tuple[Fault, ...]
    unknown: int


def read_voices(stream: BinaryIO) -> Iterator[Incoming]:
    """Recognise the format by its first characters and read every record, the bad ones too.

    Raises BadInput, possibly after many good records, when the input is not
    UTF-8, breaks off or is none of the formats.
    """
    cursor = _Cursor(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""))
    match cursor.peek():
        case "[":
            yield from _array(cursor)
        case "{" if _is_answer(cursor):
            yield from _answer(cursor)
        case "{" | "":
            yield from _lines(cursor)
        case _:
            yield from _csv(cursor)


_KNOWN = frozenset(FIELDS)


def _incoming(number: int, raw: object) -> Incoming:
    if not isinstance(raw, dict):
        fault = Fault(number, None, raw, "is not an object.", f"Give one with the fields {', '.join(FIELDS)}.")
        return Incoming(number, None, (fault,), 0)
    unknown = 0 if raw.keys() == _KNOWN else len(raw.keys() - _KNOWN)
    try:
        return Incoming(number, parse_voice(raw), (), unknown)
    except InvalidVoice as bad:
        return Incoming(number, None, tuple(Fault(number, *blame) for blame in bad.errors), unknown)


def _fail(problem: str, remedy: str, *, record: int | None = None, cause: Exception | None = None) -> NoReturn:
    raise BadInput(Fault(record, None, None, problem, remedy)) from cause


# JSON


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _whole_number(digits: str) -> int | Decimal:
    """Python refuses to make an int of thousands of digits; such a number stays what it is and is refused later."""
    return int(digits) if len(digits) < 40 else Decimal(digits)


_DECODER = json.JSONDecoder(parse_int=_whole_number, parse_constant=_no_constant)


_SPACE = re.compile(r"[ \t\r\n]*")


_LIST_BEGINS = re.compile(r'"cloned_voices"\s*:\s*\[')


class _Cursor:
    """A place in a text that arrives in blocks."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.text = text
        self.buffer = ""
        self.at = 0

    def more(self) -> bool:
        """Read a further block, twice as long each time for the same place. False at the end of the input."""
        try:
            block = self.text.read(max(BLOCK, len(self.buffer) - self.at))
        except UnicodeDecodeError as error:
            _fail("is not UTF-8 text.", "Save it in that encoding.", cause=error)
        if block:
            self.buffer, self.at = self.buffer[self.at :] + block, 0
        return bool(block)

    def peek(self) -> str:
        """The next character that is not space, or "" at the end."""
        while True:
            self.at = _SPACE.match(self.buffer, self.at).end()  # type: ignore[union-attr]  # matches always
            if self.at < len(self.buffer):
                return self.buffer[self.at]
            if not self.more():
                return ""

    def skip(self, wanted: str) -> bool:
        """Step over one character if it is the wanted one."""
        found = self.peek() == wanted
        self.at += found
        return found

    def another(self, closing: str) -> bool:
        """Step over what stands behind a value: a comma, if there is another one, or the closing bracket."""
        if self.skip(","):
            return True
        if self.skip(closing):
            return False
        raise ValueError(f"A comma or {closing} is missing")

    def value(self) -> Any:
        """Read one JSON value. Raises ValueError when it is not one, ends too early or is too long."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self.buffer, self.at)
                if end + 2 < len(self.buffer) or not self.longer():  # "1" or "1e+" may be the beginning of a number
                    break
            except RecursionError as error:
                raise ValueError("It is nested too deeply") from error
            except ValueError:
                if not self.longer():
                    raise
        self.at = end
        return value

    def longer(self) -> bool:
        """Read more of the value that begins here. False when there is no more, or it is too long already."""
        return len(self.buffer) - self.at <= LONGEST and self.more()

    def line(self) -> str:
        """The next line with its end, or what is held of one that is too long; "" at the end of the input."""
        while (end := self.buffer.find("\n", self.at) + 1) == 0:
            if not self.longer():
                end = len(self.buffer)
                break
        line, self.at = self.buffer[self.at : end], end
        return line


def _broken(number: int, error: ValueError) -> NoReturn:
    what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
    _fail(f"is not JSON or breaks off here: {what}.", "Get the whole file again.", record=number, cause=error)


def _is_answer(cursor: _Cursor) -> bool:
    """Whether an input that begins with { is one answer of the API, rather than one object a line."""
    while True:
        try:
            first, _ = _DECODER.raw_decode(cursor.buffer, cursor.at)
        except (ValueError, RecursionError):
            if _LIST_BEGINS.search(cursor.buffer, cursor.at):
                return True
            if not cursor.longer():
                return False
        else:
            return "cloned_voices" in first or not any(name in first for name in FIELDS)


def _answer(cursor: _Cursor) -> Iterator[Incoming]:
    """The API's object: the list is streamed, whatever stands before and after it is read and judged."""
    cursor.skip("{")
    found, numbers = False, 0
    more = not cursor.skip("}")
    while more:
        try:
            name = cursor.value()
            if not isinstance(name, str) or not cursor.skip(":"):
                raise ValueError("A name with a colon is missing")
            if name == "cloned_voices" and cursor.peek() == "[":
                if found:
                    _fail("has the list “cloned_voices” twice.", "Give one answer of the API a file.")
                found = True
                for incoming in _array(cursor, ends_input=False):
                    numbers = incoming.number
                    yield incoming
            else:
                _judge(name, cursor.value())
            more = cursor.another("}")
        except ValueError as error:
            _broken(numbers + 1, error)
    if not found:
        _fail("has no list “cloned_voices”.", "Give the API's whole answer.")
    _ends(cursor)


def _judge(name: str, value: object) -> None:
    """Refuse an answer that says of itself that it is none."""
    if name == "success" and value is False:
        _fail("is an answer that did not succeed.", "Ask the API again and import what it lists.")
    if name == "detail":
        _fail(f"is an error answer of the API: {value!r:.200}.", "Mend that first.")


def _array(cursor: _Cursor, *, ends_input: bool = True) -> Iterator[Incoming]:
    cursor.skip("[")
    number = 0
    more = not cursor.skip("]")
    while more:
        number += 1
        try:
            yield _incoming(number, cursor.value())
            more = cursor.another("]")
        except ValueError as error:
            _broken(number, error)
    if ends_input:
        _ends(cursor)


def _ends(cursor: _Cursor) -> None:
    if cursor.peek():
        _fail("goes on after its end.", "Give one answer of the API a file.")


def _lines(cursor: _Cursor) -> Iterator[Incoming]:
    number = 0
    while line := cursor.line():
        if not line.strip():
            continue
        number += 1
        try:
            yield _incoming(number, _DECODER.decode(line))
        except (ValueError, RecursionError):
            yield Incoming(
                number, None, (Fault(number, None, line.strip(), "is not JSON.", "Give one whole object a line."),), 0
            )


# CSV

_TEXTS = ("name", "provider", "provider_voice_id", "language", "gender")


def _csv(cursor: _Cursor) -> Iterator[Incoming]:
    """Cells are texts; an empty one is null where the field may be null."""
    number = 0
    try:
        rows = _csv_rows(cursor)
        header = next(rows, [])
        if missing := [name for name in FIELDS if header.count(name) != 1]:
            _fail(
                f"is no JSON, and as CSV its first line does not have once each: {', '.join(missing)}.",
                f"Give all eleven columns: {','.join(FIELDS)}.",
            )
        for number, cells in enumerate(rows, 1):
            if len(cells) != len(header):
                problem = f"has {len(cells)} cells where the first line has {len(header)}."
                yield Incoming(
                    number, None, (Fault(number, None, None, problem, "Put texts with commas in quotation marks."),), 0
                )
                continue
            raw = dict(zip(header, cells, strict=True))
            raw.update((name, unescape_formula(raw[name])) for name in _TEXTS)
            yield _incoming(number, raw)
    except csv.Error as error:
        _fail(f"is not CSV here: {error}.", "Export it again.", record=number + 1, cause=error)


def _csv_rows(cursor: _Cursor) -> Iterator[list[str]]:
    """All rows but the empty ones. Raises csv.Error, also for a row that finds no end among its quoted lines."""
    held = 0

    def lines() -> Iterator[str]:
        nonlocal held
        while line := cursor.line():
            held += len(line)
            if held > LONGEST:
                raise csv.Error("the row is too long")
            yield line

    for row in csv.reader(lines(), strict=True):
        held = 0
        if row:
            yield row
