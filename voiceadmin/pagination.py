"""One page of a list, and the page numbers to link to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

PAGE_SIZES = (25, 50, 100)


DEFAULT_PAGE_SIZE = 50


# A page number that is accepted in a URL. The largest list has 40,000 pages of 25; OFFSET stays far below 64 bits.
MAX_PAGE = 1_000_000_000


Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list.

    Attributes:
        rows: The rows of this page; empty past the last page.
        total: Number of rows in the whole list, or a lower bound of it if `is_total_exact` is false.
        page_number: From 1.
        size: Maximum number of rows per page.
        is_total_exact: Whether `total` was counted to the end.
    """

    rows: Sequence[Row]
    total: int
    page_number: int
    size: int
    is_total_exact: bool = True

    @property
    def last_page(self) -> int:
        """Return the number of the last page, 1 for an empty list.

        If the total is a lower bound, this is the last page known to exist, or the next one if this page is full.
        """
        counted = max(1, -(-self.total // self.size))
        if self.is_total_exact or not self.rows:
            return counted
        return max(counted, self.page_number + (len(self.rows) == self.size))

    @property
    def page_links(self) -> list[int | None]:
        """Return the page numbers to link to: first, last, this one and its neighbours. None marks a gap."""
        neighbours = range(self.page_number - 1, self.page_number + 2)
        near = {number for number in neighbours if 1 <= number <= self.last_page}
        links: list[int | None] = []
        for number in sorted({1, self.last_page} | near):
            if links and number - (links[-1] or 0) > 1:
                links.append(None)
            links.append(number)
        return links

    @property
    def first_row_number(self) -> int:
        """Return the position of the first row in the whole list, from 1."""
        return (self.page_number - 1) * self.size + 1

    @property
    def last_row_number(self) -> int:
        """Return the position of the last row in the whole list."""
        return self.first_row_number + len(self.rows) - 1
