"""Form fields: WTForms' fields with the filters and validators that every form of this program uses."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import wtforms
from wtforms import DateField, Field, Form, IntegerField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, StopValidation

from voiceadmin.text import MAX_ID, find_invisible_character, parse_integer, quote_value

MAX_TEXT = 200  # characters of a search text or of a name


MAX_EMAIL = 254  # characters; the longest address that SMTP can deliver to (RFC 5321)


MAX_PASSWORD = 1000  # characters; bounds the work of hashing


MAX_PATH = 4000  # characters; longer addresses are refused by common proxies


QUOTED = 40  # characters of a value that an error message repeats


REQUIRED = "This is empty. Fill it in."


# WTForms' fields with the type that `data` has after the filters below: never None.


class StringField(wtforms.StringField):
    """StringField with "" for an absent value."""

    data: str


class SearchField(wtforms.SearchField):
    """SearchField with "" for an absent value."""

    data: str


class EmailField(wtforms.EmailField):
    """EmailField with "" for an absent value."""

    data: str


class PasswordField(wtforms.PasswordField):
    """PasswordField with "" for an absent value."""

    data: str


class HiddenField(wtforms.HiddenField):
    """HiddenField with "" for an absent value."""

    data: str


class SelectField(wtforms.SelectField):
    """SelectField whose choices are a dict from value to label."""

    data: str
    choices: dict[str, str]


class SelectMultipleField(wtforms.SelectMultipleField):
    """SelectMultipleField whose choices are a dict from value to label, with [] for an absent value."""

    data: list[str]
    choices: dict[str, str]


def search_field(label: str, *, max_length: int = MAX_TEXT) -> SearchField:
    """Return a field for a search text; "" when absent."""
    length = MaxLength(max_length, "Search for at most")
    return SearchField(label, [length, NoControlCharacters()], filters=[normalize_text])


def text_field(
    label: str, *, required: bool = True, max_length: int = MAX_TEXT, validators: Sequence[Any] = ()
) -> StringField:
    """Return a field for one line of text; "" when absent. validators: to check besides."""
    presence = [DataRequired(REQUIRED)] if required else []
    checks = [*presence, MaxLength(max_length), NoControlCharacters(), *validators]
    return StringField(label, checks, filters=[normalize_text])


def name_field(label: str, *, required: bool = True, max_length: int = MAX_TEXT) -> StringField:
    """Return a field for a name, whose characters are all visible; "" when absent."""
    return text_field(label, required=required, max_length=max_length, validators=[VisibleCharacters()])


def email_field(label: str = "E-mail", *, max_length: int = MAX_EMAIL) -> EmailField:
    """Return a required field for an e-mail address."""
    checks = [MaxLength(max_length), NoControlCharacters(), VisibleCharacters(), EmailAddress()]
    return EmailField(label, [DataRequired(REQUIRED), *checks], filters=[normalize_text])


def password_field(label: str) -> PasswordField:
    """Return a required field for a password, which is neither trimmed nor normalized."""
    validators = [InputRequired("This is empty. Enter your password."), MaxLength(MAX_PASSWORD)]
    return PasswordField(label, validators, filters=[text_or_empty])


def integer_field(label: str, *, minimum: int, maximum: int) -> IntegerField:
    """Return an optional field for a whole number in ASCII digits; None when absent."""
    return IntegerField(label, [IntegerRange(minimum, maximum)])


def date_field(label: str) -> DateField:
    """Return an optional field for a date as 2026-01-31; None when absent."""
    return DateField(label, [IsoDate()])


def choice_field(label: str, choices: Mapping[str, str], *, noun: str, default: str) -> SelectField:
    """Return a field for one value from a list.

    Args:
        label: the label of the field.
        choices: labels by value, in the order to show. A form may replace them in its constructor.
        noun: what a value is, with its article, for the error message: "a status".
        default: the value of an absent or empty parameter.
    """
    # validate_choice is off: WTForms would build an object for every choice, and its message does not name the value.
    return SelectField(
        label,
        [KnownChoice(noun)],
        choices=dict(choices),
        validate_choice=False,
        default=default,
        filters=[lambda value: value or default],
    )


def multiple_choice_field(label: str, choices: Mapping[str, str], *, noun: str) -> SelectMultipleField:
    """Return a field for any number of values from a list; see `choice_field` for the arguments."""
    return SelectMultipleField(
        label, [KnownChoice(noun)], choices=dict(choices), validate_choice=False, filters=[unique_values]
    )


def next_path_field() -> HiddenField:
    """Return a field for the page to go to after the action; "" unless it is a path of this site."""
    return HiddenField(filters=[same_site_path])


# Filters


def text_or_empty(value: str | None) -> str:
    """Return the text, or "" for None."""
    return value or ""


def normalize_text(value: str | None) -> str:
    """Return the text trimmed and in Unicode's composed form (NFC); "" for None."""
    return unicodedata.normalize("NFC", value).strip() if value else ""


def unique_values(values: list[str] | None) -> list[str]:
    """Return the values without empty ones and without repetitions."""
    return list(dict.fromkeys(filter(None, values))) if values else []


