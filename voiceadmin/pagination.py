"""Pages of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list. number: from 1; past the last page the rows are empty.

    total: rows in the whole list; so many at least, when it is not exact.
    """

    rows: Sequence[Row]
    total: int
    number: int
    size: int
    exact: bool = True

    @property
    def last(self) -> int:
        """The number of the last page; 1 for an empty list. When the total is not exact: the last that may be there."""
        counted = max(1, -(-self.total // self.size))
        if self.exact or not self.rows:
            return counted
        return max(counted, self.number + (len(self.rows) == self.size))

    @property
    def window(self) -> list[int | None]:
        """The numbers of the pages to offer: the first, the last and those around this one; None is a gap."""
        near = {number for number in range(self.number - 1, self.number + 2) if 1 <= number <= self.last}
        offered: list[int | None] = []
        for number in sorted({1, self.last} | near):
            if offered and number - (offered[-1] or 0) > 1:
                offered.append(None)
            offered.append(number)
        return offered

    @property
    def first_row(self) -> int:
        """The place of the first row in the whole list, from 1."""
        return (self.number - 1) * self.size + 1

    @property
    def last_row(self) -> int:
        """The place of the last row in the whole list."""
        return self.first_row + len(self.rows) - 1


PAGE_SIZES = (25, 50, 100)


DEFAULT_PAGE_SIZE = 50


MAX_PAGE = 1_000_000_000
