"""Read a listing page by page, and decide whether it is complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from voiceadmin.sources.clients.outcomes import Broken, Complete, Fault, FaultKind, Incomplete, Outcome, UpstreamFailed
from voiceadmin.text import pluralize

MAX_PAGES = 10_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing.

    Attributes:
        items: pairs of id and item.
        following: the cursor of the next page; None only if this page has the documented mark of the end.
        total: how many items the listing has according to this page; None if the total proves nothing.
        unreadable: how many entries had no id.
        doubt: why this page may not be the last one although it has the mark; None if there is no doubt.
    """

    items: tuple[tuple[str, T], ...]
    following: str | None
    total: int | None = None
    unreadable: int = 0
    doubt: Fault | None = None


@dataclass(slots=True)
class _Progress(Generic[T]):
    """What was read so far."""

    items: dict[str, T] = field(default_factory=dict)
    cursors: set[str] = field(default_factory=set)
    pages: int = 0
    unreadable: int = 0

    def add(self, page: Page[T]) -> FaultKind | None:
        """Add a page. Return why the listing cannot go on after it, None if it can."""
        is_repeated = bool(page.items) and all(id in self.items for id, _ in page.items)
        for id, item in page.items:
            self.items.setdefault(id, item)
        self.pages += 1
        self.unreadable += page.unreadable
        if is_repeated or page.following in self.cursors:
            return FaultKind.REPEATED_PAGE
        if page.following is not None:
            self.cursors.add(page.following)
        return FaultKind.TOO_MANY_PAGES if self.pages >= MAX_PAGES and page.following is not None else None


def read_pages(
    fetch: Callable[[str | None], Page[T]], on_page: Callable[[int, int], None] = lambda *_: None
) -> Outcome[T]:
    """Read a listing to its end.

    Args:
        fetch: returns the page of a cursor; None is the first page. Raises UpstreamFailed.
        on_page: called after each page with the number of pages and of items so far.
    """
    progress, cursor = _Progress[T](), None
    while True:
        try:
            page = fetch(cursor)
        except UpstreamFailed as failed:
            return _end_early(progress, failed.fault)
        kind = progress.add(page)
        on_page(progress.pages, len(progress.items))
        if kind is not None:
            return _end_early(progress, Fault(kind, _MESSAGES[kind]))
        if page.following is None:
            return _end(progress, page.total) if page.doubt is None else _end_early(progress, page.doubt)
        cursor = page.following


_MESSAGES = {
    FaultKind.REPEATED_PAGE: "A page came a second time, so that the listing has no end.",
    FaultKind.TOO_MANY_PAGES: f"The listing had no end after {MAX_PAGES:,} pages.",
}


def _end_early(progress: _Progress[T], fault: Fault) -> Outcome[T]:
    if not progress.pages:
        return Broken(fault)
    return Incomplete(tuple(progress.items.values()), progress.pages, fault)


def _end(progress: _Progress[T], total: int | None) -> Outcome[T]:
    """Return the outcome of a listing that was read to the mark of its end."""
    count = len(progress.items)
    if progress.unreadable:
        message = f"{pluralize(progress.unreadable, 'entry', 'entries')} of the listing had no ID."
        return _end_early(progress, Fault(FaultKind.WRONG_SHAPE, message))
    if total is not None and total != count:
        message = f"The listing ended after {count:,} entries, but should have {total:,}."
        return _end_early(progress, Fault(FaultKind.TOTAL_DIFFERS, message))
    return Complete(tuple(progress.items.values()), progress.pages)
