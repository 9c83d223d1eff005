"""Compare records of an import file with the database and with each other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.text import DAY, format_iso8601
from voiceadmin.voices.importing.csv_reading import ROW
from voiceadmin.voices.importing.records import ParsedRecord
from voiceadmin.voices.importing.types import Fault, ImportReport
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import VOICE_COLUMNS, build_voice_row, with_upstream_status
from voiceadmin.voices.types.rows import VoiceRow

# How far the clock of upstream may be ahead of this one. Later times are refused.
MAX_CLOCK_DIFFERENCE = DAY

FaultHandler = Callable[[Fault], None]


class Change(NamedTuple):
    """A voice to write. before: the stored voice, None for a new one."""

    before: VoiceRow | None
    after: VoiceRow


class RecordChecker:
    """Compares records with the clock, the database and earlier records, and counts the outcomes."""

    def __init__(self, on_fault: FaultHandler, now: datetime) -> None:
        self.added = self.changed = self.unchanged = self.refused = self.ignored = 0
        self._on_fault, self._now = on_fault, now
        self._ids = _ImportedIds()

    def check(self, batch: Sequence[ParsedRecord], organization_id: int | None) -> Iterator[Change]:
        """Count the outcome of every record, report its faults, and yield the voices to write.

        Args:
            batch: records of the file.
            organization_id: the organization that gets the voices, None if it does not exist yet.
        """
        numbered = [(record.number, record.row) for record in batch if record.row is not None]
        repeated = self._ids.add([(row.id, number) for number, row in numbered])
        stored = _select_stored([row.id for _, row in numbered])
        for record in batch:
            self.ignored += record.unknown_fields
            faults = record.faults
            if record.row is not None:
                owner, before = stored.get(record.row.id, (organization_id, None))
                conflict = _conflict(record, record.row, before, repeated, is_foreign=owner != organization_id)
                faults = (conflict,) if conflict else _find_future_times(record, record.row, self._now)
                if not faults and before == record.row:
                    self.unchanged += 1
                elif not faults:
                    self.added += before is None
                    self.changed += before is not None
                    yield Change(before, record.row)
            for fault in faults:
                self._on_fault(fault)
            self.refused += bool(faults)

    def close(self) -> None:
        """Delete the stored ids. The counts stay."""
        self._ids.close()

    def report(self, *, written: bool) -> ImportReport:
        """Return the counts."""
        return ImportReport(self.added, self.changed, self.unchanged, self.refused, self.ignored, written)


class _ImportedIds:
    """The voice ids of the file so far, each with the number of its record.

    They are in a temporary SQLite database, which moves to disk when it grows: a set of a million ids would take
    half of the memory that an import may use.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE imported (id INTEGER PRIMARY KEY, record INTEGER)")

    def add(self, pairs: Sequence[tuple[int, int]]) -> dict[int, int]:
        """Add pairs of id and record number. Return the repeated records, each with the first record of its id."""
        inserted = self._database.executemany("INSERT OR IGNORE INTO imported VALUES (?, ?)", pairs).rowcount
        if inserted == len(pairs):
            return {}
        query = "SELECT record FROM imported WHERE id = ?"
        firsts = ((record, self._database.execute(query, (id,)).fetchone()[0]) for id, record in pairs)
        return {record: first for record, first in firsts if first != record}

    def close(self) -> None:
        """Delete the temporary database."""
        self._database.close()


def _conflict(
    record: ParsedRecord, row: VoiceRow, before: VoiceRow | None, repeated: dict[int, int], *, is_foreign: bool
) -> Fault | None:
    """Return why a valid record cannot be written, or None."""
    number, unit = record.number, record.unit
    if number in repeated:
        problem = f"was already used by {unit.lower()} {repeated[number]}."
        return Fault(number, "id", row.id, problem, "Remove one of the two.", unit)
    if is_foreign:
        problem = "belongs to a voice of another organization."
        return Fault(number, "id", row.id, problem, "Import it with an assistant of that organization.", unit)
    if before is not None and unit == ROW and _has_lost_zeros(row.provider_voice_id, before.provider_voice_id):
        problem = f"lacks the zeros of {before.provider_voice_id}, which this voice has."
        remedy = "Export again, and format the column as text before the spreadsheet opens it."
        return Fault(number, "provider_voice_id", row.provider_voice_id, problem, remedy, unit)
    return None


def _has_lost_zeros(given: str, known: str) -> bool:
    return given != known and given.isdecimal() and given == known.lstrip("0")


def _find_future_times(record: ParsedRecord, row: VoiceRow, now: datetime) -> tuple[Fault, ...]:
    latest = now + MAX_CLOCK_DIFFERENCE
    problem = "is in the future."
    remedy = "Correct it; for clocks that differ, a time up to 1 day from now is accepted."
    return tuple(
        Fault(record.number, field, format_iso8601(time), problem, remedy, record.unit)
        for field, time in (("created_at", row.created_at), ("last_used_at", row.last_used_at))
        if time is not None and time > latest
    )


def _select_stored(ids: Sequence[int]) -> dict[int, tuple[int, VoiceRow]]:
    """Return the stored voices with these ids as upstream last reported them, each with its organization."""
    # Looking up a thousand ids takes time. The ids of most files ascend, and those of new voices are in a range
    # without stored voices, which one lookup shows.
    in_range = ClonedVoice.id.between(min(ids, default=0), max(ids, default=0))
    if db.session.scalar(select(ClonedVoice.id).where(in_range).limit(1)) is None:
        return {}
    columns = select(*VOICE_COLUMNS, ClonedVoice.organization_id, ClonedVoice.upstream_status)
    rows = db.session.execute(columns.where(ClonedVoice.id.in_(ids)))
    return {
        row.id: (row.organization_id, with_upstream_status(build_voice_row(row), row.upstream_status)) for row in rows
    }
