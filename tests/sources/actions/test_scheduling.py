"""Sources are synced when they are due, by one process at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Event

import pytest
from flask import Flask
from sqlalchemy import text, update

from tests.conftest import NOW, SHELL
from tests.factories import make_organization, make_voice
from tests.history.scenario import FIRST, add_days, list_days
from tests.sources.actions.scenario import VARIABLE, Platform, add_platform, stored_voices
from tests.sources.clients.conftest import Run
from tests.upstream.burki import BurkiWorld
from tests.upstream.server import Response
from voiceadmin.database.base import db
from voiceadmin.errors import Problem, SourceRefused
from voiceadmin.history.models import VoiceTrend
from voiceadmin.identity import EVERYTHING
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.sources.actions.leasing import renew_lease
from voiceadmin.sources.actions.managing import disable_source, request_sync
from voiceadmin.sources.actions.scheduling import SyncLoop, list_due_sources
from voiceadmin.sources.models import Source
from voiceadmin.sources.types import DueSource, SourceKind, SyncReport, SyncResult

EVERY = timedelta(minutes=5)


class OneRound(Event):
    """A stop signal that comes at the end of the first round of a loop."""

    def wait(self, timeout: float | None = None) -> bool:
        """Set the signal instead of waiting."""
        self.set()
        return True


class Outcomes:
    """What a loop has reported."""

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reports: list[tuple[DueSource, SyncReport]] = []
        self.problems: list[tuple[DueSource, Problem]] = []
        monkeypatch.setenv(VARIABLE, "key")
        settings = app.config["VOICEADMIN"]
        self.database_errors: list[str] = []
        self.loop = SyncLoop(
            settings, EVERY, SHELL, app.app_context, self._add_report, self._add_problem, self.database_errors.append
        )

    def _add_report(self, source: DueSource, report: SyncReport) -> None:
        self.reports.append((source, report))

    def _add_problem(self, source: DueSource, problem: Problem) -> None:
        self.problems.append((source, problem))


@pytest.fixture
def outcomes(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Outcomes:
    """A loop that has not run yet."""
    return Outcomes(app, monkeypatch)


def due_at(minutes: float) -> list[str]:
    """The names of the sources that are due so long after NOW."""
    return [source.name for source in list_due_sources(EVERY, now=NOW + timedelta(minutes=minutes))]


def test_a_source_is_due_at_once_and_then_after_the_interval(platform: Platform) -> None:
    assert due_at(0) == ["Harbour"]

    platform.sync()

    assert due_at(4.9) == []
    assert due_at(5) == ["Harbour"]


def test_a_source_is_due_when_a_person_asks_for_a_sync(platform: Platform) -> None:
    platform.sync()

    request_sync(EVERYTHING, platform.source_id, by=SHELL, now=NOW + timedelta(minutes=1))

    assert due_at(1) == ["Harbour"]
    platform.sync(NOW + timedelta(minutes=2))
    assert due_at(2) == []


def test_a_disabled_source_is_not_due(platform: Platform) -> None:
    disable_source(EVERYTHING, platform.source_id, by=SHELL, now=NOW)

    assert due_at(0) == []
    with pytest.raises(SourceRefused, match="Enable it first"):
        request_sync(EVERYTHING, platform.source_id, by=SHELL, now=NOW)


def test_the_platform_is_synced_before_the_providers(
    app: Flask, platform: Platform, world: BurkiWorld, run: Run
) -> None:
    db.session.execute(update(Source).values(kind=SourceKind.RESEMBLE.value))
    db.session.commit()
    add_platform(world, run(world.start()), app.config["VOICEADMIN"], name="Second")

    assert due_at(0) == ["Second", "Harbour"]


def test_a_loop_syncs_what_is_due_and_gives_the_lease_up(platform: Platform, outcomes: Outcomes) -> None:
    outcomes.loop.run(OneRound())

    ((source, report),) = outcomes.reports
    assert (source.id, report.result) == (platform.source_id, SyncResult.COMPLETE)
    assert len(stored_voices()) == len(platform.voices)
    assert renew_lease("another process", EVERY, now=NOW)


def test_a_loop_without_the_lease_syncs_nothing(platform: Platform, outcomes: Outcomes, now: object) -> None:
    renew_lease("another process", EVERY, now=NOW)

    outcomes.loop.run(OneRound())

    assert outcomes.reports == []
    assert platform.upstream.requests == []
    assert not renew_lease("a third process", EVERY, now=NOW)


def test_a_source_that_cannot_be_synced_does_not_stop_the_others(
    app: Flask, platform: Platform, world: BurkiWorld, run: Run, outcomes: Outcomes
) -> None:
    settings = app.config["VOICEADMIN"]
    db.session.execute(update(Source).values(key_variable="UPSTREAM_KEY_MISSING"))
    db.session.commit()
    second = add_platform(world, run(world.start()), settings, name="Second")

    outcomes.loop.run(OneRound())

    assert [(source.name, str(problem)) for source, problem in outcomes.problems] == [
        ("Harbour", "The variable UPSTREAM_KEY_MISSING is not set. Set it in the environment of the server.")
    ]
    assert [source.id for source, _ in outcomes.reports] == [second.source_id]


def test_a_stop_signal_ends_a_loop_after_the_sync_that_runs(
    platform: Platform, world: BurkiWorld, run: Run, outcomes: Outcomes
) -> None:
    add_platform(world, run(world.start()), platform.settings, name="Second")
    stopped = Event()

    def stop(response: Response) -> Response:
        stopped.set()
        return response

    platform.upstream.show(stop)

    outcomes.loop.run(stopped)

    assert [source.name for source, _ in outcomes.reports] == ["Harbour"]


def test_a_database_error_is_reported_and_does_not_end_the_loop(platform: Platform, outcomes: Outcomes) -> None:
    rename = "ALTER TABLE {} RENAME TO {}"
    db.session.execute(text(rename.format("sync_lease", "other")))
    db.session.commit()
    outcomes.loop.run(OneRound())

    db.session.execute(text(rename.format("other", "sync_lease")))
    db.session.commit()
    outcomes.loop.run(OneRound())

    assert len(outcomes.database_errors) == 1
    assert "sync_lease" in outcomes.database_errors[0]
    assert [source.id for source, _ in outcomes.reports] == [platform.source_id]


def test_a_source_that_is_removed_during_its_sync_is_a_problem(platform: Platform, outcomes: Outcomes) -> None:
    def remove(response: Response) -> Response:
        with outcomes.loop.enter_context():
            remove_source(EVERYTHING, platform.source_id, by=SHELL, now=NOW)
        return response

    platform.upstream.show(remove, times=1)
    outcomes.loop.run(OneRound())

    assert [str(problem) for _, problem in outcomes.problems] == [f"There is no source {platform.source_id} any more."]
    assert outcomes.database_errors == []


def test_a_round_renews_the_trends(outcomes: Outcomes, now: datetime) -> None:
    voice, today = make_voice(make_organization()), (now.date() - FIRST).days
    add_days(voice.id, [(today - 90, 0), (today - 5, 4)])

    outcomes.loop.run(OneRound())

    assert db.session.get_one(VoiceTrend, voice.id).trend == "new-use"


def test_a_round_thins_the_history_out(outcomes: Outcomes, now: datetime) -> None:
    voice, today = make_voice(make_organization()), (now.date() - FIRST).days
    add_days(voice.id, [(today - 402, 1), (today - 401, 2), (today - 399, 4)])

    outcomes.loop.run(OneRound())

    assert [row[1] for row in list_days(voice.id)] == [2, 4]
