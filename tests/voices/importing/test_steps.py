"""A large import into an SQLite database in use: other writers go on, and an interrupted import is completed."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, event, select

from tests.conftest import SHELL
from tests.factories import PASSWORD, make_account, make_assistant, make_organization, put_voices, voice_row
from tests.two_tenants import dump
from tests.voices.importing.actions.scenario import lines
from voiceadmin.accounts.actions.sessions import sign_in
from voiceadmin.audit.models import AuditEvent
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import Actor, ActorKind
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.importing import actions as importing
from voiceadmin.voices.importing import steps
from voiceadmin.voices.importing.actions import finish_interrupted_import, import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import ImportReport
from voiceadmin.voices.models import ClonedVoice, FormerProviderVoiceRef, ImportStep
from voiceadmin.voices.types.rows import VoiceRow

STORED = [voice_row(id=number, name=f"Voice {number}", last_used_at=None) for number in range(1, 21)]
CHANGED = [row._replace(name=f"New {row.id} é", quality_score=0.25) for row in STORED[3:]]
ADDED = [voice_row(id=number) for number in range(100, 110)]
IMPORTED = [*CHANGED, *ADDED]


@pytest.fixture
def acme(sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Organization:
    """Create an organization with twenty voices. Imports of more than five changes are written in steps of four."""
    monkeypatch.setattr(importing, "MAX_TRANSACTION_CHANGES", 5)
    monkeypatch.setattr(importing, "BATCH_SIZE", 10)
    monkeypatch.setattr(steps, "STEP_SIZE", 4)
    acme = make_organization("Acme")
    make_assistant(acme, id=31)
    put_voices(acme, STORED)
    return acme


def run_import(
    rows: Iterable[VoiceRow | dict[str, Any]],
    now: datetime,
    *,
    by: Actor = SHELL,
    notices: list[str] | None = None,
    on_written: Callable[[int, int], None] = lambda *_: None,
    **options: Any,
) -> ImportReport:
    """Import voices for assistant 31."""
    notices = [] if notices is None else notices
    return import_voices(
        io.BytesIO(lines(rows)),
        ImportTarget(31, "Day desk"),
        by=by,
        now=now,
        on_fault=lambda _: None,
        notify=notices.append,
        on_written=on_written,
        **options,
    )


def interrupt_after(changes: int) -> Callable[[int, int], None]:
    """Return a function that interrupts an import once it has written so many changes."""

    def interrupt(written: int, total: int) -> None:
        if written >= changes:
            raise KeyboardInterrupt

    return interrupt


def list_names() -> dict[int, str]:
    """Return the name of each voice by id."""
    db.session.rollback()
    return dict(db.session.execute(select(ClonedVoice.id, ClonedVoice.name)).all())


def count_commits(run: Callable[[], object]) -> int:
    """Return how many transactions the function commits."""
    commits: list[object] = []
    listener = commits.append
    event.listen(db.engine, "commit", listener)
    run()
    event.remove(db.engine, "commit", listener)
    return len(commits)


def test_an_import_in_steps_writes_what_one_in_one_transaction_writes(
    acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> None:
        report = run_import(IMPORTED, now)
        assert (report.added, report.changed, report.unchanged, report.written) == (10, 17, 0, True)

    def without_ids(state: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
        hidden = {"id", "revision"}
        return {
            table: [{name: value for name, value in row.items() if name not in hidden} for row in rows]
            for table, rows in state.items()
        }

    assert count_commits(run) >= 8
    in_steps = without_ids(dump())
    with write_transaction():
        db.session.execute(delete(ClonedVoice))
        db.session.execute(delete(FormerProviderVoiceRef))
    put_voices(acme, STORED)
    monkeypatch.setattr(importing, "MAX_TRANSACTION_CHANGES", 100)
    assert count_commits(run) == 1

    at_once = without_ids(dump())
    events = at_once.pop("audit_event")
    assert in_steps.pop("audit_event") == events[len(events) // 2 :]
    assert in_steps == at_once


def test_others_sign_in_and_write_between_the_steps_of_an_import(
    acme: Organization, sqlite_app: Flask, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = make_account("ada@example.com", platform=True)
    monkeypatch.setattr("voiceadmin.database.transactions.BUSY_SECONDS", 0)
    signed_in: list[str] = []

    def sign_in_elsewhere(*_: int) -> None:
        def run() -> None:
            with sqlite_app.app_context():
                token = sign_in(account.email, PASSWORD, address="::1", user_agent="", idle=timedelta(days=1), now=now)
                signed_in.append(token)
                db.session.remove()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    run_import(IMPORTED, now, on_written=sign_in_elsewhere)

    assert len(set(signed_in)) == 8


def test_progress_is_reported_after_each_step(acme: Organization, now: datetime) -> None:
    seen: list[tuple[int, int]] = []

    run_import(IMPORTED, now, on_written=lambda written, total: seen.append((written, total)))

    assert seen == [(4, 27), (8, 27), (10, 27), (14, 27), (18, 27), (20, 27), (24, 27), (27, 27)]


@pytest.mark.parametrize("invalid", [{"id": "x"}, {"id": 1}], ids=["unreadable", "incomplete"])
def test_an_import_with_an_invalid_record_at_its_end_writes_nothing(
    acme: Organization, now: datetime, invalid: dict[str, Any]
) -> None:
    before = dump()

    report = run_import([*IMPORTED, invalid], now)

    assert not report.written
    assert dump() == before


@pytest.mark.parametrize("written", [1, 10, 24])
def test_an_interrupted_import_is_completed_in_the_name_of_who_started_it(
    acme: Organization, now: datetime, written: int
) -> None:
    bob = Actor(ActorKind.ACCOUNT, 8, "bob@example.com", "192.0.2.7")
    with pytest.raises(KeyboardInterrupt):
        run_import(IMPORTED, now, by=bob, on_written=interrupt_after(written))
    expected = {row.id: row.name for row in [*STORED, *IMPORTED]}
    assert list_names() != expected

    assert finish_interrupted_import()

    assert list_names() == expected
    events = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [event.event_type for event in events] == ["voice-changed"] * 17 + ["voices-imported"]
    assert {(event.actor_kind, event.actor_id, event.actor_name, event.address, event.at) for event in events} == {
        ("account", 8, "bob@example.com", "192.0.2.7", now)
    }
    assert not db.session.scalars(select(ImportStep)).all()
    assert not finish_interrupted_import()


def test_an_import_completes_an_interrupted_one_first(acme: Organization, now: datetime) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_import(IMPORTED, now, on_written=interrupt_after(4))
    notices: list[str] = []

    report = run_import([row._replace(name="Last") for row in ADDED[:2]], now, notices=notices)

    assert (report.added, report.changed) == (0, 2)
    assert notices == ["An earlier import was interrupted. Its remaining voices have been written."]
    assert list_names() == {row.id: row.name for row in [*STORED, *IMPORTED]} | {100: "Last", 101: "Last"}


def test_an_import_that_was_interrupted_before_its_first_step_leaves_nothing(
    acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump()
    with monkeypatch.context() as patch:
        patch.setattr(importing, "start_steps", lambda _: interrupt_after(0)(1, 1))
        with pytest.raises(KeyboardInterrupt):
            run_import(IMPORTED, now)
    assert dump()["import_step"]

    assert not finish_interrupted_import()

    assert dump() == before


def test_a_server_that_starts_leaves_a_running_import_alone(
    acme: Organization, sqlite_app: Flask, now: datetime
) -> None:
    finished: list[bool] = []

    def start_server(*_: int) -> None:
        def run() -> None:
            with sqlite_app.app_context():
                finished.append(finish_interrupted_import())
                db.session.remove()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    run_import(IMPORTED, now, on_written=start_server)

    assert finished == [False] * 8
    assert list_names() == {row.id: row.name for row in [*STORED, *IMPORTED]}
