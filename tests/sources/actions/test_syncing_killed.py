"""A sync that is killed while it writes is completed by the next one."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pytest

from tests.conftest import NOW
from tests.database.schema import assert_totals_are_correct
from tests.killing import run_and_kill
from tests.sources.actions.scenario import Platform, missing, missing_since, stored_voices
from tests.upstream.burki import make_voice
from voiceadmin.sources.types import SyncResult

# Syncs the source of its argument, and writes a dot at each statement.
SCRIPT = """
import os, sys
from datetime import datetime
from pathlib import Path
from sqlalchemy import event
from voiceadmin import create_app
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Actor, ActorKind
from voiceadmin.sources.actions import listed_voices
from voiceadmin.sources.actions.syncing import sync_source
from voiceadmin.voices.importing import actions, steps

instance, address, source, now = sys.argv[1:]
settings = Settings(instance=Path(instance), **({"database_url": address} if address else {}))
app = create_app(settings)
actions.MAX_TRANSACTION_CHANGES, steps.STEP_SIZE, steps.PAUSE_SECONDS, listed_voices.BATCH_SIZE = 10, 20, 0, 20

def write_dot(*_):
    os.write(1, b".")

with app.app_context():
    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(db.engine, name, write_dot)
    by, time = Actor(ActorKind.CLI, None, "tester"), datetime.fromisoformat(now)
    sync_source(EVERYTHING, int(source), settings, by=by, now=time, environ={"UPSTREAM_KEY_BURKI": "key"})
"""


@pytest.mark.slow
def test_the_sync_after_a_killed_one_completes_it(platform: Platform, long: bool) -> None:
    randomness = random.Random(11)
    platform.voices[:] = [make_voice(id, name="run 0") for id in range(1, 121)]
    was_killed = set()
    for run in range(1, 40 if long else 3):
        platform.voices[:] = [make_voice(id, name=f"run {run}") for id in range(1, 121) if id % 9 or run % 2]
        now = NOW + timedelta(hours=run)
        arguments = (str(platform.source_id), now.isoformat())
        was_killed.add(run_and_kill(SCRIPT, platform.settings, *arguments, dots=randomness.randint(10, 100)))

        report = platform.sync(now + timedelta(minutes=1))

        assert report.result is SyncResult.COMPLETE, report.messages
        listed = {voice["id"] for voice in platform.voices}
        stored = {id: json.loads(body)["name"] for id, body in stored_voices().items()}
        assert {stored[id] for id in listed} == {f"run {run}"}
        assert missing(platform.source_id) == missing_since(platform.source_id).keys() - listed
        assert missing_since(platform.source_id).keys() == stored.keys()
        assert_totals_are_correct()
    assert True in was_killed, "no sync was killed"
