"""Concurrent operations and imports: no lost update, no repeated effect, no deadlock."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from threading import Barrier, Event

import pytest
from flask import Flask
from sqlalchemy import text

from tests.factories import make_account, make_assistant, make_organization, put_voices, voice_row
from tests.two_tenants import rows_of
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.batches import BATCH_SIZE
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role
from voiceadmin.management.actions.merging import merge_organizations
from voiceadmin.operations.actions.execute import apply_action, execute
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.queries import get_last_operation_id
from voiceadmin.operations.types import ActionRequest, OperationRow, SkipReason
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

THRESHOLDS = AttentionThresholds()
ADA = Actor(ActorKind.ACCOUNT, 7, "ada@example.com")
BOB = Actor(ActorKind.ACCOUNT, 8, "bob@example.com")
SHELL = Actor(ActorKind.CLI, None, "tester")
ALL_SEEN = 10**9  # an operation id above all others: no change counts as a conflict


@pytest.fixture
def acme(app: Flask) -> Organization:
    return make_organization("Acme")


def voice_refs(*ids: int) -> tuple[ObjectRef, ...]:
    return tuple(ObjectRef(ObjectKind.VOICE, id) for id in ids)


def check_consistency() -> None:
    """Check that counts, JSON bodies, archive columns and audit events are consistent."""
    stored = rows_of("cloned_voice")
    counted = Counter(
        (
            row["organization_id"],
            row["status"].value,
            row["provider"],
            row["language"] or "",
            row["tier"],
            row["has_last_used_at"],
            row["is_never_used"],
        )
        for row in stored
    )
    stored_counts = {tuple(row.values())[:-1]: row["voices"] for row in rows_of("voice_stats")}
    assert stored_counts == counted
    last: dict[int, object] = {}
    for audit_event in rows_of("audit_event"):
        if audit_event["event_type"] in ("voice-archived", "voice-restored"):
            facts = json.loads(audit_event["after"])["archived"]
            assert facts != last.get(audit_event["object_id"]), "an audit event without a change"
            last[audit_event["object_id"]] = facts
    for row in stored:
        at, by, note = (row[name] for name in ("archived_at", "archived_by", "archive_note"))
        facts = None if at is None else {"at": at.isoformat(), "by": by, "note": note}
        assert facts == last.get(row["id"]), row["id"]
        assert json.loads(row["json_body"])["status"] == row["status"].value
    counts = Counter(row["operation_id"] for row in rows_of("audit_event") if row["operation_id"])
    assert {row["id"]: row["object_count"] for row in rows_of("operation") if row["object_count"]} == counts


def run_concurrently(app: Flask, *tasks: Callable[[], object]) -> list[Future[object]]:
    """Run all tasks at the same moment, each in its own thread."""
    db.session.rollback()
    start = Barrier(len(tasks))

    def begin(task: Callable[[], object]) -> object:
        with app.app_context():
            start.wait()
            return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return [pool.submit(begin, task) for task in tasks]


def test_random_operations_of_eight_concurrent_actors_leave_consistent_data(
    app: Flask, acme: Organization, now: datetime
) -> None:
    other = make_organization("Other")
    put_voices(acme, [voice_row(id=id) for id in range(1, 41)])
    put_voices(other, [voice_row(id=id, status=VoiceStatus.FAILED) for id in range(41, 81)])
    clara = make_account("clara@example.com", roles={acme: Role.OPERATOR, other: Role.OPERATOR})

    def work(number: int) -> int:
        randomness, done = random.Random(number), list[int]()
        by = Actor(ActorKind.ACCOUNT, number, f"person{number}@example.com")
        for turn in range(50):
            if done and randomness.random() < 0.2:
                try:
                    undo_operation(EVERYTHING, done.pop(), f"{number} {turn}", AttentionThresholds(), by=by, now=now)
                except ChangeRefused:
                    pytest.fail("an actor undoes only its own operations, which nobody else undoes")
                continue
            action = randomness.choice(
                [
                    TriageAction.ARCHIVE,
                    TriageAction.RESTORE,
                    TriageAction.ASSIGN,
                    TriageAction.SNOOZE,
                    TriageAction.NOTE,
                ]
            )
            ids = randomness.sample(range(1, 81), randomness.randint(1, 12))
            request = ActionRequest(action, voice_refs(*ids), f"{number} {turn}", ALL_SEEN, "so", None, clara.id)
            operation = apply_action(EVERYTHING, request, THRESHOLDS, by=by, now=now)
            done += [operation.id] if operation.object_count else []
        return len(done)

    futures = run_concurrently(app, *(lambda number=number: work(number) for number in range(8)))

    assert all(future.exception() is None for future in futures), [future.exception() for future in futures]
    check_consistency()


def test_the_second_of_two_concurrent_changes_to_a_voice_is_skipped_and_names_the_first(
    app: Flask, acme: Organization, now: datetime, long: bool
) -> None:
    """Both actors loaded the same page. The second request changes nothing."""
    tries = 200 if long else 40
    put_voices(acme, [voice_row(id=id) for id in range(1, tries + 1)])
    people = {name: make_account(f"{name}@example.com", roles={acme: Role.OPERATOR}) for name in ("clara", "dora")}
    ids = {name: account.id for name, account in people.items()}

    for voice in range(1, tries + 1):
        seen = get_last_operation_id()

        def assign(by: Actor, assignee: str, voice: int = voice, seen: int = seen) -> OperationRow:
            request = ActionRequest(
                TriageAction.ASSIGN, voice_refs(voice), f"{by.name} {voice}", seen, assignee_id=ids[assignee]
            )
            return apply_action(EVERYTHING, request, THRESHOLDS, by=by, now=now)

        ada, bob = run_concurrently(app, lambda: assign(ADA, "clara"), lambda: assign(BOB, "dora"))
        operations = {"clara": ada.result(), "dora": bob.result()}
        first = next(
            name
            for name, operation in operations.items()
            if isinstance(operation, OperationRow) and operation.object_count
        )
        (second,) = operations.keys() - {first}
        loser = operations[second]
        assert isinstance(loser, OperationRow)
        who = "ada" if first == "clara" else "bob"
        assert loser.object_count == 0
        assert (loser.skipped[0].reason, loser.skipped[0].detail) == (
            SkipReason.ASSIGNEE_CHANGED_MEANWHILE,
            f"{who}@example.com",
        )
        assert {row["account_id"] for row in rows_of("assignment") if row["object_id"] == voice} == {ids[first]}


def test_an_operation_committed_after_the_page_load_counts_as_a_conflict(
    app: Flask, acme: Organization, now: datetime
) -> None:
    """A slow operation gets its id before a quick one, and is committed after the page was loaded."""
    put_voices(acme, [voice_row(id=1), voice_row(id=2)])
    make_account("clara@example.com", platform=True)
    started, may_commit = Event(), Event()
    db.session.rollback()

    def archive_slowly() -> None:
        with app.app_context(), write_transaction():
            execute(
                EVERYTHING, ActionRequest(TriageAction.ARCHIVE, voice_refs(1), "slow", 0), THRESHOLDS, by=BOB, now=now
            )
            started.set()
            may_commit.wait()

    def add_note() -> int:
        with app.app_context():
            return apply_action(
                EVERYTHING,
                ActionRequest(TriageAction.NOTE, voice_refs(2), "quick", 0, "so"),
                THRESHOLDS,
                by=BOB,
                now=now,
            ).id

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(archive_slowly)
        started.wait()
        quick = pool.submit(add_note)
        while not quick.done() and db.engine.dialect.name == "postgresql" and not has_lock_waiter():
            pass
        seen = get_last_operation_id()
        db.session.rollback()
        may_commit.set()
        slow.result()
        quick.result()

    operation = apply_action(
        EVERYTHING, ActionRequest(TriageAction.ARCHIVE, voice_refs(1), "after", seen), THRESHOLDS, by=ADA, now=now
    )

    skipped = operation.skipped[0]
    assert (skipped.reason, skipped.detail) == (SkipReason.ARCHIVED_MEANWHILE, "bob@example.com")


def has_lock_waiter() -> bool:
    waiting = db.session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    db.session.rollback()
    return bool(waiting)


def format_file(rows: list[VoiceRow]) -> io.BytesIO:
    return io.BytesIO(json.dumps({"cloned_voices": [voice_to_json(row) for row in rows]}).encode())


def test_imports_and_operations_do_not_deadlock(
    app: Flask, acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import writes batches in the order of its file; an operation locks all its voices at once."""
    monkeypatch.setattr("voiceadmin.voices.importing.actions.BATCH_SIZE", 5)
    make_assistant(acme, id=31)
    rows = [voice_row(id=id) for id in range(1, 41)]
    put_voices(acme, rows)

    def import_repeatedly() -> None:
        for turn in range(8):
            renamed = [row._replace(name=f"Voice {turn} of {row.id}") for row in reversed(rows)]
            report = import_voices(format_file(renamed), ImportTarget(31), by=SHELL, now=now, on_fault=lambda _: None)
            assert report.changed == len(rows)

    def archive(by: Actor) -> None:
        for turn in range(25):
            action = (TriageAction.ARCHIVE, TriageAction.RESTORE)[turn % 2]
            ids = random.Random(turn).sample(range(1, 41), 12)
            request = ActionRequest(action, voice_refs(*ids), f"{by.name} {turn}", ALL_SEEN)
            apply_action(EVERYTHING, request, THRESHOLDS, by=by, now=now)

    futures = run_concurrently(app, import_repeatedly, lambda: archive(ADA), lambda: archive(BOB))

    assert [future.exception() for future in futures] == [None] * 3
    check_consistency()


