"""The progress of a sync is visible to others while it runs, is written rarely, and never makes the sync fail."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic

import pytest
from flask import Flask

from tests.conftest import NOW
from tests.sources.actions.scenario import Platform, add_platform, newest_run
from tests.sources.clients.conftest import Run as RunStandIn
from tests.upstream.burki import BurkiWorld
from tests.upstream.server import Request, Response, StandIn
from voiceadmin.database.base import db
from voiceadmin.database.engine import write_execution_options
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING
from voiceadmin.sources.actions import progress
from voiceadmin.sources.actions.progress import ProgressReporter
from voiceadmin.sources.clients import burki
from voiceadmin.sources.models import SyncRun
from voiceadmin.sources.queries import list_runs
from voiceadmin.sources.types import SyncResult


def read_progress(app: Flask, source_id: int) -> str:
    """The progress of the newest run as another process sees it."""
    with app.app_context():
        run = list_runs(EVERYTHING, source_id)[0]
        return run.progress.describe() if run.progress else ""


def test_others_see_what_a_sync_reads_and_writes(
    app: Flask, run: RunStandIn, world: BurkiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "WRITE_SECONDS", 0)
    monkeypatch.setattr(burki, "PAGE_SIZE", 1)
    seen: list[str] = []

    def answer(request: Request) -> Response:
        seen.append(read_progress(app, 1))
        return world.answer(request)

    platform = add_platform(world, run(StandIn(answer)), app.config["VOICEADMIN"])
    platform.sync(on_written=lambda *_: seen.append(read_progress(app, 1)))

    assert list(dict.fromkeys(seen)) == [
        "",
        "Reading assistants, page 1, 1 so far",
        "Reading assistants, page 2, 2 so far",
        "Reading voices",
        # SQLite: the transaction that writes keeps the progress from being written as well
        "Writing 0 of 10 voices" if db.engine.dialect.name == "sqlite" else "Writing 10 of 10 voices",
    ]
    assert newest_run().progress is None


@pytest.fixture
def run_id(platform: Platform) -> int:
    """A run that has not ended."""
    with write_transaction():
        run = SyncRun(source_id=platform.source_id, started_at=NOW, started_by="tester")
        db.session.add(run)
        db.session.flush()
        return run.id


def test_progress_is_written_at_most_every_two_seconds(run_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    time = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: time[0])
    reporter = ProgressReporter(run_id)
    stored = []

    for time[0], page in ((100.0, 1), (101.9, 2), (102.0, 3)):
        reporter.report_page("voices", page, page)
        stored.append(newest_run().progress)

    assert stored == ['["reading", "voices", 1, 1, null]'] * 2 + ['["reading", "voices", 3, 3, null]']


def test_progress_that_cannot_be_written_is_omitted(run_id: int) -> None:
    with db.engine.connect().execution_options(**write_execution_options()) as connection, connection.begin():
        connection.execute(SyncRun.__table__.delete())  # type: ignore[attr-defined]  # locks the row, or the database
        start = monotonic()
        ProgressReporter(run_id).report_page("voices", 1, 1)
        assert monotonic() - start < 10

    ProgressReporter(run_id).report_page("voices", 1, 1)  # the run was deleted


def test_a_run_without_news_for_minutes_is_interrupted(platform: Platform, run_id: int) -> None:
    with write_transaction():
        db.session.get_one(SyncRun, run_id).progress_at = NOW + timedelta(minutes=1)
    run = list_runs(EVERYTHING, platform.source_id)[0]

    states = [run.find_state(NOW + timedelta(minutes=minutes)) for minutes in (6, 6.01)]

    assert states == [SyncResult.RUNNING, SyncResult.INTERRUPTED]
