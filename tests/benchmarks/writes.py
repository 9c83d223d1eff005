"""What writing costs through our own actions: one voice at a time, and many from a file.

Both go through `import_voices`, which reads, checks, compares, writes and
commits. The file is one voice a line, and its store is new and empty but
migrated; the one voice is of the organization of 1,000 in the measured store.
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

from tests.benchmarks.store import TODAY, DatabaseIdentity, some_voice
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
from voiceadmin.voices.importing.types import Fault
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voice_columns, build_voices_body
from voiceadmin.voices.types.filters import VoiceQuery

BENCH = Actor(ActorKind.CLI, None, "bench")


def change_ms(store: DatabaseIdentity, organization: int, times: int = 100) -> float:
    """The median of so many changes of one voice, each a transaction; the last one leaves it as it was."""
    taken = []
    with _opened(store.settings):
        (record,) = json.loads(build_voices_body(OrganizationId(organization), VoiceQuery(limit=1)))["cloned_voices"]
        db.session.rollback()
        for number in range(2 * times):
            changed = record | {"synthesis_count": record["synthesis_count"] + (number + 1) % 2}
            file = io.BytesIO(json.dumps(changed).encode())
            start = time.perf_counter()
            report = import_voices(file, ImportTarget(organization), by=BENCH, now=TODAY, on_fault=_never)
            taken.append((time.perf_counter() - start) * 1000)
            assert report.changed == 1, report
    return median(taken)


def import_rate(folder: Path, voices: int) -> float:
    """Voices a second that come in from a file."""
    chance = random.Random(2)
    file = io.BytesIO(
        b"\n".join(json.dumps(voice_to_json(some_voice(id, chance))).encode() for id in range(1, voices + 1))
    )
    with _opened(Settings(instance=folder)):
        start = time.perf_counter()
        report = import_voices(file, ImportTarget(1), by=BENCH, now=TODAY, on_fault=_never)
        taken = time.perf_counter() - start
        assert report.added == voices, report
    return voices / taken


PARTS = {  # what a write has to keep up, by what its indexes and triggers are called
    "the six ordered indexes": "ix\\_voice\\_by\\_%",
    "the written records": "ix\\_voice\\_record",
    "the kept counts": "%counted",
    "the search": "%found",
    "the revision": "voice\\_" + 6 * "_",  # insert, update, delete
}


class Price(NamedTuple):
    """What a part costs: microseconds for a voice that is added among others, and for one that is changed."""

    adding: float
    changing: float


def prices(folder: Path, voices: int) -> dict[str, Price]:
    """What each part costs, which is what a write saves without it; and under "all of it", what a write costs.

    Added a thousand at a time to a store of so many, and changed one by one
    as a use changes a voice, by SQL alone.
    """
    whole = _price(folder / "whole", voices, without=None)
    found = {"all of it": whole}
    for part, pattern in PARTS.items():
        less = _price(folder / part, voices, without=pattern)
        found[part] = Price(whole.adding - less.adding, whole.changing - less.changing)
    return found


def _price(folder: Path, voices: int, without: str | None) -> Price:
    chance = random.Random(3)
    rows = [build_voice_columns(some_voice(id, chance), 1) for id in range(1, 2 * voices + 1)]
    chance.shuffle(rows)
    with _opened(Settings(instance=folder)):
        with write_transaction():
            db.session.add(Organization(id=1, name="One"))
            db.session.flush()
            db.session.execute(upsert_statement(ClonedVoice), rows[:voices])
            for kind, name in db.session.execute(
                text(
                    "SELECT type, name FROM sqlite_master WHERE tbl_name = 'cloned_voice' AND sql IS NOT NULL"
                    " AND type IN ('index', 'trigger') AND name LIKE :without ESCAPE '\\'"
                ),
                {"without": without or ""},
            ).all():
                db.session.execute(text(f"DROP {kind} {name}"))
        start = time.perf_counter()
        for place in range(voices, 2 * voices, 1000):
            with write_transaction():
                db.session.execute(upsert_statement(ClonedVoice), rows[place : place + 1000])
        adding = (time.perf_counter() - start) / voices
        changes = []
        for row in rows[:500]:
            start = time.perf_counter()
            with write_transaction():
                db.session.execute(_USE, {"id": row["id"], "now": "2026-11-01T12:00:00.000000Z"})
            changes.append(time.perf_counter() - start)
    return Price(adding * 1e6, median(changes) * 1e6)


_USE = text("UPDATE cloned_voice SET synthesis_count = synthesis_count + 1, last_used_at = :now WHERE id = :id")


@contextmanager
def _opened(settings: Settings) -> Iterator[None]:
    app = create_app(settings)
    with app.app_context():
        prepare_database()
        yield
        dispose_engine()


def _never(fault: Fault) -> NoReturn:
    raise AssertionError(str(fault))
