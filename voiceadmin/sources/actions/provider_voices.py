"""Write what a provider lists: its voices, and since when its list lacks others."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import aliased

from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_rows
from voiceadmin.history.actions.recording import record_slot_day
from voiceadmin.sources.clients.outcomes import Broken, Complete, Outcome
from voiceadmin.sources.clients.types import ProviderVoice, SlotReading
from voiceadmin.sources.models import ProviderListing, ProviderLookUp, SlotUse, Source, StoredProviderVoice
from voiceadmin.sources.types import ListingResult, is_nearly_full
from voiceadmin.sources.verdicts import Answer

BATCH_SIZE = 1000  # voices of one transaction

COLUMNS = ("source_id", "voice_id", *ProviderVoice._fields[1:], "first_listed_at", "absent_since")


class ListChanges(NamedTuple):
    """How the lists of a provider differ from what is stored.

    Attributes:
        written: rows of COLUMNS to write.
        added, returned: how many of them are new, and how many were absent.
        known: number of voices of ours that a believed list had, and that were not absent.
        lost: how many of them the lists lack.
        absent: ids of all voices that the lists lack for the first time.
    """

    written: Sequence[Sequence[Any]]
    added: int
    returned: int
    known: int
    lost: int
    absent: Sequence[str]


def merge_listings(listings: Mapping[str, Outcome[ProviderVoice]]) -> dict[str, ProviderVoice]:
    """Return the voices of all listings by id. A voice that is in several has its state of the first one."""
    merged: dict[str, ProviderVoice] = {}
    for outcome in listings.values():
        if not isinstance(outcome, Broken):
            for voice in outcome.items:
                merged.setdefault(voice.id, voice)
    return merged


def compare_voices(source_id: int, listed: Mapping[str, ProviderVoice], *, now: datetime) -> ListChanges:
    """Return how lists differ from the stored voices of a source."""
    columns = [getattr(StoredProviderVoice, name) for name in COLUMNS[1:]]
    stored = {row[0]: tuple(row) for row in db.session.execute(select(*columns).filter_by(source_id=source_id))}
    written, added, returned = [], 0, 0
    for id, voice in listed.items():
        before = stored.get(id)
        after = (*_store(voice), before[-2] if before else now, None)
        if before != after:
            written.append((source_id, *after))
            added += before is None
            returned += before is not None and before[-1] is not None
    is_ours = COLUMNS.index("is_ours") - 1
    present = {id: row for id, row in stored.items() if row[-1] is None}
    absent = sorted(present.keys() - listed.keys())
    known = _select_known(source_id, {id: row[-2] for id, row in present.items() if row[is_ours]})
    return ListChanges(written, added, returned, len(known), len(known.intersection(absent)), absent)


def _select_known(source_id: int, present: Mapping[str, datetime]) -> set[str]:
    """Return the voices that a believed list had.

    Voices of lists that are not believed would make a loss look small: with a wrong key, they are those of others.

    Args:
        present: when each voice was first listed.
    """
    times = db.session.scalars(select(ProviderListing.complete_at).filter_by(source_id=source_id)).all()
    believed_at = [time for time in times if time is not None]
    if not times or len(believed_at) < len(times):
        return set()
    return {id for id, first_listed_at in present.items() if first_listed_at <= min(believed_at)}


def _store(voice: ProviderVoice) -> tuple[Any, ...]:
    """Return the values of a voice for the database."""
    return (*voice._replace(state=voice.state.value, slot=voice.slot and voice.slot.value),)  # type: ignore[arg-type]


def write_voices(
    source_id: int, changes: ListChanges, refuted: Sequence[str], on_written: Callable[[int, int], None]
) -> None:
    """Write the listed voices, in transactions of BATCH_SIZE, and delete the answers that the list refutes.

    Args:
        source_id: the source.
        changes: the voices to write.
        refuted: ids of the voices whose answers are deleted.
        on_written: called with the number of voices written so far, and their total.
    """
    for number, rows in enumerate(split_into_batches(changes.written, BATCH_SIZE)):
        on_written(number * BATCH_SIZE, len(changes.written))
        with write_transaction():
            upsert_rows(StoredProviderVoice, COLUMNS, rows)
    for ids in split_into_batches(refuted):
        with write_transaction():
            db.session.execute(delete(ProviderLookUp).where(_is_refutable(source_id), ProviderLookUp.voice_id.in_(ids)))


def find_refuted(source_id: int, listed: Collection[str]) -> list[str]:
    """Return the listed voices about which there is an answer."""
    answered = db.session.scalars(select(ProviderLookUp.voice_id).where(_is_refutable(source_id)))
    return sorted({id for id in answered if id in listed})


def _is_refutable(source_id: int) -> ColumnElement[bool]:
    """Return the condition of answers that a list of a source can refute.

    That a removed source may have a voice is refuted for sources whose voices this one lists as well. Others are judged
    without this one.
    """
    this = aliased(Source)
    is_alike = (
        Source.kind == this.kind,
        or_(this.organization_id.is_(None), Source.organization_id == this.organization_id),
    )
    alike = select(Source.id).join(this, this.id == source_id).where(*is_alike)
    is_elsewhere = and_(ProviderLookUp.answer == Answer.ELSEWHERE.value, ProviderLookUp.source_id.in_(alike))
    return or_(ProviderLookUp.source_id == source_id, is_elsewhere)


def mark_absent(source_id: int, ids: Sequence[str], *, now: datetime) -> None:
    """Write since when voices are absent, each batch in a transaction of its own."""
    for batch in split_into_batches(ids):
        with write_transaction():
            set_absent(source_id, batch, now=now)


def set_absent(source_id: int, ids: Sequence[str], *, now: datetime) -> None:
    """Write since when voices are absent. Call inside a write transaction."""
    for batch in split_into_batches(ids):
        is_one = (StoredProviderVoice.source_id == source_id, StoredProviderVoice.voice_id.in_(batch))
        db.session.execute(update(StoredProviderVoice).where(*is_one).values(absent_since=now))


def write_listings(
    source_id: int,
    listings: Mapping[str, Outcome[ProviderVoice]],
    doubt: str,
    withheld: Mapping[str, Sequence[str]],
    *,
    now: datetime,
) -> None:
    """Write the outcome of each listing.

    Args:
        doubt: why complete lists are not believed; "" if they are.
        withheld: ids of the voices that they lack then, by how they are known: listed before, or named.
    """
    is_complete = all(isinstance(outcome, Complete) for outcome in listings.values())
    with write_transaction():
        for name, outcome in listings.items():
            row = db.session.get(ProviderListing, (source_id, name))
            if row is None:
                row = ProviderListing(source_id=source_id, name=name)
                db.session.add(row)
            row.attempted_at, row.voices = now, 0 if isinstance(outcome, Broken) else len(outcome.items)
            row.result, row.message = describe_listing(outcome, doubt)
            row.withheld = json.dumps(withheld) if doubt and isinstance(outcome, Complete) else ""
            if is_complete and not doubt:
                row.complete_at = now


def describe_listing(outcome: Outcome[ProviderVoice], doubt: str) -> tuple[str, str]:
    """Return the result of a listing, and why it is not complete."""
    if isinstance(outcome, Complete):
        return (ListingResult.WITHHELD if doubt else ListingResult.COMPLETE).value, doubt
    result = ListingResult.BROKEN if isinstance(outcome, Broken) else ListingResult.INCOMPLETE
    return result.value, outcome.fault.message


def mark_unread(source_id: int, message: str, *, now: datetime) -> None:
    """Note that no listing could be read, so that what is known from them is no longer current."""
    with write_transaction():
        for row in db.session.scalars(select(ProviderListing).filter_by(source_id=source_id)):
            row.attempted_at, row.voices, row.withheld = now, 0, ""
            row.result, row.message = ListingResult.BROKEN.value, message


def write_slots(
    source_id: int, readings: Sequence[SlotReading], listed: Collection[ProviderVoice] | None, *, now: datetime
) -> None:
    """Write the slots. Where the provider tells only the limit, the listed voices are counted.

    Args:
        listed: None if the list is not complete. What must be counted keeps its former number and time then.
    """
    with write_transaction():
        kinds = [reading.kind.value for reading in readings]
        db.session.execute(delete(SlotUse).where(SlotUse.source_id == source_id, SlotUse.kind.not_in(kinds)))
        for reading in readings:
            if reading.used is not None:
                _write_slot(source_id, reading, reading.used, now, is_counted=False)
            elif listed is not None:
                used = sum(voice.slot is reading.kind for voice in listed)
                _write_slot(source_id, reading, used, now, is_counted=True)


def _write_slot(source_id: int, reading: SlotReading, used: int, now: datetime, *, is_counted: bool) -> None:
    former = db.session.get(SlotUse, (source_id, reading.kind.value))
    since = former.nearly_full_since if former else None
    row = SlotUse(source_id=source_id, kind=reading.kind.value, used=used, slot_limit=reading.limit)
    row.is_counted, row.read_at = is_counted, now
    row.nearly_full_since = (since or now) if is_nearly_full(used, reading.limit) else None
    db.session.merge(row)
    record_slot_day(source_id, row.kind, used, reading.limit, now=now)
