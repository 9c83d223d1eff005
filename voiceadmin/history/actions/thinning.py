"""Thin the history out: one row a week after some time, and one row in all after a longer one.

A row is deleted only if a later one of the same voice stands for it. So the history is right at any time, also after
a process was killed between two transactions, and repeating changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, Self

from sqlalchemy import and_, delete, func, or_, select

from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.transactions import acquire_advisory_lock, execute_and_count, write_transaction
from voiceadmin.history.models import HistoryProgress, SlotDay, VoiceDay
from voiceadmin.text import YEAR

BATCH_SIZE = 500  # voices of a transaction, each of which has at most one row to delete

PAUSE_SECONDS = 0.005  # between transactions, so that other writers of SQLite get their turn

LOCK = "thin-history"

PROGRESS_ID = 1

SLOTS_PER_STATEMENT = 200  # each has three parameters

SlotKey = tuple[int, str, date]  # source, kind and day


class Limits(NamedTuple):
    """The last days that are thinned out.

    Attributes:
        weekly_until: up to this day, a voice keeps the last row of each week, Monday to Sunday.
        deleted_until: up to this day, it keeps its last row, from which the count of later days begins.
    """

    weekly_until: date
    deleted_until: date

    @classmethod
    def build(cls, days: int, years: int, *, now: datetime) -> Self:
        """Return the limits if every day is kept for these days, and the last of each week for these years."""
        today = now.astimezone(UTC).date()
        return cls(today - timedelta(days=days), today - years * YEAR)


def thin_history(limits: Limits) -> Iterator[int]:
    """Delete the rows that the limits no longer allow. Yields the number of deleted rows after each transaction.

    The caller can stop between two transactions; the next call continues. Costs by the days that have passed the
    limits since the last call.
    """
    progress = _read_progress()
    if progress == limits:
        return
    for day in _list_days(progress.weekly_until, limits.weekly_until):
        yield from _thin_day(day, _find_monday(day))
        _save_progress(weekly_until=day)
    for day in _list_days(progress.deleted_until, limits.deleted_until):
        yield from _thin_day(day, date.min)
        _save_progress(deleted_until=day)
    yield _thin_slots(limits)
    _save_progress(**limits._asdict())


def _read_progress() -> Limits:
    """Return how far the history is thinned out: date.min for not at all."""
    row = db.session.get(HistoryProgress, PROGRESS_ID)
    days = (row.weekly_until, row.deleted_until) if row else (None, None)
    db.session.rollback()
    return Limits(*(day or date.min for day in days))


def _save_progress(**days: date) -> None:
    with write_transaction():
        acquire_advisory_lock(LOCK)
        row = db.session.get(HistoryProgress, PROGRESS_ID) or HistoryProgress(id=PROGRESS_ID)
        for name, day in days.items():
            setattr(row, name, day)
        db.session.add(row)


def _list_days(after: date, until: date) -> Iterator[date]:
    """Yield the days with rows, ascending."""
    while True:
        days = select(func.min(VoiceDay.day)).where(VoiceDay.day > after, VoiceDay.day <= until)
        day = db.session.scalar(days)
        db.session.rollback()
        if day is None:
            return
        yield day
        after = day


def _thin_day(day: date, first: date) -> Iterator[int]:
    """Delete the rows from the first day to before this one of all voices that have one of this day."""
    voice_id = 0
    while True:
        with write_transaction():
            ids = db.session.scalars(
                select(VoiceDay.voice_id)
                .where(VoiceDay.day == day, VoiceDay.voice_id > voice_id)
                .order_by(VoiceDay.voice_id)
                .limit(BATCH_SIZE)
            ).all()
            is_earlier = and_(VoiceDay.voice_id.in_(ids), VoiceDay.day >= first, VoiceDay.day < day)
            deleted = execute_and_count(delete(VoiceDay).where(is_earlier)) if ids else 0
        yield deleted
        if len(ids) < BATCH_SIZE:
            return
        voice_id = ids[-1]
        time.sleep(PAUSE_SECONDS)


def _thin_slots(limits: Limits) -> int:
    """Thin the slots out in one transaction: there are few. Return the number of deleted rows."""
    with write_transaction():
        columns = select(SlotDay.source_id, SlotDay.kind, SlotDay.day).where(SlotDay.day <= max(limits))
        rows = [(source_id, kind, day) for source_id, kind, day in db.session.execute(columns)]
        kept = _choose_kept(sorted(rows), limits)
        old = [row for row in rows if row not in kept]
        return sum(_delete_slots(batch) for batch in split_into_batches(old, SLOTS_PER_STATEMENT))


def _choose_kept(rows: Sequence[SlotKey], limits: Limits) -> set[SlotKey]:
    """Return the rows that the limits allow. rows: sorted, so that of several the last one is chosen."""

    def find_week(day: date) -> date:
        return day if day > limits.weekly_until else _find_monday(day)

    weekly = {(source, kind, find_week(day)): (source, kind, day) for source, kind, day in rows}
    kept = {
        (source, kind, day if day > limits.deleted_until else date.min): (source, kind, day)
        for source, kind, day in weekly.values()
    }
    return set(kept.values())


def _find_monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _delete_slots(rows: Sequence[SlotKey]) -> int:
    is_one = [and_(SlotDay.source_id == source, SlotDay.kind == kind, SlotDay.day == day) for source, kind, day in rows]
    return execute_and_count(delete(SlotDay).where(or_(*is_one)))
