"""Numbers, scores and spans of time as words: none of them says more than is true."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import TIMES
from voiceadmin.text import format_age, format_score, join_alternatives, pluralize

NOON = datetime(2024, 1, 15, 12, 0, tzinfo=UTC)


def test_a_number_comes_with_its_noun() -> None:
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
def test_a_score_is_cut_off_not_rounded(value: float, text: str) -> None:
    assert format_score(value) == text


@given(st.floats(0, 1))
def test_a_shown_score_is_never_above_the_score(value: float) -> None:
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
def test_how_long_ago_is_told_in_one_unit(span: timedelta, text: str) -> None:
    assert format_age(NOON - span, NOON) == text


@given(TIMES, TIMES)
def test_how_long_ago_never_breaks(time: datetime, now: datetime) -> None:
    assert format_age(time, now)


@pytest.mark.parametrize(
    ("words", "text"),
    [([], ""), (["ready"], "ready"), (["ready", "failed"], "ready or failed"), (["a", "b", "c"], "a, b or c")],
)
def test_words_are_joined_by_or(words: list[str], text: str) -> None:
    assert join_alternatives(words) == text
