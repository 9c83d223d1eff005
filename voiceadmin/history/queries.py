"""Read the history of one voice, or of the slots of one source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from sqlalchemy import func, select

from voiceadmin.database.base import db
from voiceadmin.history.daily_use import count_syntheses, find_idle_since, list_counts
from voiceadmin.history.forecasts import forecast_slots, list_used
from voiceadmin.history.models import SlotDay, VoiceDay
from voiceadmin.history.trends import find_trend
from voiceadmin.history.types import SlotDayRow, SlotHistory, UseDay, UseHistory, VoiceDayRow

DAYS_SHOWN = 90  # which end today

MAX_ROWS = DAYS_SHOWN + 1  # of a voice: one for each day that is shown, and one before, from which counting begins


def read_use_history(voice_id: int, *, read_at: datetime) -> UseHistory | None:
    """Return the use of a voice over time; None if nothing is recorded.

    Args:
        voice_id: of a voice that a query with a scope has found.
        read_at: when the voice was last read from upstream. The days after it are not known.
    """
    rows = _read_rows(voice_id)
    if not rows:
        return None
    last = max(read_at.astimezone(UTC).date(), rows[-1].day)
    first = last - timedelta(days=DAYS_SHOWN - 1)
    return UseHistory(
        days=_list_days(rows, first),
        recorded_since=_find_first_day(voice_id) or rows[0].day,
        first_day=first,
        last_day=last,
        counts=list_counts(rows, first, last),
        idle_since=find_idle_since(rows, last),
        trend=find_trend(rows, last),
    )


def _read_rows(voice_id: int) -> list[VoiceDayRow]:
    """Return the newest rows of a voice, oldest first."""
    columns = (VoiceDay.day, VoiceDay.synthesis_count, VoiceDay.status, VoiceDay.quality_score)
    newest = select(*columns).filter_by(voice_id=voice_id).order_by(VoiceDay.day.desc()).limit(MAX_ROWS)
    return [VoiceDayRow._make(row) for row in reversed(db.session.execute(newest).all())]


def _find_first_day(voice_id: int) -> date | None:
    return db.session.scalar(select(func.min(VoiceDay.day)).filter_by(voice_id=voice_id))


def _list_days(rows: Sequence[VoiceDayRow], first: date) -> list[UseDay]:
    """Return the days from the first with their syntheses, newest first."""
    counts = count_syntheses(rows)
    return [
        UseDay(row.day, counts.get(row.day), row.synthesis_count, row.status, row.quality_score)
        for row in reversed(rows)
        if row.day >= first
    ]


def read_slot_histories(source_id: int, read_at: Mapping[str, datetime], *, now: datetime) -> dict[str, SlotHistory]:
    """Return the use of slots over time, by kind.

    Args:
        source_id: of a source that a query with a scope has found.
        read_at: when the slots of each kind were last read. Other kinds are omitted.
    """
    columns = (SlotDay.kind, SlotDay.day, SlotDay.used, SlotDay.slot_limit)
    rows = db.session.execute(select(*columns).filter_by(source_id=source_id).order_by(SlotDay.kind, SlotDay.day))
    by_kind = {
        kind: [SlotDayRow._make(row[1:]) for row in group] for kind, group in groupby(rows.all(), key=itemgetter(0))
    }
    return {kind: _build_slot_history(by_kind[kind], at, now) for kind, at in read_at.items() if kind in by_kind}


def _build_slot_history(rows: Sequence[SlotDayRow], read_at: datetime, now: datetime) -> SlotHistory:
    read_on, today = read_at.astimezone(UTC).date(), now.astimezone(UTC).date()
    first = today - timedelta(days=DAYS_SHOWN - 1)
    return SlotHistory(
        first_day=first,
        used=list_used(rows, first, today),
        limit=rows[-1].limit,
        recorded_since=rows[0].day,
        forecast=forecast_slots(rows, read_on, today),
    )
