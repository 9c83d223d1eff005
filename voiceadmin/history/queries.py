"""Read the history of one voice, or of the slots of one source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import itemgetter

from sqlalchemy import func, literal, select
from sqlalchemy.orm import aliased

from voiceadmin.database.base import db
from voiceadmin.database.types import UtcDay
from voiceadmin.history.daily_use import count_syntheses, find_idle_since, list_counts
from voiceadmin.history.forecasts import forecast_slots, list_used
from voiceadmin.history.last_days import read_last_days
from voiceadmin.history.models import HistoryProgress, SlotDay, VoiceDay
from voiceadmin.history.sparklines import draw_bars
from voiceadmin.history.trends import DAYS_NEEDED, PERIOD, find_trend
from voiceadmin.history.types import RecentUse, SlotDayRow, SlotHistory, UseDay, UseHistory, VoiceDayRow
from voiceadmin.text import DAY

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


def read_recent_use(voice_ids: Sequence[int], *, now: datetime) -> dict[int, RecentUse]:
    """Return the use of the voices of a page by id; voices without history have no key.

    Args:
        voice_ids: a query with a scope has found them.
        now: the current time.
    """
    last_days = read_last_days(voice_ids, now=now)
    rows = read_days(list(last_days), min(last_days.values()) - DAYS_NEEDED * DAY) if last_days else {}
    return {id: _build_recent_use(rows[id], last_day) for id, last_day in last_days.items()}


def _build_recent_use(rows: Sequence[VoiceDayRow], last_day: date) -> RecentUse:
    until = last_day - DAY
    chart = draw_bars(list_counts(rows, last_day - PERIOD * DAY, until))
    return RecentUse(chart.path, find_trend(rows, last_day), until)


def find_trends_day() -> date | None:
    """Return the day on which the stored trends were last renewed; None if they never were."""
    return db.session.scalar(select(HistoryProgress.trends_on))


def read_days(voice_ids: Sequence[int], first: date) -> dict[int, list[VoiceDayRow]]:
    """Return the rows of voices from a day, and the newest one before it, by id and oldest first.

    Args:
        voice_ids: at most as many as a statement can have parameters. A query with a scope has found them.
        first: the day.
    """
    earlier = aliased(VoiceDay)
    is_earlier = (earlier.voice_id == VoiceDay.voice_id, earlier.day < first)
    newest = select(func.max(earlier.day)).where(*is_earlier).scalar_subquery()
    columns = (VoiceDay.voice_id, VoiceDay.day, VoiceDay.synthesis_count, VoiceDay.status, VoiceDay.quality_score)
    is_needed = VoiceDay.day >= func.coalesce(newest, literal(first, UtcDay()))
    statement = select(*columns).where(VoiceDay.voice_id.in_(voice_ids), is_needed)
    rows = db.session.execute(statement.order_by(VoiceDay.voice_id, VoiceDay.day))
    return {id: [VoiceDayRow._make(row[1:]) for row in group] for id, group in groupby(rows, key=itemgetter(0))}


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
