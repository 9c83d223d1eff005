"""Compare records of an import file with the database and with each other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_all
from voiceadmin.text import DAY, format_iso8601
from voiceadmin.voices.importing.csv_reading import ROW
from voiceadmin.voices.importing.plain_records import AnyRecord, PlainRecord, parse_if_plain
from voiceadmin.voices.importing.records import ParsedRecord
from voiceadmin.voices.importing.types import RECORD, Fault, ImportReport
from voiceadmin.voices.json_body import FIRST_KNOWN_TIME
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import VOICE_COLUMNS, build_voice_row, with_upstream_status
from voiceadmin.voices.types.provider import normalize_provider
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
        self.added = self.changed = self.unchanged = self.refused = self.ignored = self.reset = 0
        self._on_fault, self._latest = on_fault, now + MAX_CLOCK_DIFFERENCE
        self._ids = _ImportedIds()

    def check(self, batch: Sequence[AnyRecord], organization_id: int | None) -> Iterator[Change]:
        """Count the outcome of every record, report its faults, and yield the voices to write.

        Args:
            batch: records of the file.
            organization_id: the organization that gets the voices, None if it does not exist yet.
        """
        records = _parse_others(batch, _select_json_bodies(batch, organization_id, self._latest))
        repeated = self._ids.add([(record.id, record.number) for record in records if record.id is not None])
        stored = _select_stored(
            [record.row.id for record in records if isinstance(record, ParsedRecord) and record.row]
        )
        for record in records:
            if isinstance(record, PlainRecord):
                faults = _find_repetition(record.number, record.id, repeated, RECORD)
                self.unchanged += not faults
            else:
                owner, before = stored.get(record.id or 0, (organization_id, None))
                faults = self._find_faults(record, before, repeated, is_foreign=owner != organization_id)
                self.ignored += record.unknown_fields
                if record.row is not None and not faults:
                    yield from self._compare(before, record.row)
            for fault in faults:
                self._on_fault(fault)
            self.refused += bool(faults)

    def _find_faults(
        self, record: ParsedRecord, before: VoiceRow | None, repeated: dict[int, int], *, is_foreign: bool
    ) -> tuple[Fault, ...]:
        if record.row is None:
            return record.faults
        return (
            _find_repetition(record.number, record.row.id, repeated, record.unit)
            or _find_conflict(record, record.row, before, is_foreign=is_foreign)
            or _find_future_times(record, record.row, self._latest)
        )

    def _compare(self, before: VoiceRow | None, after: VoiceRow) -> Iterator[Change]:
        """Count the outcome of a valid record. Yield the change, if it is one."""
        if before == after:
            self.unchanged += 1
            return
        self.added += before is None
        self.changed += before is not None
        self.reset += before is not None and before.synthesis_count > after.synthesis_count
        yield Change(before, after)

    def close(self) -> None:
        """Delete the stored ids. The counts stay."""
        self._ids.close()

    def report(self, *, written: bool) -> ImportReport:
        """Return the counts."""
        counts = (self.added, self.changed, self.unchanged, self.refused, self.ignored)
        return ImportReport(*counts, written, self.reset)


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


def _find_repetition(number: int, id: int, repeated: dict[int, int], unit: str) -> tuple[Fault, ...]:
    if number not in repeated:
        return ()
    problem = f"was already used by {unit.lower()} {repeated[number]}."
    return (Fault(number, "id", id, problem, "Remove one of the two.", unit),)


def _find_conflict(
    record: ParsedRecord, row: VoiceRow, before: VoiceRow | None, *, is_foreign: bool
) -> tuple[Fault, ...]:
    """Return why a valid record cannot replace the stored voice."""
    number, unit = record.number, record.unit
    if is_foreign:
        problem = "belongs to a voice of another organization."
        return (Fault(number, "id", row.id, problem, "Import it with an assistant of that organization.", unit),)
    if before is not None and unit == ROW and _has_lost_zeros(row.provider_voice_id, before.provider_voice_id):
        problem = f"lacks the zeros of {before.provider_voice_id}, which this voice has."
        remedy = "Export again, and format the column as text before the spreadsheet opens it."
        return (Fault(number, "provider_voice_id", row.provider_voice_id, problem, remedy, unit),)
    return ()


def _has_lost_zeros(given: str, known: str) -> bool:
    return given != known and given.isdecimal() and given == known.lstrip("0")


def _find_future_times(record: ParsedRecord, row: VoiceRow, latest: datetime) -> tuple[Fault, ...]:
    if row.created_at <= latest and (row.last_used_at is None or row.last_used_at <= latest):
        return ()
    problem = "is in the future."
    remedy = "Correct it; for clocks that differ, a time up to 1 day from now is accepted."
    return tuple(
        Fault(record.number, field, format_iso8601(time), problem, remedy, record.unit)
        for field, time in (("created_at", row.created_at), ("last_used_at", row.last_used_at))
        if time is not None and time > latest
    )


def _parse_others(batch: Sequence[AnyRecord], json_bodies: dict[int, str]) -> list[AnyRecord]:
    """Parse the records that are not equal to the stored JSON of their voice. The others are valid and unchanged."""
    return [record if _is_stored(record, json_bodies) else parse_if_plain(record) for record in batch]


def _is_stored(record: AnyRecord, json_bodies: dict[int, str]) -> bool:
    return isinstance(record, PlainRecord) and record.id in json_bodies and record.is_equal(json_bodies[record.id])


_SELECT_JSON_BODIES = """SELECT id, provider, json_body FROM cloned_voice
    WHERE id IN :ids AND organization_id = :organization AND upstream_status IS NULL
    AND created_at BETWEEN :first AND :latest AND (last_used_at IS NULL OR last_used_at BETWEEN :first AND :latest)"""


def _select_json_bodies(batch: Sequence[AnyRecord], organization_id: int | None, latest: datetime) -> dict[int, str]:
    """Return the JSON of stored voices, by id. A record that is equal to it would be read to the same voice.

    That is not so for a voice that was archived here, whose JSON is not that of upstream, and for one that an earlier
    version stored by other rules.
    """
    ids = [record.id for record in batch if isinstance(record, PlainRecord)]
    if organization_id is None or not _is_any_stored(ids):
        return {}
    times = {"first": FIRST_KNOWN_TIME, "latest": latest}
    rows = fetch_all(_SELECT_JSON_BODIES, {"ids": ids, "organization": organization_id} | times)
    return {id: json_body for id, provider, json_body in rows if normalize_provider(provider) == provider}


def _select_stored(ids: Sequence[int]) -> dict[int, tuple[int, VoiceRow]]:
    """Return the stored voices with these ids as upstream last reported them, each with its organization."""
    if not _is_any_stored(ids):
        return {}
    columns = select(*VOICE_COLUMNS, ClonedVoice.organization_id, ClonedVoice.upstream_status)
    rows = db.session.execute(columns.where(ClonedVoice.id.in_(ids)))
    return {
        row.id: (row.organization_id, with_upstream_status(build_voice_row(row), row.upstream_status)) for row in rows
    }


def _is_any_stored(ids: Sequence[int]) -> bool:
    """Return whether a voice can have one of the ids.

    Looking up a thousand ids takes time. The ids of most files ascend, and those of new voices are in a range without
    stored voices, which one lookup shows.
    """
    in_range = ClonedVoice.id.between(min(ids, default=0), max(ids, default=0))
    return db.session.scalar(select(ClonedVoice.id).where(in_range).limit(1)) is not None
