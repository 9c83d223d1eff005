"""A reader that decodes JSON values one by one from a text stream, in constant memory.

The standard library decodes only whole texts, and the streaming libraries change or reject values that a record
may contain; docs/decisions.md has the comparison.
"""

from __future__ import annotations

import io
import json
import re
from decimal import Decimal
from typing import Any, NoReturn

from voiceadmin.voices.importing.types import refuse

BLOCK_SIZE = 1 << 16  # characters read at a time

# Characters of one value or line. The eleven fields of a voice need less than a tenth of it, all characters escaped.
MAX_VALUE_LENGTH = 1 << 20


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _parse_integer(digits: str) -> int | Decimal:
    """Return an int, or a Decimal for 40 digits and more: Python refuses to make an int of thousands of digits."""
    return int(digits) if len(digits) < 40 else Decimal(digits)


DECODER = json.JSONDecoder(parse_int=_parse_integer, parse_constant=_reject_constant)

_LINE_END = re.compile(r"\n")

_ANY_LINE_END = re.compile(r"\r\n|\r|\n")

_BLANKS = " \t\r\n"

_WHITESPACE = re.compile(f"[{_BLANKS}]*")


class JsonStream:
    """A position in a text that is read in blocks.

    Attributes:
        buffer: the text that was read and may still be needed.
        position: index of the next character in the buffer.
    """

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.buffer = ""
        self.position = 0

    def peek(self) -> str:
        """Skip whitespace and return the next character without consuming it, or "" at the end."""
        following = self.buffer[self.position : self.position + 1]
        if following and following not in _BLANKS:
            return following  # most records follow each other without blanks, and this is faster
        while True:
            self.position = _WHITESPACE.match(self.buffer, self.position).end()  # type: ignore[union-attr]  # matches always
            if self.position < len(self.buffer):
                return self.buffer[self.position]
            if not self._read_block():
                return ""

    def skip(self, character: str) -> bool:
        """Consume the next character if it is this one, and return whether it was."""
        is_next = self.peek() == character
        self.position += is_next
        return is_next

    def skip_separator(self, closing: str) -> bool:
        """Consume a comma or the closing bracket, and return whether it was a comma.

        Raises:
            ValueError: if neither comes next.
        """
        if self.skip(","):
            return True
        if self.skip(closing):
            return False
        raise ValueError(f"A comma or {closing} is missing")

    def read_value(self) -> Any:
        """Decode and consume one JSON value.

        Raises:
            ValueError: if it is not JSON, incomplete, nested too deeply or longer than MAX_VALUE_LENGTH.
        """
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self.buffer, self.position)
                if end + 2 < len(self.buffer) or not self.read_more():  # a number such as "1" or "1e+" may continue
                    break
            except RecursionError as error:
                raise ValueError("It is nested too deeply") from error
            except ValueError:
                if not self.read_more():
                    raise
        self.position = end
        return value

    def read_match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Consume what a pattern matches at the next character, as far as the text was read; None if it does not.

        pattern: what it matches must not depend on the text that follows.
        """
        self.peek()
        match = pattern.match(self.buffer, self.position)
        if match is not None:
            self.position = match.end()
        return match

    def read_line(self, *, any_end: bool = False) -> str:
        """Consume one line with its end, or the part that was read of a line that is too long; "" at the end.

        any_end: whether a carriage return ends a line as well.
        """
        pattern = _ANY_LINE_END if any_end else _LINE_END
        while True:
            match = pattern.search(self.buffer, self.position)
            if match is not None and (match[0] != "\r" or match.end() < len(self.buffer)):
                end = match.end()
                break
            if not self.read_more():  # a carriage return at the end of the block may be the first half of a line end
                end = len(self.buffer) if match is None else match.end()
                break
        line, self.position = self.buffer[self.position : end], end
        return line

    def read_more(self) -> bool:
        """Read more of the value or line at the position. Return False at the end, or if it is too long already."""
        return len(self.buffer) - self.position <= MAX_VALUE_LENGTH and self._read_block()

    def _read_block(self) -> bool:
        """Read a block as long as the unconsumed text, so that a long value is decoded only a few times."""
        try:
            block = self._text.read(max(BLOCK_SIZE, len(self.buffer) - self.position))
        except UnicodeDecodeError as error:
            remedy = "Save it as UTF-8; spreadsheets call that “CSV UTF-8”, and save “CSV” as Windows-1252."
            refuse("is not UTF-8 text.", remedy, cause=error)
        if block:
            self.buffer, self.position = self.buffer[self.position :] + block, 0
        return bool(block)
