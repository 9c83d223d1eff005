"""The kinds of field that our forms have. Their messages say what was given and what to do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from wtforms import Field, ValidationError
from wtforms.widgets import TextInput

from voiceadmin.text import parse_integer, quote_value

MAX_TEXT = 200  # letters of a search, or of a name


MAX_EMAIL = 254  # letters


MAX_SECRET = 1000  # letters of a password


MAX_PATH = 4000  # letters; more would not go into an address


Shown = tuple[str, str, tuple[tuple[str, str], ...], tuple[str, ...], str]  # name, label, words, those chosen, fault


class TextField(Field):
    """A text to search for: trimmed, composed, without control characters. most: letters."""

    widget = TextInput()
    data: str

    def __init__(self, label: str, *, most: int = MAX_TEXT, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.most = most

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the first value."""
        self.data = unicodedata.normalize("NFC", valuelist[0]).strip() if valuelist else ""

    def pre_validate(self, form: Any) -> None:
        """Refuse what no name holds and no database takes."""
        self.data = self.data or ""
        if len(self.data) > self.most:
            raise ValidationError(f"This is {len(self.data):,} letters long. Search for at most {self.most}.")
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in self.data):
            raise ValidationError("This holds control characters. Take them out.")


class WordsField(Field):
    """Any number of words out of a list; none of them means all.

    words: word -> label, in the order to show. thing: what a word is, "a status".
    """

    widget = TextInput()
    data: list[str]

    def __init__(self, label: str, words: Mapping[str, str], *, thing: str, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.words, self.thing = words, thing

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take each value once; empty ones are as if absent."""
        self.data = list(dict.fromkeys(value for value in valuelist if value))

    def pre_validate(self, form: Any) -> None:
        """Every word must be one of the list."""
        self.data = self.data or []
        for word in self.data:
            if word not in self.words:
                raise ValidationError(f"{quote_value(word, 40)} is not {self.thing}. Choose from the list.")

    @property
    def shown(self) -> Shown:
        """All that a page shows of it."""
        return self.name, self.label.text, tuple(self.words.items()), tuple(self.data or ()), _fault(self)


class WordField(Field):
    """One word out of a list. fallback: the word when none is given."""

    widget = TextInput()
    data: str

    def __init__(self, label: str, words: Mapping[str, str], *, thing: str, fallback: str, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.words, self.thing, self.fallback = words, thing, fallback

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the first value."""
        self.data = valuelist[0] if valuelist else ""

    def pre_validate(self, form: Any) -> None:
        """It must be one of the list."""
        self.data = self.data or self.fallback
        if self.data not in self.words:
            raise ValidationError(f"{quote_value(self.data, 40)} is not {self.thing}. Choose from the list.")

    @property
    def shown(self) -> Shown:
        """All that a page shows of it."""
        return self.name, self.label.text, tuple(self.words.items()), (self.data or self.fallback,), _fault(self)


class NumberField(Field):
    """A whole number in ASCII digits, within bounds; None when absent."""

    widget = TextInput()
    data: int | None

    def __init__(self, label: str, *, least: int, most: int, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.least, self.most = least, most
        self.given = ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the first value; it is judged later."""
        self.given = valuelist[0] if valuelist else ""
        self.data = parse_integer(self.given)

    def pre_validate(self, form: Any) -> None:
        """Refuse what is no number or out of bounds."""
        if self.given and (self.data is None or not self.least <= self.data <= self.most):
            raise ValidationError(f"{quote_value(self.given, 40)} is not a number from {self.least} to {self.most}.")


class LineField(Field):
    """A line of text that is kept: trimmed, composed, without control characters. least, most: letters."""

    widget = TextInput()
    data: str

    def __init__(self, label: str, *, least: int = 1, most: int = MAX_TEXT, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.least, self.most = least, most

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the first value."""
        self.data = unicodedata.normalize("NFC", valuelist[0]).strip() if valuelist else ""

    def pre_validate(self, form: Any) -> None:
        """Refuse what is missing, too long, or no text."""
        self.data = self.data or ""
        if len(self.data) < self.least:
            raise ValidationError("This is empty. Fill it in.")
        if len(self.data) > self.most:
            raise ValidationError(f"This is {len(self.data):,} letters long. Give at most {self.most}.")
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in self.data):
            raise ValidationError("This holds control characters. Take them out.")


class EmailField(LineField):
    """An e-mail, of which only the form is judged."""

    def pre_validate(self, form: Any) -> None:
        """Refuse what is none."""
        super().pre_validate(form)
        name, at, host = self.data.rpartition("@")
        if not (name and at and host) or any(char.isspace() for char in self.data) or "@" in name:
            raise ValidationError(f"{quote_value(self.data, 40)} is no e-mail. Write it as name@example.com.")


class SecretField(Field):
    """A password: taken as it is, and never shown again."""

    widget = TextInput()
    data: str

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the first value."""
        self.data = valuelist[0] if valuelist else ""

    def pre_validate(self, form: Any) -> None:
        """Something must be there."""
        self.data = self.data or ""
        if not self.data:
            raise ValidationError("This is empty. Give your password.")
        if len(self.data) > MAX_SECRET:
            raise ValidationError(f"This is {len(self.data):,} letters long. Give at most {MAX_SECRET:,}.")


class DayField(Field):
    """A day in UTC, as 2026-01-31; None when absent."""

    widget = TextInput()
    data: datetime | None
    given = ""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the first value; it is judged later."""
        self.given = valuelist[0].strip() if valuelist else ""
        self.data = None

    def pre_validate(self, form: Any) -> None:
        """Refuse what is no day."""
        if not self.given:
            return
        try:
            if not _DAY.fullmatch(self.given):
                raise ValueError
            self.data = datetime.fromisoformat(self.given).replace(tzinfo=UTC)
            self.data + timedelta(days=1)
        except (ValueError, OverflowError) as error:
            raise ValidationError(f"{quote_value(self.given, 40)} is no day. Write it as 2026-01-31.") from error


class PathField(Field):
    """Where to go on to: a path of this site. Whatever could lead elsewhere counts as absent ("")."""

    widget = TextInput()
    data: str

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take the first value."""
        raw = valuelist[0] if valuelist else ""
        self.data = raw if len(raw) <= MAX_PATH and _PATH.fullmatch(raw) else ""


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


# Printable ASCII without a backslash, which some browsers take for a slash, and with one slash at its beginning.
_PATH = re.compile(r"/(?!/)[!-\[\]-~]*", re.ASCII)


def _fault(field: Field) -> str:
    return field.errors[0] if field.errors else ""
