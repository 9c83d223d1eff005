"""The guard before formulas: no spreadsheet runs a text, and every text comes back as it was."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import TEXTS
from voiceadmin.tabular import escape_formula, unescape_formula

FORMULA_BEGINS = "=+-@\t\r\n\0＝＋－＠"


@pytest.mark.parametrize("first", FORMULA_BEGINS)
def test_a_text_that_a_spreadsheet_could_run_is_guarded(first: str) -> None:
    assert escape_formula(f"{first}1+1") == f"'{first}1+1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "Ada",
        "Ada = Bo",
        " =1+1",
        "'",
        "''",
        "'Ada",
        "’s-Hertogenbosch",
        "1+1",
        "(=1)",
        "😀",
        "\x0b=",
        "\u202e=",
    ],
)
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert escape_formula(text) == text
    assert unescape_formula(text) == text


@pytest.mark.parametrize("text", ["'=1+1", "''=1+1", "'''@x"])
def test_a_text_that_looks_guarded_gets_one_more_and_loses_only_that(text: str) -> None:
    assert escape_formula(text) == "'" + text
    assert unescape_formula(escape_formula(text)) == text


def test_a_guard_that_people_left_out_is_not_missed() -> None:
    assert unescape_formula("=1+1") == "=1+1"


@given(TEXTS | st.text())
def test_what_is_guarded_comes_back(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text


@given(TEXTS | st.text())
def test_no_cell_begins_as_a_formula(text: str) -> None:
    assert not escape_formula(text).startswith(tuple(FORMULA_BEGINS))


def test_no_two_texts_make_one_cell() -> None:
    texts = ["".join(letters) for length in range(6) for letters in itertools.product("'=＠a", repeat=length)]

    assert len({escape_formula(text) for text in texts}) == len(texts)
