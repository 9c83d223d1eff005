"""Query parameters of the JSON API, with errors in the shape that FastAPI gives them."""

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
    """One parameter: the last of its values counts, and an empty one is as if absent."""

    widget = TextInput()
    given = ""
    fault = ""  # FastAPI's word for what is wrong

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the last value."""
        self.given = valuelist[-1] if valuelist else ""
        self.data: Any = self.given or None

    def refuse(self, fault: str, message: str) -> NoReturn:
        """End the validation of this field."""
        self.fault = fault
        raise ValidationError(message)


class QueryChoice(QueryField):
    """One word of a list. choices: the list; None accepts every value."""

    choices: Sequence[str] | None = None

    def pre_validate(self, form: Any) -> None:
        """Require one of the choices, case-sensitive."""
        if self.data is not None and self.choices is not None and self.data not in self.choices:
            *others, last = (f"'{word}'" for word in self.choices)
            self.refuse("enum", f"Input should be {', '.join(others)} or {last}")


class QueryInteger(QueryField):
    """A whole number, from `minimum` to `maximum`, else to what 64 bits hold."""

    def __init__(self, minimum: int, maximum: int = MAX_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.minimum, self.maximum = minimum, maximum

    def pre_validate(self, form: Any) -> None:
        """Require an integer within the bounds."""
        if self.data is None:
            return
        self.data = parse_integer(self.given)
        if self.data is None:
            self.refuse("int_parsing", NOT_AN_INTEGER)
        if self.data < self.minimum:
            self.refuse("greater_than_equal", f"Input should be greater than or equal to {self.minimum}")
        if self.data > self.maximum:
            self.refuse("less_than_equal", f"Input should be less than or equal to {self.maximum}")


class QueryCursor(QueryField):
    """Where to go on, as an answer named it."""

    def pre_validate(self, form: Any) -> None:
        """Require a valid cursor."""
        if self.data is None:
            return
        self.data = QueueCursor.parse(self.given)
        if self.data is None:
            self.refuse("value_error", "Value error, this is not the `next` of an answer")


NOT_AN_INTEGER = "Input should be a valid integer, unable to parse string as an integer"


class QueryForm(Form):
    """What a program may ask for; other parameters are passed over."""

    def faults(self) -> list[Detail]:
        """Every fault, after validate()."""
        fields: list[Any] = list(self)
        return [
            {"type": field.fault, "loc": ["query", field.name], "msg": message, "input": field.given}
            for field in fields
            for message in field.errors
        ]


def provider_values(own: Callable[[], Sequence[str]]) -> list[str]:
    """Those with a name here, then the others of somebody's own."""
    return list(dict.fromkeys([*PROVIDER_LABELS, *own()]))


DEFAULT_ITEMS, MAX_ITEMS = 100, 1000  # in an answer, unless it is asked otherwise, and at most


class BadQuery(Exception):
    """A query that a FastAPI server would refuse with 422. detail: every fault."""

    def __init__(self, detail: list[Detail]) -> None:
        super().__init__()
        self.detail = detail
