"""Each kind of field: accepted values, their conversion, and the messages about invalid values."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from wtforms import Form

from voiceadmin.web.fields import (
    choice_arguments,
    choice_field,
    date_field,
    email_field,
    integer_field,
    multiple_choice_field,
    name_field,
    next_path_field,
    password_field,
    search_field,
    text_field,
)

EMPTY = "This is empty. Fill it in."
CONTROL = "This contains control characters. Remove them."
CHOICES = {"a": "Ah", "b": "Be"}


class EveryField(Form):
    """A form with a field of each kind."""

    text = search_field("Text", max_length=10)
    long_text = search_field("Text")
    words = multiple_choice_field("Words", CHOICES, noun="a word")
    word = choice_field("Word", CHOICES, noun="a word", default="a")
    number = integer_field("Number", minimum=2, maximum=30)
    line = text_field("Line", max_length=10)
    maybe = text_field("Line", required=False)
    name = name_field("Name", required=False)
    email = email_field("E-mail", max_length=20)
    secret = password_field("Secret")
    day = date_field("Day")
    path = next_path_field()


def read(name: str, *values: str) -> tuple[Any, list[str]]:
    """The data and the errors of a field with these values."""
    form = EveryField(MultiDict([(name, value) for value in values]))
    form.validate()
    return form[name].data, list(form[name].errors)


@pytest.mark.parametrize(
    ("name", "value", "data"),
    [
        ("text", " Re\u0301 ", "Ré"),
        ("text", "x" * 10, "x" * 10),
        ("text", "   ", ""),
        ("long_text", "x" * 200, "x" * 200),
        ("words", "b", ["b"]),
        ("words", "", []),
        ("word", "b", "b"),
        ("word", "", "a"),
        ("number", "2", 2),
        ("number", "30", 30),
        ("number", "+07", 7),
        ("number", "", None),
        ("line", "  Ada L.\n", "Ada L."),
        ("line", "e\u0301" * 10, "é" * 10),
        ("line", "x", "x"),
        ("maybe", "", ""),
        ("maybe", "  ", ""),
        ("maybe", "x" * 200, "x" * 200),
        ("line", "a\u202eb\u200dc", "a\u202eb\u200dc"),
        ("email", " ada@example.com ", "ada@example.com"),
        ("email", "a@b", "a@b"),
        ("email", "é+'x@müller.de", "é+'x@müller.de"),
        ("email", "иван@пример.рф", "иван@пример.рф"),
        ("name", "Zoë نیک 王 😀", "Zoë نیک 王 😀"),
        ("name", "", ""),
        ("email", "x" * 8 + "@example.com", "x" * 8 + "@example.com"),
        ("secret", "  as it is\t\n\0", "  as it is\t\n\0"),
        ("secret", "e\u0301", "e\u0301"),
        ("secret", "x", "x"),
        ("secret", "x" * 1000, "x" * 1000),
        ("day", "2026-01-31", date(2026, 1, 31)),
        ("day", "2024-02-29", date(2024, 2, 29)),
        ("day", "0001-01-01", date(1, 1, 1)),
        ("day", "9999-12-30", date(9999, 12, 30)),
        ("day", "", None),
        ("day", "  ", None),
    ],
)
def test_a_valid_value_is_accepted(name: str, value: str, data: Any) -> None:
    assert read(name, value) == (data, [])


NO_EMAIL = "is not an e-mail address. Write it as name@example.com."
NO_DAY = "is not a date. Write it as 2026-01-31."


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("text", "x" * 11, "This is 11 characters long. Search for at most 10."),
        ("long_text", "x" * 1201, "This is 1,201 characters long. Search for at most 200."),
        ("text", "a\nb", CONTROL),
        ("text", "a\x85b", CONTROL),
        ("text", "\ud800", CONTROL),
        ("words", "c", '"c" is not a word. Choose from the list.'),
        ("words", "Ah", '"Ah" is not a word. Choose from the list.'),
        ("words", "x" * 50, f'"{"x" * 38}… is not a word. Choose from the list.'),
        ("word", "c", '"c" is not a word. Choose from the list.'),
        ("word", "x" * 50, f'"{"x" * 38}… is not a word. Choose from the list.'),
        ("number", "1", '"1" is not a number from 2 to 30.'),
        ("number", "31", '"31" is not a number from 2 to 30.'),
        ("number", "ten", '"ten" is not a number from 2 to 30.'),
        ("number", "9" * 50, f'"{"9" * 38}… is not a number from 2 to 30.'),
        ("line", "", EMPTY),
        ("line", " \t\n", EMPTY),
        ("line", "x" * 11, "This is 11 characters long. Enter at most 10."),
        ("maybe", "x" * 1001, "This is 1,001 characters long. Enter at most 200."),
        ("line", "a\0b", CONTROL),
        ("line", "a\x7fb", CONTROL),
        ("line", "a\udfffb", CONTROL),
        ("secret", "", "This is empty. Enter your password."),
        ("secret", "x" * 1001, "This is 1,001 characters long. Enter at most 1,000."),
        ("email", "", EMPTY),
        ("email", "x" * 9 + "@example.com", "This is 21 characters long. Enter at most 20."),
        ("email", "a\0@b", CONTROL),
        *(
            ("email", text, f'"{text}" {NO_EMAIL}')
            for text in ("ada", "@", "ada@", "@example.com", "a@b@c", "a b@c", "a@b c")
        ),
        ("email", "a\u00a0@b", f'"a\\xa0@b" {NO_EMAIL}'),
        ("email", "a\u2003@b", f'"a\\u2003@b" {NO_EMAIL}'),
        *(
            ("day", text, f'"{text}" {NO_DAY}')
            for text in (
                *("yesterday", "2026-02-29", "2026-13-01", "2026-00-10", "0000-01-01", "9999-12-31", "2026-1-31"),
                *(
                    "20260131",
                    "2026-W05-6",
                    "2026-01-31T10:00",
                    "٢٠٢٦-٠١-٣١",
                    "-2026-01-31",
                    "2026-01-31x",
                    " 2026-01-31",
                ),
            )
        ),
        ("day", "2" * 50, f'"{"2" * 38}… {NO_DAY}'),
    ],
)
def test_an_invalid_value_is_named_with_a_remedy(name: str, value: str, fault: str) -> None:
    assert read(name, value)[1] == [fault]


@pytest.mark.parametrize(
    ("name", "data", "errors"),
    [
        ("text", "", []),
        ("words", [], []),
        ("word", "a", []),
        ("number", None, []),
        ("line", "", [EMPTY]),
        ("maybe", "", []),
        ("email", "", [EMPTY]),
        ("secret", "", ["This is empty. Enter your password."]),
        ("day", None, []),
        ("path", "", []),
    ],
)
def test_a_missing_field_is_treated_as_empty(name: str, data: Any, errors: list[str]) -> None:
    assert read(name) == (data, errors)
    form = EveryField(None)
    form.validate()
    assert (form[name].data or data, list(form[name].errors)) == (data, errors)


@pytest.mark.parametrize(
    ("name", "data"),
    [("text", "a"), ("word", "a"), ("line", "a"), ("secret", "a"), ("words", ["a", "b"]), ("number", None)],
)
def test_a_single_value_field_uses_the_first_of_several_values(name: str, data: Any) -> None:
    assert read(name, "a", "b", "a")[0] == data


@pytest.mark.parametrize("name", ["words", "word"])
def test_a_choice_field_has_its_options_its_selection_and_its_error(name: str) -> None:
    def shown(*values: str) -> tuple[object, ...]:
        form = EveryField(MultiDict([(name, value) for value in values]))
        form.validate()
        return choice_arguments(form[name])

    label, options = name.title(), (("a", "Ah"), ("b", "Be"))
    assert shown("b") == (name, label, options, ("b",), "")
    assert shown("c") == (name, label, options, ("c",), '"c" is not a word. Choose from the list.')
    assert shown() == (name, label, options, ("a",) if name == "word" else (), "")
    unsent = EveryField(None)
    assert (choice_arguments(unsent.word)[3], choice_arguments(unsent.words)[3]) == (("a",), ())


INVISIBLE = {
    "\u202e": "U+202E (RIGHT-TO-LEFT OVERRIDE)",
    "\u2066": "U+2066 (LEFT-TO-RIGHT ISOLATE)",
    "\u200b": "U+200B (ZERO WIDTH SPACE)",
    "\u200f": "U+200F (RIGHT-TO-LEFT MARK)",
    "\ufeff": "U+FEFF (ZERO WIDTH NO-BREAK SPACE)",
    "\U000e0041": "U+E0041 (TAG LATIN CAPITAL LETTER A)",
}


@pytest.mark.parametrize("char", INVISIBLE)
def test_names_and_addresses_with_an_invisible_character_are_refused_and_it_is_named(char: str) -> None:
    fault = f"This contains the invisible character {INVISIBLE[char]}. Type the text again."

    for name in ("name", "email"):
        for value in (f"a{char}@b.c", f"{char}a@b.c", f"a@b.c{char}"):
            assert read(name, value)[1] == [fault], (name, value)


@pytest.mark.parametrize(
    "value", ["/", "/assistants", "/people/7?x=1&y=%C3%A9#z", "/a/b//c", "/~!$'()*,;:@", "/" + "x" * 3999]
)
def test_a_path_of_this_site_is_accepted(value: str) -> None:
    assert read("path", value) == (value, [])


HOSTILE_PATHS = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/a\\b",
    "/\t/evil.example",
    "/\n/evil.example",
    "\n//evil.example",
    "/a\r\nSet-Cookie: x=1",
    "/a b",
    " /a",
    "/a ",
    "/a\n",
    "http://evil.example",
    "https:evil.example",
    "HTTPS://evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "?next=/",
    "#top",
    "../a",
    "./a",
    "/é",
    "/\u2044evil.example",
    "／／evil.example",
    "/\x7f",
    "/\0",
    "/" + "x" * 4000,
]


@pytest.mark.parametrize("value", HOSTILE_PATHS)
def test_a_path_that_could_lead_to_another_site_is_ignored(value: str) -> None:
    assert read("path", value) == ("", [])


@given(
    st.sampled_from(["text", "words", "word", "number", "line", "name", "email", "secret", "day", "path"]), st.text()
)
def test_any_text_is_valid_or_has_one_printable_error(name: str, value: str) -> None:
    _, errors = read(name, value)

    assert len(errors) <= 1
    assert all(error.isprintable() and error.endswith((".", "30")) for error in errors)


@given(st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True))
def test_a_text_in_the_form_of_a_date_is_a_date_or_refused(value: str) -> None:
    data, errors = read("day", value)

    if errors:
        assert errors == [f'"{value}" {NO_DAY}']
    else:
        assert data.isoformat() == value


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("email", "x" * 39, f'"{"x" * 38}…'),
        ("email", "x" * 38, f'"{"x" * 38}"'),
        ("day", "2" * 39, f'"{"2" * 38}…'),
        ("number", "x" * 39, f'"{"x" * 38}…'),
    ],
)
def test_an_invalid_value_is_shown_up_to_forty_characters(name: str, value: str, shown: str) -> None:
    class Long(Form):
        email = email_field()
        day = date_field("Day")
        number = integer_field("Number", minimum=1, maximum=2)

    form = Long(MultiDict([(name, value)]))
    form.validate()

    (message,) = form[name].errors
    assert str(message).startswith(f"{shown} is no")


def test_every_field_has_its_label() -> None:
    labels = [field.label.text for field in EveryField(None)]

    assert labels == [
        *("Text", "Text", "Words", "Word", "Number", "Line", "Line", "Name", "E-mail", "Secret", "Day", "Path"),
    ]
