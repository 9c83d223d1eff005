"""The URL converter for ids of pages. The API parses its ids itself, to report invalid ones."""

from __future__ import annotations

from werkzeug.routing import BaseConverter, ValidationError

from voiceadmin.text import MAX_ID, parse_integer


class IdConverter(BaseConverter):
    """`<id:voice_id>`: an integer from 1 to MAX_ID. Everything else is a 404."""

    regex = "[+-]?[0-9]+"

    def to_python(self, value: str) -> int:
        """Return the id. Raises werkzeug's ValidationError, which results in a 404."""
        number = parse_integer(value)
        if number is None or not 1 <= number <= MAX_ID:
            raise ValidationError
        return number
