"""Keep which voices a source lists, and since when others are missing from its list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import exists, insert, literal, select, update

from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.transactions import write_transaction
from voiceadmin.sources.breaker import is_suspicious
from voiceadmin.sources.models import Source, SourceVoice
from voiceadmin.voices.models import ClonedVoice

BATCH_SIZE = 2000  # voices of one transaction


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
        return is_suspicious(len(self.missing), self.known)


def read_known_voices(source_id: int) -> dict[int, datetime | None]:
    """Return since when each voice that a source once listed is missing, None for those that are listed.

    Call before the list is requested: a voice that another sync of the source finds afterwards is not missing.
    """
    columns = select(SourceVoice.voice_id, SourceVoice.missing_since).where(SourceVoice.source_id == source_id)
    known = dict(db.session.execute(columns).all())
    db.session.rollback()
    return known


def compare_list(known: Mapping[int, datetime | None], listed: Set[int]) -> Differences:
    """Return how the complete list of a source differs from the voices that it is known to list."""
    return Differences(
        known=sum(since is None for since in known.values()),
        new=sorted(listed - known.keys()),
        missing=sorted(id for id, since in known.items() if since is None and id not in listed),
        returned=sorted(id for id, since in known.items() if since is not None and id in listed),
    )


def write_list(source_id: int, organization_id: int, differences: Differences, *, now: datetime) -> None:
    """Write the differences, in transactions of BATCH_SIZE voices."""
    for ids in split_into_batches(differences.new, BATCH_SIZE):
        with write_transaction():
            _insert(source_id, organization_id, ids, now)
    for ids in split_into_batches(differences.missing, BATCH_SIZE):
        with write_transaction():
            _set_missing_since(source_id, ids, now)
    for ids in split_into_batches(differences.returned, BATCH_SIZE):
        with write_transaction():
            _set_missing_since(source_id, ids, None)


def _insert(source_id: int, organization_id: int, ids: Sequence[int], now: datetime) -> None:
    """Insert those of the voices that belong to the organization: others are listed, but were not written."""
    # Two syncs of a source insert one after the other. A source that was removed in the meantime has no row.
    lock = select(Source.id).where(Source.id == source_id).with_for_update()
    if db.session.scalar(lock) is None:
        return
    is_known = exists().where(SourceVoice.source_id == source_id, SourceVoice.voice_id == ClonedVoice.id)
    for batch in split_into_batches(ids):
        rows = select(literal(source_id), ClonedVoice.id, literal(now, SourceVoice.first_listed_at.type)).where(
            ClonedVoice.id.in_(batch), ClonedVoice.organization_id == organization_id, ~is_known
        )
        names = ["source_id", "voice_id", "first_listed_at"]
        db.session.execute(insert(SourceVoice).from_select(names, rows, include_defaults=False))


def _set_missing_since(source_id: int, ids: Sequence[int], since: datetime | None) -> None:
    """Mark voices as missing since a time, or with None as listed. Voices that are marked so already stay."""
    is_marked = SourceVoice.missing_since.is_not(None) if since is None else SourceVoice.missing_since.is_(None)
    for batch in split_into_batches(ids):
        db.session.execute(
            update(SourceVoice)
            .where(SourceVoice.source_id == source_id, SourceVoice.voice_id.in_(batch), is_marked)
            .values(missing_since=since)
        )
