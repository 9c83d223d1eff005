"""Times of writes through the actions of voiceadmin: one voice at a time, and many from a file.

Both use `import_voices`, which parses, validates, compares, writes and commits.
The file has one voice per line and is imported into a new, migrated database; the
single voice is one of the organization with 1,000 voices in the measured database.
"""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple, NoReturn

from sqlalchemy import text

from tests.benchmarks.database import TODAY, BenchmarkDatabase, generate_voice
from voiceadmin import create_app
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.identity import Actor, ActorKind, OrganizationId
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import Fault, ImportReport
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voice_columns, build_voices_body
from voiceadmin.voices.types.filters import VoiceQuery

BENCH = Actor(ActorKind.CLI, None, "bench")


def measure_change(database: BenchmarkDatabase, organization: int, times: int = 100) -> float:
    """The median milliseconds of changes of one voice, each in a transaction. The last one restores its value."""
    taken = []
    with open_database(database.settings):
        (record,) = json.loads(build_voices_body(OrganizationId(organization), VoiceQuery(limit=1))[1])["cloned_voices"]
        db.session.rollback()
        for number in range(2 * times):
            changed = record | {"synthesis_count": record["synthesis_count"] + (number + 1) % 2}
            file = io.BytesIO(json.dumps(changed).encode())
            start = time.perf_counter()
            report = import_voices(file, ImportTarget(organization), by=BENCH, now=TODAY, on_fault=_raise_fault)
            taken.append((time.perf_counter() - start) * 1000)
            assert report.changed == 1, report
    return median(taken)


class ImportRates(NamedTuple):
    """Voices per second: of a file with new voices, and of the same file again."""

    new: float
    unchanged: float


def measure_import_rates(folder: Path, voices: int) -> ImportRates:
    """Import a file with new voices into an empty database, then the same file again."""
    generator = random.Random(2)
    file = io.BytesIO(
        b"\n".join(json.dumps(voice_to_json(generate_voice(id, generator))).encode() for id in range(1, voices + 1))
    )
    with open_database(Settings(instance=folder)):
        added, new_seconds = _measure_import(file)
        file.seek(0)
        again, unchanged_seconds = _measure_import(file)
    assert (added.added, again.unchanged) == (voices, voices), (added, again)
    return ImportRates(voices / new_seconds, voices / unchanged_seconds)


def _measure_import(file: io.BytesIO) -> tuple[ImportReport, float]:
    start = time.perf_counter()
    report = import_voices(file, ImportTarget(1), by=BENCH, now=TODAY, on_fault=_raise_fault)
    return report, time.perf_counter() - start


PARTS = {  # what a write maintains, by a pattern for the names of its indexes and triggers
    "the six ordered indexes": "ix\\_voice\\_by\\_%",
    "the indexes of the queue": "ix\\_queue\\_%",
    "the stored JSON": "ix\\_voice\\_json\\_body",
    "the statistics": "%\\_stats",
    "the totals": "%\\_totals",
    "the search index": "%\\_trigrams",
    "the revision": "%\\_revision",
}


class Price(NamedTuple):
    """Microseconds of one voice: added in a batch, and changed."""

    adding: float
    changing: float


def measure_prices(folder: Path, voices: int) -> dict[str, Price]:
    """The cost of each part, that is what a write saves without it, and the cost of a whole write as "total".

    Voices are added in batches of a thousand to a database of the same size, and
    changed one by one as their use changes them, both in plain SQL.
    """
    whole = _price(folder / "whole", voices, without=None)
    found = {"total": whole}
    for part, pattern in PARTS.items():
        rest = _price(folder / part, voices, without=pattern)
        found[part] = Price(whole.adding - rest.adding, whole.changing - rest.changing)
    return found


def _price(folder: Path, voices: int, without: str | None) -> Price:
    generator = random.Random(3)
    rows = [build_voice_columns(generate_voice(id, generator), 1) for id in range(1, 2 * voices + 1)]
    generator.shuffle(rows)
    with open_database(Settings(instance=folder)):
        with write_transaction():
            db.session.add(Organization(id=1, name="One"))
            db.session.flush()
            db.session.execute(upsert_statement(ClonedVoice), rows[:voices])
            if without is not None:
                _drop_part(without)
        start = time.perf_counter()
        for start_row in range(voices, 2 * voices, 1000):
            with write_transaction():
                db.session.execute(upsert_statement(ClonedVoice), rows[start_row : start_row + 1000])
        adding = (time.perf_counter() - start) / voices
        changes = []
        for row in rows[:500]:
            start = time.perf_counter()
            with write_transaction():
                db.session.execute(_USE, {"id": row["id"], "now": "2026-11-01T12:00:00.000000Z"})
            changes.append(time.perf_counter() - start)
    return Price(adding * 1e6, median(changes) * 1e6)


def _drop_part(pattern: str) -> None:
    """Drop the indexes and triggers of voices whose names match a pattern."""
    found = db.session.execute(
        text(
            "SELECT type, name FROM sqlite_master WHERE tbl_name = 'cloned_voice' AND sql IS NOT NULL"
            " AND type IN ('index', 'trigger') AND name LIKE :pattern ESCAPE '\\'"
        ),
        {"pattern": pattern},
    ).all()
    assert found, f"nothing is named like {pattern}"
    for kind, name in found:
        db.session.execute(text(f"DROP {kind} {name}"))


_USE = text("UPDATE cloned_voice SET synthesis_count = synthesis_count + 1, last_used_at = :now WHERE id = :id")


@contextmanager
def open_database(settings: Settings) -> Iterator[None]:
    """Push the context of an application with a migrated database."""
    app = create_app(settings)
    with app.app_context():
        prepare_database()
        yield
        dispose_engine()


def _raise_fault(fault: Fault) -> NoReturn:
    raise AssertionError(str(fault))