def test_operations_on_several_organizations_do_not_deadlock(app: Flask, acme: Organization, now: datetime) -> None:
    """The operations change different voices of the same organizations, in opposite order."""
    other = make_organization("Other")
    put_voices(acme, [voice_row(id=id) for id in (*range(1, BATCH_SIZE + 1), *range(3001, 3001 + BATCH_SIZE))])
    put_voices(other, [voice_row(id=id) for id in (*range(1001, 1001 + BATCH_SIZE), *range(2001, 2001 + BATCH_SIZE))])

    def archive(by: Actor, *ids: int) -> None:
        for turn in range(4):
            action = (TriageAction.ARCHIVE, TriageAction.RESTORE)[turn % 2]
            apply_action(
                EVERYTHING,
                ActionRequest(action, voice_refs(*ids), f"{by.name} {turn}", ALL_SEEN),
                THRESHOLDS,
                by=by,
                now=now,
            )

    futures = run_concurrently(
        app,
        lambda: archive(ADA, *range(1, BATCH_SIZE + 1), *range(2001, 2001 + BATCH_SIZE)),
        lambda: archive(BOB, *range(1001, 1001 + BATCH_SIZE), *range(3001, 3001 + BATCH_SIZE)),
    )

    assert [future.exception() for future in futures] == [None] * 2
    check_consistency()


