"""Of two processes that sync continuously, the second goes on when the first is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import SHELL
from tests.killing import HERE, ROOT
from tests.sources.actions.scenario import VARIABLE, Platform, add_platform, stored_voices
from tests.upstream.burki import BurkiWorld, make_assistant, make_voice
from voiceadmin import clock
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine
from voiceadmin.identity import EVERYTHING
from voiceadmin.sources.actions.managing import request_sync
from voiceadmin.sources.models import SyncLease


@pytest.fixture
def platform(app: Flask) -> Iterator[Platform]:
    """A running Burki and a source with its key."""
    world = BurkiWorld([make_assistant(31)], [make_voice(number) for number in range(801, 811)])
    with world.start().run() as upstream:
        yield add_platform(world, upstream, app.config["VOICEADMIN"])


@contextmanager
def sync_continuously(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """Start a process that syncs, and yield it when it has begun. Stop it at the end, if it still runs."""
    environ = HERE | {"VOICEADMIN_INSTANCE": str(settings.instance), VARIABLE: "key"}
    if settings.database_url.startswith("postgresql"):
        environ["VOICEADMIN_DATABASE_URL"] = settings.database_url
    command = [sys.executable, "-P", "-u", "-m", "voiceadmin", "sync", "--every", "1d"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "Syncing all sources. Stop with Ctrl-C.\n"
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait() == os.EX_OK


def read_report(process: subprocess.Popen[str]) -> str:
    """Wait for the next line of a process."""
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_second_process_goes_on_when_the_first_is_killed(platform: Platform) -> None:
    settings = platform.settings
    dispose_engine()
    with sync_continuously(settings) as first, sync_continuously(settings) as second:
        begun = read_report(first)
        first.kill()
        first.wait()
        platform.voices.append(make_voice(900))
        db.session.execute(update(SyncLease).values(expires_at=clock.now() - timedelta(seconds=1)))
        db.session.commit()
        request_sync(EVERYTHING, platform.source_id, by=SHELL, now=clock.now())
        gone_on = read_report(second)

    assert begun.startswith("Harbour: complete. Voices: 10 added")
    assert gone_on.startswith("Harbour: complete. Voices: 1 added")
    assert len(stored_voices()) == 11
