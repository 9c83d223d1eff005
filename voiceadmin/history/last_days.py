"""The last day of the history of voices as SQL: that on which they were last read from upstream.

It is what `sources.queries.find_last_read` and `history.queries.read_use_history` compute for one voice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from voiceadmin.database.base import db
from voiceadmin.database.dialect import build_ids_condition, fetch_rows
from voiceadmin.database.types import UtcDay

_DAY_OF = {
    "sqlite": "CAST(strftime('%s', {}) AS INTEGER) / 86400",
    "postgresql": "CAST({} AT TIME ZONE 'UTC' AS date)",
}
_GREATEST = {"sqlite": "max", "postgresql": "greatest"}

# When a source that lists the voice was last read as a whole; null if none lists it.
_LAST_READ = (
    "SELECT max(run.started_at) FROM source_voice AS listed JOIN sync_run AS run ON run.source_id = listed.source_id"
    " WHERE listed.voice_id = {} AND listed.missing_since IS NULL AND run.result = 'complete'"
)


def build_last_day(voice_id: str) -> str:
    """Return SQL of the last day of a voice that has a row. Its parameter is :today.

    Args:
        voice_id: SQL of the id of the voice.
    """
    dialect = db.engine.dialect.name
    read_on = _DAY_OF[dialect].format(f"({_LAST_READ.format(voice_id)})")
    newest = f"(SELECT max(newest.day) FROM voice_day AS newest WHERE newest.voice_id = {voice_id})"
    return f"{_GREATEST[dialect]}(coalesce({read_on}, :today), {newest})"


def build_today(now: datetime) -> Any:
    """Return the current day as the driver of the database takes it."""
    return UtcDay().process_bind_param(now.astimezone(UTC).date(), db.engine.dialect)


def read_last_days(voice_ids: Sequence[int], *, now: datetime) -> dict[int, date]:
    """Return the last days of those voices that have a row, by id."""
    condition, parameters = build_ids_condition("voice.id", voice_ids)
    rows = fetch_rows(
        f"SELECT voice.id, {build_last_day('voice.id')} FROM cloned_voice AS voice WHERE {condition}"
        " AND EXISTS (SELECT 1 FROM voice_day WHERE voice_day.voice_id = voice.id)",
        parameters | {"today": build_today(now)},
    )
    convert = UtcDay().process_result_value
    days = ((id, convert(day, db.engine.dialect)) for id, day in rows)
    return {id: day for id, day in days if day is not None}
