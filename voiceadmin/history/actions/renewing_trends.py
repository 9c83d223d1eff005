"""Store the trends of voices, once a day.

The trend of a voice changes on a day only if it has a row of the day before, which begins to count, or one of PERIOD or
DAYS_NEEDED days before that, which leaves a period. Only such voices are read, and only what differs is written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, column, delete, select, table

from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.database.types import BigId
from voiceadmin.database.upserts import upsert_rows
from voiceadmin.history.actions.thinning import LOCK, PAUSE_SECONDS, PROGRESS_ID
from voiceadmin.history.models import HistoryProgress, VoiceDay, VoiceTrend
from voiceadmin.history.queries import read_days
from voiceadmin.history.trends import DAYS_NEEDED, PERIOD, find_end, find_trend
from voiceadmin.history.types import STORED_TRENDS, VoiceDayRow
from voiceadmin.text import DAY

BATCH_SIZE = 500  # voices that are read at once

# Days before today whose rows can change a trend today. Those of the second one may have been written late.
CHANGING = (1, 2, PERIOD + 1, DAYS_NEEDED + 1)

# Not the model, as in `recording`.
VOICE = table("cloned_voice", column("id", BigId), column("organization_id", BigId))

COLUMNS = ("voice_id", "organization_id", "trend", "from_day", "until_day", "basis_day", "basis_count")


class _Outcome(NamedTuple):
    """A trend that can be stored, and what it follows from. See `VoiceTrend`."""

    trend: str
    until_day: date
    basis_day: date
    basis_count: int


def renew_trends(*, now: datetime) -> Iterator[int]:
    """Store the trends of today. Yields the number of written rows after each batch of voices.

    The caller can stop between two batches; the next call begins again. Does nothing if they are those of today.
    """
    today, last = now.astimezone(UTC).date(), _read_last_day()
    if last is not None and last >= today:
        return
    for ids in _iterate_voices(last, today):
        yield _renew(ids, today)
        time.sleep(PAUSE_SECONDS)
    with write_transaction():
        acquire_advisory_lock(LOCK)
        row = db.session.get(HistoryProgress, PROGRESS_ID) or HistoryProgress(id=PROGRESS_ID)
        row.trends_on = today
        db.session.add(row)


def _read_last_day() -> date | None:
    last = db.session.scalar(select(HistoryProgress.trends_on).filter_by(id=PROGRESS_ID))
    db.session.rollback()
    return last


def _iterate_voices(last: date | None, today: date) -> Iterator[Sequence[int]]:
    """Yield the ids of the voices whose trend can have changed since a day; of all voices after a long time."""
    if last is None or (today - last).days > PERIOD:
        yield from _iterate_ids(select(VOICE.c.id), VOICE.c.id)
        return
    passed = range((today - last).days)
    for day in sorted({today - (number + before) * DAY for number in passed for before in CHANGING}):
        yield from _iterate_ids(select(VoiceDay.voice_id).where(VoiceDay.day == day), VoiceDay.voice_id)


def _iterate_ids(selected: Select[int], id: Any) -> Iterator[Sequence[int]]:
    """Yield the ids that a query returns, in batches."""
    last = 0
    while True:
        ids = db.session.scalars(selected.where(id > last).order_by(id).limit(BATCH_SIZE)).all()
        db.session.rollback()
        if ids:
            yield ids
        if len(ids) < BATCH_SIZE:
            return
        last = ids[-1]


def _renew(ids: Sequence[int], today: date) -> int:
    """Write the trends of voices that differ from the stored ones. Return their number."""
    rows = read_days(ids, today - DAYS_NEEDED * DAY)
    found = {id: _find_outcome([row for row in rows.get(id, ()) if row.day < today], today) for id in ids}
    stored = _read_stored(ids)
    db.session.rollback()
    gone = [id for id in stored if found[id] is None]
    changed = {id: outcome for id, outcome in found.items() if outcome is not None and stored.get(id) != outcome}
    if gone or changed:
        with write_transaction():
            for batch in split_into_batches(gone):
                db.session.execute(delete(VoiceTrend).where(VoiceTrend.voice_id.in_(batch)))
            _write(changed, today)
    return len(gone) + len(changed)


def _find_outcome(rows: Sequence[VoiceDayRow], today: date) -> _Outcome | None:
    """Return the trend of a voice by its rows before today; None if it is not stored."""
    reading = find_trend(rows, today)
    if reading is None or reading.trend not in STORED_TRENDS:
        return None
    return _Outcome(reading.trend.value, find_end(rows, reading, today), rows[-1].day, rows[-1].synthesis_count)


def _read_stored(ids: Sequence[int]) -> Mapping[int, _Outcome | None]:
    """Return what is stored of voices; None for a voice that has moved to another organization since."""
    columns = (VoiceTrend.trend, VoiceTrend.until_day, VoiceTrend.basis_day, VoiceTrend.basis_count)
    is_current = VoiceTrend.organization_id == VOICE.c.organization_id
    statement = select(VoiceTrend.voice_id, is_current, *columns).join(VOICE, VOICE.c.id == VoiceTrend.voice_id)
    rows = db.session.execute(statement.where(VoiceTrend.voice_id.in_(ids)))
    return {row[0]: _Outcome._make(row[2:]) if row[1] else None for row in rows}


def _write(outcomes: Mapping[int, _Outcome], today: date) -> None:
    """Store trends from today, of voices that still exist. They are locked in the order of their ids."""
    for batch in split_into_batches(sorted(outcomes)):
        voices = select(VOICE.c.id, VOICE.c.organization_id).where(VOICE.c.id.in_(batch)).order_by(VOICE.c.id)
        present = db.session.execute(voices.with_for_update(read=True, key_share=True)).all()
        rows = [(id, organization, outcomes[id]) for id, organization in present]
        values = [(id, organization, found[0], today, *found[1:]) for id, organization, found in rows]
        upsert_rows(VoiceTrend, COLUMNS, values)
