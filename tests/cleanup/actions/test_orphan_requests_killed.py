"""A real process that deletes orphans, and is killed before the answer arrives."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event

import pytest
import stamina
from flask import Flask
from sqlalchemy import update

from tests.cleanup.actions.deletions import list_events, make_workspace
from tests.cleanup.actions.orphans import OrphanScene, build_orphans
from tests.cleanup.actions.plans.scenario import BOB
from tests.killing import HERE, ROOT
from tests.sources.actions.providers import VARIABLE
from tests.upstream.server import Response, wait_for
from voiceadmin import clock
from voiceadmin.cleanup.actions.deletion_steps import SENT
from voiceadmin.cleanup.actions.orphan_requests import request_orphan_check, request_orphan_deletion
from voiceadmin.cleanup.models import DeletionRequest
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING

pytestmark = pytest.mark.slow

SECONDS = 30.0  # for a process to begin

IDS = ["other", "v1"]


@pytest.fixture
def scene(app: Flask) -> Iterator[OrphanScene]:
    """Orphans whose lists were read right now."""
    world, now = make_workspace(["v1"]), clock.now()
    with stamina.set_testing(True, attempts=1), world.start().run() as upstream:
        scene = build_orphans(world, upstream, app.config["VOICEADMIN"])
        scene.provider.sync(now - timedelta(minutes=1))
        scene.change_source(scene.platform_id, read_at=now)
        yield scene


@contextmanager
def run_process(scene: OrphanScene) -> Iterator[subprocess.Popen[str]]:
    """Run the command that deletes the orphans. Kill it at the end if it still runs."""
    settings: Settings = scene.provider.settings
    environ = HERE | {"VOICEADMIN_INSTANCE": str(settings.instance), VARIABLE: scene.provider.key}
    if settings.database_url.startswith("postgresql"):
        environ["VOICEADMIN_DATABASE_URL"] = settings.database_url
    command = [sys.executable, "-P", "-m", "voiceadmin", "clean-up", "delete-orphans", str(scene.source_id)]
    db.session.rollback()
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT, "env": environ}
    with subprocess.Popen(command, **options) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def test_a_process_that_is_killed_before_the_answer_leaves_the_deletion_unconfirmed(scene: OrphanScene) -> None:
    request_orphan_deletion(EVERYTHING, scene.source_id, IDS, 2, by=BOB, now=clock.now())
    is_sent, never = Event(), Event()

    def hold(response: Response) -> Response:
        is_sent.set()
        return wait_for(never)(response)

    scene.provider.upstream.show(hold, method="DELETE", times=1)
    with run_process(scene) as process:
        assert is_sent.wait(SECONDS)
        process.kill()
    (first,) = scene.sent
    after = scene.states[first], scene.message(first), [event["event_type"] for event in list_events()]
    never.set()

    assert after == ("unconfirmed", SENT, ["voice-deletion-sent"])

    db.session.execute(update(DeletionRequest).values(holder_expires_at=clock.now()))
    db.session.commit()
    with run_process(scene) as process:
        assert process.wait() == os.EX_OK
    assert sorted(scene.sent) == IDS
    assert scene.states[first] == "unconfirmed"

    check = request_orphan_check(EVERYTHING, scene.source_id, by=BOB, now=clock.now())
    scene.build_run(check).run()
    assert scene.states == dict.fromkeys(IDS, "deleted")
    assert sorted(scene.sent) == IDS
