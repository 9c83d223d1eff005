"""Escaping of CSV cells: no spreadsheet executes a text, and every text can be restored."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import TEXTS
from voiceadmin.tabular import (
    ExportFormat,
    escape_formula,
    escape_inner_formulas,
    format_csv,
    format_records,
    unescape_formula,
)

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


INNER_TEXTS = TEXTS | st.text("'\"=＠;\t\r\n a", max_size=10)


@given(INNER_TEXTS | st.text())
def test_unescaping_restores_every_escaped_text(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text
    assert unescape_formula(escape_inner_formulas(text)) == text


@given(TEXTS | st.text())
def test_no_escaped_text_begins_like_a_formula(text: str) -> None:
    assert not escape_formula(text).startswith(tuple(FORMULA_STARTS))


@pytest.mark.parametrize("escape", [escape_formula, escape_inner_formulas])
@pytest.mark.parametrize("letters", ["'=＠a", "';=a"])
def test_different_texts_have_different_cells(escape: Callable[[str], str], letters: str) -> None:
    texts = ["".join(chosen) for length in range(6) for chosen in itertools.product(letters, repeat=length)]

    assert len({escape(text) for text in texts}) == len(texts)


# Formulas inside of a cell


@pytest.mark.parametrize("separator", [";", "\t", "\r", "\n", "\r\n"])
@pytest.mark.parametrize("first", "=+-@＝＋－＠")
def test_a_formula_after_a_separator_is_escaped_for_spreadsheets_only(separator: str, first: str) -> None:
    text = f"Ada{separator}{first}1+1"

    assert escape_formula(text) == text
    assert re.sub("'(?=[\r\n])", "", escape_inner_formulas(text)) == f"Ada{separator}'{first}1+1"


@pytest.mark.parametrize("text", ["Ada; =1+1", "Ada;1+1", "a;b", "it's; ok", "a\nb", "Ada=1;b", "Ada,=1+1"])
def test_harmless_texts_are_not_changed_for_spreadsheets(text: str) -> None:
    assert escape_inner_formulas(text) == unescape_formula(text) == text


def test_an_apostrophe_before_a_formula_inside_of_a_cell_is_escaped_in_every_csv_file() -> None:
    assert escape_formula("Ada;'=1+1") == escape_inner_formulas("Ada;'=1+1") == "Ada;''=1+1"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@given(INNER_TEXTS.filter(lambda text: "\0" not in text))
def test_no_cell_of_a_file_for_spreadsheets_is_a_formula_for_any_separator(separator: str, text: str) -> None:
    records = [{"name": text, "language": text, "gender": text}] * 2
    file = "".join(format_records(["name", "language", "gender"], records, ExportFormat.EXCEL))

    cells = [cell for row in csv.reader(io.StringIO(file, newline=""), delimiter=separator) for cell in row]

    # A quotation mark that does not begin a cell may begin one here, before the end of a line.
    assert not [cell for cell in cells if cell.lstrip("\r\n").startswith(tuple(FORMULA_STARTS))]


@given(st.lists(st.lists(INNER_TEXTS | st.none() | st.integers(), min_size=1, max_size=3), max_size=4))
def test_each_text_of_a_batch_is_escaped_as_if_it_were_alone(rows: list[list[str | int | None]]) -> None:
    for format, escape in ((ExportFormat.CSV, escape_formula), (ExportFormat.EXCEL, escape_inner_formulas)):
        expected = io.StringIO()
        csv.writer(expected).writerows(
            [[escape(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
        )

        text = "".join(format_csv(["name"], [rows], format))

        assert text.removeprefix("\ufeff") == "name\r\n" + expected.getvalue()


def test_json_in_a_cell_is_escaped_for_spreadsheets() -> None:
    file = "".join(format_records(["id", "names"], [{"id": 1, "names": ["Ada;=1+1"]}], ExportFormat.EXCEL))

    assert file == '\ufeffid,names\r\n1,"[""Ada;\'=1+1""]"\r\n'
