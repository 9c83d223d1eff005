"""Pages, filters and faults: their arithmetic and their words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import voice_row
from voiceadmin.assistants.types import AssistantFilters
from voiceadmin.pagination import Page
from voiceadmin.text import MAX_ID, quote_value
from voiceadmin.voices.importing.types import Fault
from voiceadmin.voices.types.filters import VoiceFilters, VoiceOrder, VoiceUse
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.rows import VoiceList
from voiceadmin.voices.types.status import VoiceStatus


def page(total: int, number: int = 1, size: int = 10) -> Page[int]:
    """A page with the places of its rows as rows."""
    return Page(range((number - 1) * size, min(number * size, total)), total, number, size)


@pytest.mark.parametrize(
    ("total", "last"),
    [(0, 1), (1, 1), (10, 1), (11, 2), (1204, 121)],
)
def test_the_last_page_contains_the_last_row(total: int, last: int) -> None:
    assert page(total).last_page == last


@pytest.mark.parametrize(
    ("number", "window"),
    [
        (1, [1, 2, None, 9]),
        (3, [1, 2, 3, 4, None, 9]),
        (5, [1, None, 4, 5, 6, None, 9]),
        (9, [1, None, 8, 9]),
        (10, [1, None, 9]),
        (1_000_000_000, [1, None, 9]),
    ],
)
def test_a_pager_links_to_the_ends_and_the_neighbours(number: int, window: list[int | None]) -> None:
    assert page(90, number).page_links == window


def test_an_empty_list_has_one_page() -> None:
    assert page(0).page_links == [1]


@given(total=st.integers(0, 500), number=st.integers(1, 60), size=st.integers(1, 12))
def test_page_links_are_sorted_and_unique(total: int, number: int, size: int) -> None:
    window = page(total, number, size).page_links
    offered = [one for one in window if one is not None]

    assert offered == sorted(set(offered))
    assert {1, page(total, number, size).last_page} <= set(offered)
    assert window[0] is not None
    assert window[-1] is not None


@given(total=st.integers(1, 500), size=st.integers(1, 12))
def test_the_row_numbers_of_all_pages_are_consecutive(total: int, size: int) -> None:
    pages = [page(total, number, size) for number in range(1, page(total, 1, size).last_page + 1)]

    places = [place for one in pages for place in range(one.first_row_number, one.last_row_number + 1)]

    assert places == list(range(1, total + 1))


def test_changed_filters_start_at_the_first_page() -> None:
    filters = VoiceFilters(text="ada", page=3)

    assert filters.with_changes(statuses=(VoiceStatus.READY,)) == VoiceFilters(
        text="ada", statuses=(VoiceStatus.READY,)
    )
    assert filters.with_changes(page=4) == VoiceFilters(text="ada", page=4)
    assert AssistantFilters(text="desk", page=3).with_changes(text="") == AssistantFilters()


def test_filters_without_filters_keep_order_and_page_size() -> None:
    filters = VoiceFilters(text="ada", uses=(VoiceUse.NEVER,), order=VoiceOrder.NAME_ASCENDING, size=25, page=3)

    assert filters.without_filters == VoiceFilters(order=VoiceOrder.NAME_ASCENDING, size=25)


@pytest.mark.parametrize(
    "filters",
    [
        VoiceFilters(text="a"),
        VoiceFilters(statuses=(VoiceStatus.READY,)),
        VoiceFilters(providers=("elevenlabs",)),
        VoiceFilters(tiers=(None,)),
        VoiceFilters(uses=(VoiceUse.NEVER,)),
        VoiceFilters(languages=("en",)),
    ],
)
def test_each_filter_counts_as_a_filter(filters: VoiceFilters) -> None:
    assert filters.has_filters
    assert not filters.without_filters.has_filters


def test_order_size_and_page_are_not_filters() -> None:
    assert not VoiceFilters(order=VoiceOrder.OLDEST, size=25, page=9).has_filters


def test_there_is_a_tab_for_each_status_and_one_for_all() -> None:
    counts = dict.fromkeys(VoiceStatus, 0) | {VoiceStatus.READY: 3, VoiceStatus.FAILED: 2}

    tabs = VoiceList(Page([], 5, 1, 50), counts, {VoiceStatus.READY}, {}).tabs

    assert tabs == [
        ((), "All", 5, False),
        ((VoiceStatus.READY,), "Ready", 3, False),
        ((VoiceStatus.PROCESSING,), "Processing", 0, True),
        ((VoiceStatus.FAILED,), "Failed", 2, True),
        ((VoiceStatus.ARCHIVED,), "Archived", 0, True),
    ]


@pytest.mark.parametrize(
    ("rows", "number", "last"),
    [([0] * 10, 3, 4), ([0] * 9, 3, 3), ([0] * 10, 1, 3), ([], 9, 3)],
    ids=["a-full-page-may-have-a-next-one", "one-that-is-not-full-is-the-last", "counted-pages", "past-the-end"],
)
def test_the_last_page_of_a_list_with_an_inexact_total(rows: list[int], number: int, last: int) -> None:
    assert Page(rows, 25, number, 10, is_total_exact=False).last_page == last


@pytest.mark.parametrize(
    ("text", "number"),
    [("31", 31), ("031", 31), (str(MAX_ID), MAX_ID), ("0", None), (str(MAX_ID + 1), None), ("-3", None), ("a", None)],
)
def test_a_search_for_assistants_is_an_id_only_if_it_is_a_valid_one(text: str, number: int | None) -> None:
    assert AssistantFilters(text=text).id == number


def test_a_voice_has_the_tier_of_its_score() -> None:
    assert voice_row(quality_score=0.897).tier is QualityTier.GOOD
    assert voice_row(quality_score=None).tier is None


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        pytest.param(
            Fault(3, "id", "x", "is not a whole number.", "Give one."),
            'Record 3, id: "x" is not a whole number. Give one.',
            id="of-a-field",
        ),
        pytest.param(Fault(3, "id", None, "is missing.", "Add it."), "Record 3, id: is missing. Add it.", id="absent"),
        pytest.param(Fault(3, None, 5, "is no object.", "Give one."), "Record 3: 5 is no object. Give one.", id="all"),
        pytest.param(Fault(None, None, None, "is empty.", "Fill it."), "The input: is empty. Fill it.", id="of-input"),
    ],
)
def test_a_fault_says_where_what_and_what_to_do(fault: Fault, line: str) -> None:
    assert str(fault) == line


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
def test_a_value_is_quoted_as_json_has_it(value: Any, text: str) -> None:
    assert quote_value(value) == text


@given(st.text())
def test_what_is_quoted_never_leaves_its_line_or_the_printable_letters(value: str) -> None:
    text = quote_value(value)

    assert text.isprintable()
    assert len(text.splitlines()) == 1
    text.encode()


@pytest.mark.parametrize(("text", "begins"), [("", False), ("ab", True), ("é", True), ("abc", False), ("ﬃ", False)])
def test_a_short_text_matches_the_start_of_a_word(text: str, begins: bool) -> None:
    assert VoiceFilters(text=text).matches_word_start is begins
