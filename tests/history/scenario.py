"""Voices whose values change from day to day, and readers of their history."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import insert, select

from tests.voices.importing.actions.scenario import lines
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.history.models import SlotDay, VoiceDay
from voiceadmin.history.types import VoiceDayRow
from voiceadmin.identity import Actor, ActorKind
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.types.rows import VoiceRow

FIRST = date(2026, 3, 2)  # a Monday
TESTER = Actor(ActorKind.CLI, None, "tester")

VoiceDayValues = tuple[date, int, str, float | None]


def day(number: int) -> date:
    """Return FIRST or a later day, from 0."""
    return FIRST + timedelta(days=number)


def noon(number: int) -> datetime:
    """Return noon of a day."""
    return datetime.combine(day(number), time(12), UTC)


def import_on(number: int, *rows: VoiceRow, **options: Any) -> None:
    """Import voices at noon of a day."""
    stream, target = io.BytesIO(lines(rows)), ImportTarget(31)
    import_voices(stream, target, by=TESTER, now=noon(number), on_fault=_raise, **options)


def _raise(fault: object) -> None:
    raise AssertionError(fault)


def list_days(voice_id: int) -> list[VoiceDayValues]:
    """Return the history of a voice, oldest first."""
    db.session.rollback()
    columns = (VoiceDay.day, VoiceDay.synthesis_count, VoiceDay.status, VoiceDay.quality_score)
    rows = db.session.execute(select(*columns).filter_by(voice_id=voice_id).order_by(VoiceDay.day))
    return [(day, count, status, score) for day, count, status, score in rows]


def add_days(voice_id: int, counts: Iterable[tuple[int, int]], **fields: Any) -> None:
    """Write days of a voice: their numbers, and the syntheses at the end of each."""
    values = {"voice_id": voice_id, "status": "ready", "quality_score": 0.85} | fields
    rows = [values | {"day": day(number), "synthesis_count": count} for number, count in counts]
    with write_transaction():
        db.session.execute(insert(VoiceDay), rows)


def list_slot_days(source_id: int) -> list[tuple[str, date, int, int | None]]:
    """Return kind, day, used and limit of the slots of a source, oldest first."""
    db.session.rollback()
    columns = (SlotDay.kind, SlotDay.day, SlotDay.used, SlotDay.slot_limit)
    rows = db.session.execute(select(*columns).filter_by(source_id=source_id).order_by(SlotDay.kind, SlotDay.day))
    return [(kind, day, used, limit) for kind, day, used, limit in rows]


def voice_days(*counts: tuple[int, int]) -> list[VoiceDayRow]:
    """Return rows of a voice: their numbers of days, and the syntheses at the end of each."""
    return [VoiceDayRow(day(number), count, "ready", 0.85) for number, count in counts]


def add_slot_days(source_id: int, kind: str, used: Iterable[tuple[int, int]], limit: int | None) -> None:
    """Write days of slots: their numbers, and the slots in use at the end of each."""
    values = {"source_id": source_id, "kind": kind, "slot_limit": limit}
    with write_transaction():
        db.session.execute(insert(SlotDay), [values | {"day": day(number), "used": count} for number, count in used])
