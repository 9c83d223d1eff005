"""Write the values of the day, in the transaction that changes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Select, column, func, literal, select, table, text
from sqlalchemy.orm import aliased

from voiceadmin.database.base import db
from voiceadmin.database.dialect import build_ids_condition
from voiceadmin.database.types import UtcDay
from voiceadmin.database.upserts import upsert_selected
from voiceadmin.history.models import SlotDay, VoiceDay

# Not the model: the package of voices writes the history, and packages import each other in one direction only.
VOICE = table("cloned_voice", *map(column, ("id", "synthesis_count", "status", "upstream_status", "quality_score")))

COLUMNS = ("voice_id", "day", "synthesis_count", "status", "quality_score")


def record_voice_days(voice_ids: Sequence[int], *, now: datetime) -> None:
    """Write the stored values of voices as those of the day. Call inside the write transaction that changed them."""
    if voice_ids:
        upsert_selected(VoiceDay, COLUMNS, _select_values(voice_ids, now))


def _select_values(voice_ids: Sequence[int], now: datetime) -> Select[tuple[object, ...]]:
    """Return a query of COLUMNS for voices, sorted so that two transactions cannot deadlock."""
    day, later = literal(now.astimezone(UTC).date(), UtcDay()), aliased(VoiceDay)
    # The clock of another machine may be ahead. A row before its row would look as if the count had gone back.
    is_later = (later.voice_id == VOICE.c.id, later.day > day)
    latest = select(func.max(later.day)).where(*is_later).scalar_subquery()
    condition, parameters = build_ids_condition("cloned_voice.id", voice_ids)
    status = func.coalesce(VOICE.c.upstream_status, VOICE.c.status)
    values = (VOICE.c.id, func.coalesce(latest, day), VOICE.c.synthesis_count, status, VOICE.c.quality_score)
    return select(*values).where(text(condition).bindparams(**parameters)).order_by(VOICE.c.id)


def record_slot_day(source_id: int, kind: str, used: int, limit: int | None, *, now: datetime) -> None:
    """Write the slots of a kind as those of the day, unless they are as before. Call inside a write transaction."""
    days = select(SlotDay).filter_by(source_id=source_id, kind=kind).order_by(SlotDay.day.desc()).limit(1)
    newest, day = db.session.scalar(days), now.astimezone(UTC).date()
    if newest is None or (newest.used, newest.slot_limit) != (used, limit):
        day = day if newest is None else max(day, newest.day)
        row = SlotDay(source_id=source_id, kind=kind, day=day, used=used, slot_limit=limit)
        db.session.merge(row)
