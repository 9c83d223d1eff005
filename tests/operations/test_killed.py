"""A process killed during a bulk operation leaves it applied completely or not at all, and consistent data."""

from __future__ import annotations

import random
from datetime import datetime

from flask import Flask
from sqlalchemy import text

from tests.factories import make_organization, put_voices, voice_row
from tests.killing import run_and_kill
from tests.operations.test_concurrency import check_consistency
from tests.two_tenants import rows_of
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds, Settings
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Actor, ActorKind
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.triage.types import TriageAction

VOICES = range(1, 201)

# Applies one operation after the other, and writes a dot at each statement and at each progress step of SQLite.
SCRIPT = """
import os, sqlite3, sys
from datetime import datetime
from pathlib import Path
from sqlalchemy import event
from voiceadmin import create_app
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds, Settings
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Actor, ActorKind
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.triage.types import TriageAction

instance, address, run, now = sys.argv[1:]
app = create_app(Settings(instance=Path(instance), **({"database_url": address} if address else {})))
refs = tuple(ObjectRef(ObjectKind.VOICE, id) for id in range(1, 201))
bob = Actor(ActorKind.ACCOUNT, 8, "bob@example.com")

def write_dot(*_):
    os.write(1, b".")

with app.app_context():
    if not address:
        watch_sqlite = lambda connection, _: connection.set_progress_handler(write_dot, 2000)
        event.listen(db.engine, "connect", watch_sqlite)
    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(db.engine, name, write_dot)
    for turn in range(1000):
        action = (TriageAction.ARCHIVE, TriageAction.RESTORE)[turn % 2]
        request = ActionRequest(action, refs, f"{run} {turn}", 10**9, f"in run {run}")
        apply_action(EVERYTHING, request, AttentionThresholds(), by=bob, now=datetime.fromisoformat(now))
"""


def test_a_killed_bulk_operation_is_applied_completely_or_not_at_all(
    app: Flask, settings: Settings, now: datetime, long: bool
) -> None:
    acme = make_organization("Acme")
    put_voices(acme, [voice_row(id=id) for id in VOICES])
    randomness, operation_counts = random.Random(7), set[int]()

    for run in range(50 if long else 6):
        db.session.rollback()
        assert run_and_kill(SCRIPT, settings, str(run), now.isoformat(), dots=randomness.randint(1, 400))
        if db.engine.dialect.name == "sqlite":
            assert db.session.scalar(text("PRAGMA integrity_check")) == "ok"
        archived = {row["archive_note"] for row in rows_of("cloned_voice")}
        assert len(archived) == 1
        operations = rows_of("operation")
        assert {operation["object_count"] for operation in operations} <= {len(VOICES), 0}
        operation_counts.add(len(operations))
        check_consistency()

    assert len(operation_counts) > 1, "no operation was ever committed"
    restore = ActionRequest(
        TriageAction.RESTORE, tuple(ObjectRef(ObjectKind.VOICE, id) for id in VOICES), "at last", 10**9
    )
    apply_action(EVERYTHING, restore, AttentionThresholds(), by=Actor(ActorKind.ACCOUNT, 8, "bob@example.com"), now=now)
    assert {row["status"].value for row in rows_of("cloned_voice")} == {"ready"}
    check_consistency()
