"""Keep which voices a source lists, and since when others are missing from its list."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import insert, select, update

from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.transactions import write_transaction
from voiceadmin.sources.models import SourceVoice
from voiceadmin.voices.models import ClonedVoice

BATCH_SIZE = 2000  # voices of one transaction

BREAKER_COUNT = 5  # voices, and
BREAKER_PERCENT = 30  # percent of the known ones, that are missing at once

WITHHELD = "Too many voices are missing at once. The list may be wrong, so that none of them counts as missing."


class Differences(NamedTuple):
    """How a list differs from what is known.

    Attributes:
        known: number of the voices that were listed and not missing before.
        returned: voices that were missing.
    """

    known: int
    new: Sequence[int]
    missing: Sequence[int]
    returned: Sequence[int]

    @property
    def is_suspicious(self) -> bool:
        """Whether so many voices are missing at once that the list is more likely to be wrong."""
        missing = len(self.missing)
        is_large_part = missing >= BREAKER_COUNT and missing * 100 >= self.known * BREAKER_PERCENT
        return missing > 0 and (missing == self.known or is_large_part)


def compare_list(source_id: int, listed: Set[int]) -> Differences:
    """Return how the complete list of a source differs from the voices that it is known to list."""
    columns = select(SourceVoice.voice_id, SourceVoice.missing_since).where(SourceVoice.source_id == source_id)
    known = dict(db.session.execute(columns).tuples().all())
    return Differences(
        known=sum(since is None for since in known.values()),
        new=sorted(listed - known.keys()),
        missing=sorted(id for id, since in known.items() if since is None and id not in listed),
        returned=sorted(id for id, since in known.items() if since is not None and id in listed),
    )


def write_list(source_id: int, differences: Differences, *, now: datetime) -> None:
    """Write the differences, in transactions of BATCH_SIZE voices."""
    for ids in split_into_batches(differences.new, BATCH_SIZE):
        with write_transaction():
            _insert(source_id, ids, now)
    for since, changed in ((now, differences.missing), (None, differences.returned)):
        for ids in split_into_batches(changed):
            with write_transaction():
                db.session.execute(
                    update(SourceVoice)
                    .where(SourceVoice.source_id == source_id, SourceVoice.voice_id.in_(ids))
                    .values(missing_since=since)
                )


def _insert(source_id: int, ids: Sequence[int], now: datetime) -> None:
    """Insert the voices that exist: a voice of another organization is listed, but was not written."""
    existing: list[int] = []
    for batch in split_into_batches(ids):
        existing += db.session.scalars(select(ClonedVoice.id).where(ClonedVoice.id.in_(batch)))
    if existing:
        rows = [{"source_id": source_id, "voice_id": id, "first_listed_at": now} for id in existing]
        db.session.execute(insert(SourceVoice), rows)
