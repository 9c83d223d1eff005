"""Split many objects into batches, each of which fits into one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

# Objects per statement. Each is at least one parameter, and SQLite builds may allow only 999.
BATCH_SIZE = 500


Item = TypeVar("Item")


def split_into_batches(items: Sequence[Item], size: int = BATCH_SIZE) -> Iterator[Sequence[Item]]:
    """Yield the items in batches of this size."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
