"""Counts, scores, ages and lists as text."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import TIMES
from voiceadmin.text import (
    MAX_ID,
    find_invisible_character,
    format_age,
    format_score,
    has_several_alphabets,
    join_alternatives,
    parse_integer,
    pluralize,
    quote_value,
)

NOON = datetime(2024, 1, 15, 12, 0, tzinfo=UTC)


def test_a_count_has_its_noun_in_singular_or_plural() -> None:
    assert pluralize(1204, "voice") == "1,204 voices"
    assert pluralize(1, "voice") == "1 voice"
    assert pluralize(0, "use") == "0 uses"
    assert pluralize(2, "match", "matches") == "2 matches"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.897, "0.89"),
        (0.9, "0.90"),
        (math.nextafter(0.9, 0), "0.89"),
        (1.0, "1.00"),
        (math.nextafter(1, 0), "0.99"),
        (0.29, "0.29"),
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (1e-300, "0.00"),
        (5e-324, "0.00"),
    ],
)
def test_a_score_is_truncated_not_rounded(value: float, text: str) -> None:
    assert format_score(value) == text


@given(st.floats(0, 1))
def test_a_formatted_score_is_never_greater_than_the_score(value: float) -> None:
    assert float(format_score(value)) <= value < float(format_score(value)) + 0.0101


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 min ago"),
        (timedelta(minutes=59, seconds=59), "59 min ago"),
        (timedelta(hours=1), "1 h ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=1), "yesterday"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=91), "91 days ago"),
        (timedelta(days=92), "3 months ago"),
        (timedelta(days=365), "11 months ago"),
        (timedelta(days=730), "23 months ago"),
        (timedelta(days=731), "2 years ago"),
        (timedelta(days=3653), "10 years ago"),
        (timedelta(seconds=-60), "just now"),
        (timedelta(seconds=-61), "in 1 min"),
        (timedelta(hours=-5), "in 5 h"),
        (timedelta(days=-1), "in 1 day"),
        (timedelta(days=-800), "in 2 years"),
    ],
)
def test_an_age_is_formatted_in_one_unit(span: timedelta, text: str) -> None:
    assert format_age(NOON - span, NOON) == text


@given(TIMES, TIMES)
def test_an_age_can_be_formatted_for_any_times(time: datetime, now: datetime) -> None:
    assert format_age(time, now)


@pytest.mark.parametrize(
    ("words", "text"),
    [([], ""), (["ready"], "ready"), (["ready", "failed"], "ready or failed"), (["a", "b", "c"], "a, b or c")],
)
def test_alternatives_are_joined_by_or(words: list[str], text: str) -> None:
    assert join_alternatives(words) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", '"plain"'),
        ("Recepción 😀", '"Recepción 😀"'),
        ('a "b"\n', '"a \\"b\\"\\n"'),
        ("\u202e\u2028\x7f", '"\\u202e\\u2028\\x7f"'),
        ("\ud800", '"\\ud800"'),
        (True, "true"),
        (5, "5"),
        (0.5, "0.5"),
        (Decimal("9" * 90), "9" * 79 + "…"),
        ({"a": 1}, "an object"),
        ([1], "a list"),
        (None, "null"),
        ("x" * 200, '"' + "x" * 78 + "…"),
    ],
)
def test_a_value_is_quoted_as_json(value: Any, text: str) -> None:
    assert quote_value(value) == text


@given(st.text())
def test_a_quoted_value_is_one_printable_line(value: str) -> None:
    text = quote_value(value)

    assert text.isprintable()
    assert len(text.splitlines()) == 1
    text.encode()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("+7", 7),
        ("-7", -7),
        ("007", 7),
        ("-0", 0),
        ("000", 0),
        (str(MAX_ID), MAX_ID),
        ("0" * 5000 + "7", 7),
    ],
)
def test_digits_with_a_sign_are_an_integer(text: str, number: int) -> None:
    assert parse_integer(text) == number


@pytest.mark.parametrize(
    "text", ["", "+", "-", "--7", "7 ", " 7", "7\n", "7.0", "1e3", "0x7", "1_000", "٣", "７", "²", "nan", "seven"]
)
def test_a_text_that_is_not_an_integer_is_none(text: str) -> None:
    assert parse_integer(text) is None


@pytest.mark.parametrize("text", [str(MAX_ID + 1), "9" * 19, "9" * 20, "9" * 100_000])
def test_an_integer_beyond_64_bits_is_out_of_range(text: str) -> None:
    assert (parse_integer(text) or 0) > MAX_ID
    assert (parse_integer(f"-{text}") or 0) < -MAX_ID


@given(st.integers(-MAX_ID, MAX_ID))
def test_every_64_bit_integer_is_parsed_as_python_does(number: int) -> None:
    assert parse_integer(str(number)) == number


# Characters that people cannot see or tell apart


@pytest.mark.parametrize(
    ("numbers", "sample"),
    [
        ((0x200B, 0x200F), "zero-width characters and direction marks"),
        ((0x202A, 0x202E), "embeddings and overrides"),
        ((0x2060, 0x206F), "word joiner, isolates"),
        ((0xFE00, 0xFE0F), "variation selectors"),
        ((0xE0000, 0xE01EF), "tags and more variation selectors"),
        ((0x2028, 0x2029), "separators of lines and paragraphs"),
        *(
            ((number, number), "")
            for number in (0, 0x7F, 0xAD, 0x34F, 0x61C, 0x115F, 0x180E, 0x2800, 0x3164, 0xFEFF, 0xFFA0)
        ),
        ((0xD800, 0xD800), "a lone surrogate"),
    ],
)
def test_an_invisible_character_is_found(numbers: tuple[int, int], sample: str) -> None:
    for number in range(numbers[0], numbers[1] + 1):
        found = find_invisible_character(f"a{chr(number)}b\u202e")

        assert found is not None, sample
        assert found.split()[0] == f"U+{number:04X}"


@pytest.mark.parametrize("text", ["", "Ada L.", "Zoë", "e\u0301", "王小明", "نیک بخت", "नमस्ते", "😀", "a\u00a0b", "ﬁ"])
def test_visible_text_has_no_invisible_character(text: str) -> None:
    assert find_invisible_character(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada@example.com", False),
        ("zoë+1@müller-2.de", False),
        ("иван@пример.рф", False),
        ("123@456", False),
        ("", False),
        ("аda@example.com", True),
        ("ada@exаmple.com", True),
        ("οada@example.com", True),
        ("ａda@example.com", True),
        ("иван@example.com", True),
    ],
)
def test_letters_of_several_alphabets_are_detected(text: str, expected: bool) -> None:
    assert has_several_alphabets(text) is expected
