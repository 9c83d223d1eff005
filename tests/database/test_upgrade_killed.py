"""A process killed during an upgrade leaves the old schema or the new one, and the next start completes it."""

from __future__ import annotations

import random

import pytest
from flask import Flask

from tests.database.schema import schema_differences
from tests.database.version_0005 import all_rows
from tests.killing import run_and_kill
from voiceadmin.config import Settings
from voiceadmin.database.migrations import current_revision, head_revision, migrate
from voiceadmin.database.schema import dispose_engine

# Migrates the database, and writes a dot before and after each statement.
SCRIPT = """
import os, sys
from pathlib import Path
from sqlalchemy import event
from voiceadmin import create_app
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.migrations import migrate

instance, address = sys.argv[1:]
app = create_app(Settings(instance=Path(instance), **({"database_url": address} if address else {})))

def write_dot(*_):
    os.write(1, b".")

with app.app_context():
    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(db.engine, name, write_dot)
    migrate()
"""


@pytest.mark.slow
def test_a_killed_upgrade_is_complete_or_did_not_happen(old_app: Flask, long: bool) -> None:
    settings: Settings = old_app.config["VOICEADMIN"]
    before, revision = all_rows(), current_revision()
    randomness = random.Random(7)
    killed = 0

    for _ in range(30 if long else 5):
        dispose_engine()
        run_and_kill(SCRIPT, settings, dots=randomness.randint(5, 200))
        if current_revision() == head_revision():
            break
        assert current_revision() == revision
        assert all_rows() == before
        killed += 1

    assert killed, "no upgrade was killed before its commit"
    migrate()
    assert current_revision() == head_revision()
    assert schema_differences() == []
