"""Query parameters of the JSON API, with errors in the format of FastAPI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from wtforms import Field, Form, ValidationError
from wtforms.widgets import TextInput

from voiceadmin.text import MAX_ID, parse_integer
from voiceadmin.triage.types import QueueCursor
from voiceadmin.voices.types.provider import PROVIDER_LABELS

Detail = dict[str, Any]  # one entry of FastAPI's "detail": type, loc, msg, input


class QueryField(Field):
    """One query parameter. If it is repeated, the last value applies; an empty value counts as absent."""

    widget = TextInput()
    raw_value = ""
    error_type = ""  # as FastAPI names it, for example "int_parsing"

    def process_formdata(self, valuelist: list[str]) -> None:
        """Use the last value."""
        self.raw_value = valuelist[-1] if valuelist else ""
        self.data: Any = self.raw_value or None

    def fail(self, error_type: str, message: str) -> NoReturn:
        """Stop the validation of this field with an error."""
        self.error_type = error_type
        raise ValidationError(message)


class QueryChoice(QueryField):
    """A parameter with fixed values. choices: the values; None accepts every value."""

    choices: Sequence[str] | None = None

    def pre_validate(self, form: Any) -> None:
        """Require one of the choices, case-sensitive."""
        if self.data is not None and self.choices is not None and self.data not in self.choices:
            *others, last = (f"'{choice}'" for choice in self.choices)
            self.fail("enum", f"Input should be {', '.join(others)} or {last}")


class QueryInteger(QueryField):
    """An integer from `minimum` to `maximum`; the default maximum is that of a 64-bit integer."""

    def __init__(self, minimum: int, maximum: int = MAX_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.minimum, self.maximum = minimum, maximum

    def pre_validate(self, form: Any) -> None:
        """Require an integer within the bounds."""
        if self.data is None:
            return
        self.data = parse_integer(self.raw_value)
        if self.data is None:
            self.fail("int_parsing", NOT_AN_INTEGER)
        if self.data < self.minimum:
            self.fail("greater_than_equal", f"Input should be greater than or equal to {self.minimum}")
        if self.data > self.maximum:
            self.fail("less_than_equal", f"Input should be less than or equal to {self.maximum}")


class QueryCursor(QueryField):
    """The `next` of a previous response."""

    def pre_validate(self, form: Any) -> None:
        """Require a valid cursor."""
        if self.data is None:
            return
        self.data = QueueCursor.parse(self.raw_value)
        if self.data is None:
            self.fail("value_error", "Value error, this is not the `next` of a response")


NOT_AN_INTEGER = "Input should be a valid integer, unable to parse string as an integer"


class QueryForm(Form):
    """The query parameters of a JSON route. Unknown parameters are ignored."""

    def error_details(self) -> list[Detail]:
        """Return all errors. Call only after validate()."""
        fields: list[Any] = list(self)
        return [
            {"type": field.error_type, "loc": ["query", field.name], "msg": message, "input": field.raw_value}
            for field in fields
            for message in field.errors
        ]


def provider_values(own: Callable[[], Sequence[str]]) -> list[str]:
    """Return the providers with a label, then all others that `own` returns."""
    return list(dict.fromkeys([*PROVIDER_LABELS, *own()]))


DEFAULT_ITEMS, MAX_ITEMS = 100, 1000  # per response of the attention API


class BadQuery(Exception):
    """Query parameters are invalid; answered with 422 as FastAPI does. detail: all errors."""

    def __init__(self, detail: list[Detail]) -> None:
        super().__init__()
        self.detail = detail
