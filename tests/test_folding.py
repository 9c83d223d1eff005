"""Search and sort keys: which differences between texts they ignore."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import LETTERS, TEXTS
from voiceadmin.text import LONGEST_KEY, build_name_key, build_search_key, fold_case

ALL_LETTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Recepción", "RECEPCION", id="case-and-accents"),
        pytest.param("Straße", "STRASSE", id="sharp-s"),
        pytest.param("Ǆ", "dž", id="digraph"),
        pytest.param("ﬁne", "fine", id="ligature"),
        pytest.param("Ａｄａ", "ada", id="full-width"),
        pytest.param("e\u0301", "é", id="composed-and-decomposed"),
        pytest.param("Σίσυφος", "ΣΙΣΥΦΟΣ", id="final-sigma"),
        pytest.param("Ёлка", "елка", id="cyrillic"),
        pytest.param("½", "1⁄2", id="fraction"),
    ],
)
def test_texts_with_ignored_differences_are_equal(one: str, other: str) -> None:
    assert fold_case(one) == fold_case(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("कि", "क", id="a-vowel-sign-is-a-letter"),
        pytest.param("が", "か", id="a-voiced-mark-is-part-of-its-letter"),
        pytest.param("กำ", "ก", id="thai"),
        pytest.param("a b", "ab", id="space"),
        pytest.param("o", "0", id="look-alikes"),
    ],
)
def test_texts_with_other_differences_are_not_equal(one: str, other: str) -> None:
    assert fold_case(one) != fold_case(other)


@pytest.mark.slow
def test_folding_twice_equals_folding_once() -> None:
    assert [letter for letter in ALL_LETTERS if fold_case(fold_case(letter)) != fold_case(letter)] == []


@given(st.text(LETTERS))
def test_composed_and_decomposed_texts_are_equal(text: str) -> None:
    assert (
        fold_case(unicodedata.normalize("NFD", text))
        == fold_case(unicodedata.normalize("NFC", text))
        == fold_case(text)
    )


@given(st.text(st.characters(max_codepoint=127)))
def test_the_fast_path_for_ascii_gives_the_same_result(text: str) -> None:
    assert fold_case(text) == fold_case(text + "é")[: len(text)]


@given(TEXTS)
def test_a_name_key_fits_into_an_index_entry(name: str) -> None:
    assert len(build_name_key(name)) <= LONGEST_KEY
    assert fold_case(name).startswith(build_name_key(name))
    assert len(build_name_key("ﷺ" * 300).encode()) < 2700


def test_a_search_key_contains_the_name_and_the_provider_voice_id() -> None:
    key = build_search_key("Recepción", "PV-Ángel")

    assert "recepcion" in key
    assert "pv-angel" in key
    assert "recepcionpv" not in key
