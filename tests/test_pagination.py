"""Pages: the last page, the links of the pager and the numbers of rows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceadmin.pagination import Page


def page(total: int, number: int = 1, size: int = 10) -> Page[int]:
    """Return a page whose rows are their own indexes."""
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
    links = [one for one in window if one is not None]

    assert links == sorted(set(links))
    assert {1, page(total, number, size).last_page} <= set(links)
    assert window[0] is not None
    assert window[-1] is not None


@given(total=st.integers(1, 500), size=st.integers(1, 12))
def test_the_row_numbers_of_all_pages_are_consecutive(total: int, size: int) -> None:
    pages = [page(total, number, size) for number in range(1, page(total, 1, size).last_page + 1)]

    row_numbers = [row_number for one in pages for row_number in range(one.first_row_number, one.last_row_number + 1)]

    assert row_numbers == list(range(1, total + 1))


@pytest.mark.parametrize(
    ("rows", "number", "last"),
    [([0] * 10, 3, 4), ([0] * 9, 3, 3), ([0] * 10, 1, 3), ([], 9, 3)],
    ids=["a-full-page-may-have-a-next-one", "one-that-is-not-full-is-the-last", "counted-pages", "past-the-end"],
)
def test_the_last_page_of_a_list_with_an_inexact_total(rows: list[int], number: int, last: int) -> None:
    assert Page(rows, 25, number, 10, is_total_exact=False).last_page == last
