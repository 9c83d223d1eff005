"""A process that is killed while it runs a plan."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from flask import Flask
from sqlalchemy import text

from tests.cleanup.actions.plans.scenario import BOB, ENOUGH_SECONDS, make_plan, read_archived_ids, read_event_objects
from tests.factories import make_organization, put_voices, voice_row
from voiceadmin.audit.types import AuditEventType
from voiceadmin.cleanup.actions.plans import confirm_plan, resume_plan
from voiceadmin.cleanup.queries.plans import get_plan
from voiceadmin.cleanup.types.plans import ItemState
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING

ROOT = Path(__file__).resolve().parents[4]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("VOICEADMIN_")} | {
    "PYTHONPATH": str(ROOT)
}
THRESHOLDS = AttentionThresholds()

SCRIPT = """
import os, sys, threading
from datetime import datetime
from voiceadmin import create_app
from voiceadmin.cleanup.actions.plans import resume_plan
from voiceadmin.config import AttentionThresholds, Settings
from voiceadmin.identity import EVERYTHING, Actor, ActorKind
from pathlib import Path

app = create_app(Settings(instance=Path(sys.argv[1])))
print("ready", flush=True)
sys.stdin.readline()
with app.app_context():
    bob = Actor(ActorKind.ACCOUNT, 8, "bob@example.com")
    now = datetime.fromisoformat(sys.argv[3])
    resume_plan(EVERYTHING, int(sys.argv[2]), AttentionThresholds(), by=bob, now=now, seconds=60)
"""


def test_a_killed_process_leaves_no_voice_partly_archived(sqlite_app: Flask, now: datetime, long: bool) -> None:
    folder, acme, voices = sqlite_app.config["VOICEADMIN"].instance, make_organization("Acme"), range(1, 4001)
    put_voices(acme, [voice_row(id=number) for number in voices])
    plan = make_plan(now)
    confirm_plan(EVERYTHING, plan, by=BOB, now=now)
    interrupted = 0
    randomness = random.Random(7)

    for _ in range(20 if long else 5):
        db.session.rollback()
        command = [sys.executable, "-P", "-c", SCRIPT, str(folder), str(plan), now.isoformat()]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=ENVIRONMENT)
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            process.stdin.write(b"\n")
            process.stdin.flush()
            with suppress(subprocess.TimeoutExpired):
                process.wait(randomness.uniform(0.02, 0.25))
            process.kill()
        states = get_plan(EVERYTHING, plan, now=now).states
        interrupted += states.get(ItemState.PENDING, 0) > 0
        assert set(states) <= {ItemState.PENDING, ItemState.ARCHIVED}
        assert (
            len(read_archived_ids())
            == len(read_event_objects(AuditEventType.VOICE_ARCHIVED))
            == states.get(ItemState.ARCHIVED, 0)
        )

    resume_plan(EVERYTHING, plan, THRESHOLDS, by=BOB, now=now, seconds=ENOUGH_SECONDS)

    assert interrupted
    assert get_plan(EVERYTHING, plan, now=now).states == {ItemState.ARCHIVED: 4000}
    assert read_archived_ids() == set(voices)
    assert read_event_objects(AuditEventType.VOICE_ARCHIVED) == list(voices)
    assert db.session.scalar(text("PRAGMA integrity_check")) == "ok"