def test_two_concurrent_undos_of_an_operation_are_applied_once(app: Flask, acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=id) for id in range(1, 21)])
    operation = apply_action(
        EVERYTHING, ActionRequest(TriageAction.ARCHIVE, voice_refs(*range(1, 21)), "a", 0), THRESHOLDS, by=ADA, now=now
    )

    futures = run_concurrently(
        app,
        *(
            lambda by=by: undo_operation(EVERYTHING, operation.id, by.name, AttentionThresholds(), by=by, now=now)
            for by in (ADA, BOB)
        ),
    )

    assert sorted(type(future.exception()).__name__ for future in futures) == ["ChangeRefused", "NoneType"]
    check_consistency()
    assert len(rows_of("audit_event")) == 40


def test_operations_and_undos_of_what_was_done_before_a_merge_do_not_deadlock(
    app: Flask, acme: Organization, now: datetime
) -> None:
    """The audit events of the undone operations name the merged organization; their voices are in the other one."""
    other = make_organization("Other")
    put_voices(other, [voice_row(id=id) for id in range(1, 101)])
    done = [
        apply_action(
            EVERYTHING,
            ActionRequest(TriageAction.ARCHIVE, voice_refs(*range(first, first + 5)), f"{first}", ALL_SEEN),
            THRESHOLDS,
            by=ADA,
            now=now,
        )
        for first in range(1, 101, 5)
    ]
    merge_organizations(EVERYTHING, other.id, acme.id, by=SHELL, now=now)

    def undo() -> None:
        for operation in done:
            undo_operation(EVERYTHING, operation.id, "", AttentionThresholds(), by=ADA, now=now)

    def add_notes() -> None:
        for turn in range(len(done)):
            request = ActionRequest(TriageAction.NOTE, voice_refs(*range(1, 101)), f"note {turn}", ALL_SEEN, "so")
            apply_action(EVERYTHING, request, THRESHOLDS, by=BOB, now=now)

    futures = run_concurrently(app, undo, add_notes)

    assert [future.exception() for future in futures] == [None] * 2
    check_consistency()
