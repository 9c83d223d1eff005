"""Real processes that delete: one that is killed before the answer arrives, and two that start at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest
import stamina
from flask import Flask
from sqlalchemy import update

from tests.cleanup.actions.deletions import IDS, Scene, build_scene, list_events, make_workspace
from tests.factories import make_organization
from tests.killing import HERE, ROOT
from tests.sources.actions.providers import VARIABLE
from tests.upstream.server import Response, wait_for
from voiceadmin import clock
from voiceadmin.cleanup.actions.deletion_requests import request_check
from voiceadmin.cleanup.actions.deletion_steps import SENT
from voiceadmin.cleanup.models import DeletionRequest
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING

pytestmark = pytest.mark.slow

SECONDS = 30.0  # for a process to begin


@pytest.fixture
def scene(app: Flask) -> Iterator[Scene]:
    world = make_workspace()
    with stamina.set_testing(True, attempts=1), world.start().run() as upstream:
        yield build_scene(make_organization("Acme"), upstream, world, app.config["VOICEADMIN"])


@contextmanager
def run_process(scene: Scene, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command, by default the one that deletes the voices of the plan. Kill it at the end if it still runs."""
    settings: Settings = scene.provider.settings
    environ = HERE | {"VOICEADMIN_INSTANCE": str(settings.instance), VARIABLE: scene.provider.key}
    if settings.database_url.startswith("postgresql"):
        environ["VOICEADMIN_DATABASE_URL"] = settings.database_url
    command = [sys.executable, "-P", "-m", "voiceadmin", *(words or ("clean-up", "delete", str(scene.plan_id)))]
    db.session.rollback()
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT, "env": environ}
    with subprocess.Popen(command, **options) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def test_a_process_that_is_killed_before_the_answer_leaves_the_deletion_unconfirmed(scene: Scene) -> None:
    scene.request(now=clock.now())
    is_sent, never = Event(), Event()

    def hold(response: Response) -> Response:
        is_sent.set()
        return wait_for(never)(response)

    scene.upstream.show(hold, method="DELETE", times=1)
    with run_process(scene) as process:
        assert is_sent.wait(SECONDS)
        process.kill()
    after = scene.states, scene.message("v1"), [event["event_type"] for event in list_events()]
    never.set()

    assert after == ({"v1": "unconfirmed", "v2": "waiting", "v3": "waiting"}, SENT, ["voice-deletion-sent"])
    assert scene.deleted == ["v1"]

    db.session.execute(update(DeletionRequest).values(holder_expires_at=clock.now()))
    db.session.commit()
    with run_process(scene) as process:
        assert process.wait() == os.EX_OK
    assert scene.deleted == list(IDS)
    assert scene.states["v1"] == "unconfirmed"

    check = request_check(EVERYTHING, scene.plan_id, "elevenlabs", by=scene.by, now=clock.now())
    scene.build_run(check).run()
    assert scene.states == dict.fromkeys(IDS, "deleted")
    assert scene.deleted == list(IDS)


def test_two_processes_that_start_the_same_deletion_send_one_request_for_each_voice(scene: Scene) -> None:
    scene.request(now=clock.now())

    with run_process(scene) as one, run_process(scene) as two:
        codes = {one.wait(), two.wait()}

    assert codes <= {0, 1}
    assert 0 in codes
    assert scene.deleted == list(IDS)
    assert scene.states == dict.fromkeys(IDS, "deleted")
    assert len(list_events("voice-deleted")) == 3


def test_the_process_that_syncs_carries_confirmed_deletions_out(scene: Scene) -> None:
    scene.request(now=clock.now())
    is_sent = Event()

    def note(response: Response) -> Response:
        is_sent.set()
        return response

    scene.upstream.show(note, "/v1/voices/v3", method="DELETE")
    with run_process(scene, "sync", "--every", "1d") as process:
        assert is_sent.wait(SECONDS)
        process.terminate()
        assert process.wait() == os.EX_OK

    assert scene.deleted == list(IDS)
    assert scene.states == dict.fromkeys(IDS, "deleted")
