"""A listing is complete only if every page was read to the mark of the end, and every entry has an id."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceadmin.sources.clients import paging
from voiceadmin.sources.clients.outcomes import Broken, Complete, Fault, FaultKind, Incomplete, Outcome, UpstreamFailed
from voiceadmin.sources.clients.paging import Page, read_pages

FAULT = Fault(FaultKind.SERVER_FAILED, "The server failed.", 500)
Script = Sequence[Sequence[str] | None]  # the ids of each page; None for a page that fails


def read(script: Script, *, total: int | None = None, unreadable: int = 0) -> Outcome[str]:
    """Read a listing whose cursors are the numbers of its pages."""

    def fetch(cursor: str | None) -> Page[str]:
        number = int(cursor or 0)
        ids = script[number]
        if ids is None:
            raise UpstreamFailed(FAULT)
        following = str(number + 1) if number + 1 < len(script) else None
        return Page(tuple((id, id.upper()) for id in ids), following, total, unreadable)

    return read_pages(fetch)


@given(st.lists(st.lists(st.uuids().map(str), min_size=1, max_size=4), min_size=1, max_size=6), st.data())
def test_a_listing_is_complete_if_and_only_if_no_page_fails(pages: list[list[str]], data: st.DataObject) -> None:
    failing = data.draw(st.none() | st.integers(0, len(pages) - 1))
    script: list[list[str] | None] = [page if number != failing else None for number, page in enumerate(pages)]

    outcome = read(script)

    before = [id.upper() for page in pages[:failing] for id in page]
    if failing is None:
        assert outcome == Complete(tuple(before), len(pages))
    elif failing == 0:
        assert outcome == Broken(FAULT)
    else:
        assert outcome == Incomplete(tuple(before), failing, FAULT)


def test_an_entry_that_moved_to_the_next_page_is_returned_once() -> None:
    assert read([["a", "b"], ["b", "c"]]) == Complete(("A", "B", "C"), 2)


def test_a_page_without_a_new_entry_ends_the_listing_as_incomplete() -> None:
    outcome = read([["a", "b"], ["b", "a"], ["c"]], total=3)

    assert isinstance(outcome, Incomplete)
    assert (outcome.items, outcome.fault.kind) == (("A", "B"), FaultKind.REPEATED_PAGE)


def test_an_empty_page_in_the_middle_does_not_end_the_listing() -> None:
    assert read([["a"], [], ["b"]]) == Complete(("A", "B"), 3)


def test_a_cursor_that_comes_again_ends_the_listing_as_incomplete() -> None:
    numbers = iter(range(10))

    outcome = read_pages(lambda _: Page(((str(next(numbers)), "A"),), "same"))

    assert isinstance(outcome, Incomplete)
    assert (len(outcome.items), outcome.fault.kind) == (2, FaultKind.REPEATED_PAGE)


@pytest.mark.parametrize("total", [2, 4])
def test_a_total_that_differs_from_the_entries_leaves_the_listing_incomplete(total: int) -> None:
    outcome = read([["a", "b"], ["b", "c"]], total=total)

    assert isinstance(outcome, Incomplete)
    assert outcome.fault == Fault(
        FaultKind.TOTAL_DIFFERS, f"The listing ended after 3 entries, but should have {total}."
    )


def test_an_unreadable_entry_leaves_the_listing_incomplete() -> None:
    outcome = read([["a"]], unreadable=1)

    assert isinstance(outcome, Incomplete)
    assert outcome.fault.message == "1 entry of the listing had no ID."


def test_a_listing_without_an_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MAX_PAGES", 3)

    outcome = read([[id] for id in "abcd"])

    assert isinstance(outcome, Incomplete)
    assert (outcome.pages, outcome.fault.kind) == (3, FaultKind.TOO_MANY_PAGES)