# Printable ASCII that begins with exactly one slash, without backslashes: some browsers treat them as slashes.
_PATH = re.compile(r"/(?!/)[!-\[\]-~]*", re.ASCII)


def same_site_path(value: str | None) -> str:
    """Return a path of this site unchanged, and "" for everything that could lead to another site."""
    return value if value and len(value) <= MAX_PATH and _PATH.fullmatch(value) else ""


# Validators


class MaxLength(Length):
    """Length with a message that contains the actual length and the limit."""

    def __init__(self, max_length: int, remedy: str = "Enter at most") -> None:
        """Accept at most `max_length` characters; `remedy` begins the advice."""
        super().__init__(max=max_length)
        self.remedy = remedy

    def __call__(self, form: Form, field: Field) -> None:  # type: ignore[override]  # a looser type than the stub's
        """Raise StopValidation for a text that is too long."""
        length = len(field.data or "")
        if length > self.max:
            raise StopValidation(f"This is {length:,} characters long. {self.remedy} {self.max:,}.")


class NoControlCharacters:
    """Refuse control characters and lone surrogates; PostgreSQL cannot store NUL and surrogates."""

    def __call__(self, form: Form, field: Field) -> None:
        """Raise StopValidation for such a character."""
        if any(unicodedata.category(char) in ("Cc", "Cs") for char in field.data):
            raise StopValidation("This contains control characters. Remove them.")


class VisibleCharacters:
    """Refuse invisible characters and direction marks, with which a name can look like another one."""

    def __call__(self, form: Form, field: Field) -> None:
        """Raise StopValidation for such a character."""
        character = find_invisible_character(field.data)
        if character is not None:
            raise StopValidation(f"This contains the invisible character {character}. Type the text again.")


class EmailAddress:
    """Check the syntax of an e-mail address. WTForms' Email needs another package for the same check."""

    def __call__(self, form: Form, field: Field) -> None:
        """Raise StopValidation unless the text has a name, one @ and a host, without white space."""
        name, at, host = field.data.rpartition("@")
        if not (name and at and host) or any(char.isspace() for char in field.data) or "@" in name:
            address = quote_value(field.data, QUOTED)
            raise StopValidation(f"{address} is not an e-mail address. Write it as name@example.com.")


class IntegerRange(NumberRange):
    """NumberRange with a message that contains the value, even if it is not a number.

    Stricter than int(), which accepts underscores and the digits of every script. An empty value passes; WTForms'
    Optional would also skip the form's own check of the field, which may require a value.
    """

    def __call__(self, form: Form, field: Field) -> None:  # type: ignore[override]  # a looser type than the stub's
        """Raise StopValidation for a value outside the range."""
        text = raw_value(field)
        field.errors = []  # the message below replaces that of WTForms for text that is not a number
        number = parse_integer(text)
        if text and (number is None or not self.min <= number <= self.max):  # type: ignore[operator]  # both are given
            if self.max == MAX_ID:  # an ID; the bounds would not help
                raise StopValidation(f"{quote_value(text, QUOTED)} is not an ID. Enter a whole number, such as 456.")
            raise StopValidation(f"{quote_value(text, QUOTED)} is not a number from {self.min} to {self.max}.")


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class IsoDate:
    """Accept dates of four, two and two ASCII digits, with a message that contains the value. An empty value passes.

    date.max is refused, because the day after it cannot be computed.
    """

    def __call__(self, form: Form, field: Field) -> None:
        """Raise StopValidation for everything else."""
        text = raw_value(field)
        field.errors = []  # the message below replaces that of WTForms, which does not contain the value
        if text.strip() and (field.data is None or field.data == date.max or not _DATE.fullmatch(text)):
            raise StopValidation(f"{quote_value(text, QUOTED)} is not a date. Write it as 2026-01-31.")


class KnownChoice:
    """Refuse a value that is not among the field's choices."""

    def __init__(self, noun: str) -> None:
        """Set the noun for the message, with its article: "a status"."""
        self.noun = noun

    def __call__(self, form: Form, field: Any) -> None:
        """Raise ValidationError with the first unknown value."""
        for value in field.data if isinstance(field.data, list) else [field.data]:
            if value not in field.choices:
                raise ValidationError(f"{quote_value(value, QUOTED)} is not {self.noun}. Choose from the list.")


# Values for templates


ChoiceArguments = tuple[str, str, tuple[tuple[str, str], ...], tuple[str, ...], str]


def choice_arguments(field: Any) -> ChoiceArguments:
    """Return name, label, choices, selected values and error of a field with choices.

    They are hashable, so that `cached_macro` can render a filter in the same state once.
    """
    data = field.data or ()
    selected = tuple(data) if isinstance(data, list | tuple) else (data,)
    return field.name, field.label.text, tuple(field.choices.items()), selected, field.errors[0] if field.errors else ""


def raw_value(field: Any) -> str:
    """Return the text that was sent for a field; "" when it is absent."""
    return field.raw_data[0] if field.raw_data else ""
