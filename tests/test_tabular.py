"""Escaping of CSV cells: no spreadsheet executes a text, and every text can be restored."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import TEXTS
from voiceadmin.tabular import escape_formula, unescape_formula

FORMULA_STARTS = "=+-@\t\r\n\0＝＋－＠"


@pytest.mark.parametrize("first", FORMULA_STARTS)
def test_a_text_that_a_spreadsheet_could_execute_is_escaped(first: str) -> None:
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
def test_other_texts_are_not_changed(text: str) -> None:
    assert escape_formula(text) == text
    assert unescape_formula(text) == text


@pytest.mark.parametrize("text", ["'=1+1", "''=1+1", "'''@x"])
def test_a_text_that_looks_escaped_gets_and_loses_one_more_apostrophe(text: str) -> None:
    assert escape_formula(text) == "'" + text
    assert unescape_formula(escape_formula(text)) == text


def test_unescaping_a_formula_without_apostrophe_changes_nothing() -> None:
    assert unescape_formula("=1+1") == "=1+1"


@given(TEXTS | st.text())
def test_unescaping_restores_every_escaped_text(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text


@given(TEXTS | st.text())
def test_no_escaped_text_begins_like_a_formula(text: str) -> None:
    assert not escape_formula(text).startswith(tuple(FORMULA_STARTS))


def test_different_texts_have_different_cells() -> None:
    texts = ["".join(letters) for length in range(6) for letters in itertools.product("'=＠a", repeat=length)]

    assert len({escape_formula(text) for text in texts}) == len(texts)
