"""Ids in addresses: of a page, anything that can be no id is no address; of the API, it is a fault to name."""

from __future__ import annotations

from werkzeug.routing import BaseConverter, ValidationError

from voiceadmin.text import MAX_ID, parse_integer


class IdConverter(BaseConverter):
    """`<id:voice_id>`: an integer that an id can be. Everything else is a 404."""

    regex = "[+-]?[0-9]+"

    def to_python(self, value: str) -> int:
        """Read it. Raises werkzeug's ValidationError, which means: no such address."""
        number = parse_integer(value)
        if number is None or not 1 <= number <= MAX_ID:
            raise ValidationError
        return number
