"""A process killed during an import leaves all of its records or none, and consistent data."""

from __future__ import annotations

import random
from pathlib import Path

from flask import Flask
from sqlalchemy import select, text

from tests.conftest import NOW, SHELL
from tests.database.schema import assert_totals_are_correct
from tests.factories import make_assistant, make_organization, put_voices, voice_row
from tests.killing import run_and_kill
from tests.voices.importing.actions.scenario import lines
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.voices.importing.actions import finish_interrupted_import, import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.models import ClonedVoice

VOICES = range(1, 201)

# Imports the file of its last argument, and writes a dot at each statement and at each progress step of SQLite.
SCRIPT = """
import os, sys
from datetime import datetime
from pathlib import Path
from sqlalchemy import event
from voiceadmin import create_app
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.identity import Actor, ActorKind
from voiceadmin.voices.importing import actions, steps
from voiceadmin.voices.importing.target import ImportTarget

instance, address, file = sys.argv[1:]
app = create_app(Settings(instance=Path(instance), **({"database_url": address} if address else {})))
actions.MAX_TRANSACTION_CHANGES, steps.STEP_SIZE, steps.PAUSE_SECONDS = 10, 20, 0

def write_dot(*_):
    os.write(1, b".")

with app.app_context():
    if not address:
        watch_sqlite = lambda connection, _: connection.set_progress_handler(write_dot, 2000)
        event.listen(db.engine, "connect", watch_sqlite)
    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(db.engine, name, write_dot)
    now, by = datetime.fromisoformat("2026-01-31T12:00:00Z"), Actor(ActorKind.CLI, None, "tester")
    with open(file, "rb") as stream:
        actions.import_voices(stream, ImportTarget(31), by=by, now=now, on_fault=print)
"""


def list_names() -> set[str]:
    """Return the different names of the voices."""
    db.session.rollback()
    return set(db.session.scalars(select(ClonedVoice.name)))


def test_a_killed_import_writes_all_records_or_none(app: Flask, settings: Settings, tmp_path: Path, long: bool) -> None:
    acme = make_organization("Acme")
    make_assistant(acme, id=31)
    put_voices(acme, [voice_row(id=id, name="run 0") for id in VOICES])
    randomness, before = random.Random(7), "run 0"
    states = set[str]()

    for run in range(1, 60 if long else 8):
        file = tmp_path / "voices.ndjson"
        file.write_bytes(lines(voice_row(id=id, name=f"run {run}") for id in VOICES))
        was_killed = run_and_kill(SCRIPT, settings, str(file), dots=randomness.randint(1, 500))
        states.add("torn" if len(list_names()) > 1 else "killed" if was_killed else "complete")
        completed = finish_interrupted_import()

        if db.engine.dialect.name == "sqlite":
            assert db.session.scalar(text("PRAGMA integrity_check")) == "ok"
        else:
            assert not completed
            assert "torn" not in states
        (name,) = list_names()
        assert name in {before, f"run {run}"}
        assert_totals_are_correct()
        before = name

    assert states - {"complete"}, "no import was killed"
    with file.open("rb") as stream:
        import_voices(stream, ImportTarget(31), by=SHELL, now=NOW, on_fault=print)
    assert list_names() == {f"run {run}"}
