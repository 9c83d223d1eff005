"""Many at one desk at once: nothing is lost, nothing is done twice, and nobody waits for one who waits for them."""

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

LIMITS = AttentionThresholds()
ADA = Actor(ActorKind.ACCOUNT, 7, "ada@example.com")
BOB = Actor(ActorKind.ACCOUNT, 8, "bob@example.com")
SHELL = Actor(ActorKind.CLI, None, "tester")
NEVER_MIND = 10**9  # who has seen all this is in nobody's way


@pytest.fixture
def acme(store: Flask) -> Organization:
    return make_organization("Acme")


def voices(*ids: int) -> tuple[ObjectRef, ...]:
    return tuple(ObjectRef(ObjectKind.VOICE, id) for id in ids)


def check_that_all_agrees() -> None:
    """Counts, records, archiving and the trail tell the same."""
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
    kept = {tuple(row.values())[:-1]: row["voices"] for row in rows_of("voice_stats")}
    assert kept == counted
    last: dict[int, object] = {}
    for line in rows_of("audit_event"):
        if line["event_type"] in ("voice-archived", "voice-restored"):
            facts = json.loads(line["after"])["archived"]
            assert facts != last.get(line["object_id"]), "a line that changed nothing"
            last[line["object_id"]] = facts
    for row in stored:
        at, by, why = (row[name] for name in ("archived_at", "archived_by", "archive_note"))
        facts = None if at is None else {"at": at.isoformat(), "by": by, "note": why}
        assert facts == last.get(row["id"]), row["id"]
        assert json.loads(row["json_body"])["status"] == row["status"].value
    numbers = Counter(line["operation_id"] for line in rows_of("audit_event") if line["operation_id"])
    assert {row["id"]: row["object_count"] for row in rows_of("operation") if row["object_count"]} == numbers


def at_once(app: Flask, *works: Callable[[], object]) -> list[Future[object]]:
    """Do all of these, each in a thread of its own, from the same moment on."""
    db.session.rollback()
    start = Barrier(len(works))

    def begin(work: Callable[[], object]) -> object:
        with app.app_context():
            start.wait()
            return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [pool.submit(begin, work) for work in works]


def test_eight_who_do_this_and_that_leave_everything_in_agreement(
    store: Flask, acme: Organization, now: datetime
) -> None:
    other = make_organization("Other")
    put_voices(acme, [voice_row(id=id) for id in range(1, 41)])
    put_voices(other, [voice_row(id=id, status=VoiceStatus.FAILED) for id in range(41, 81)])
    clara = make_account("clara@example.com", roles={acme: Role.OPERATOR, other: Role.OPERATOR})

    def work(number: int) -> int:
        chance, done = random.Random(number), list[int]()
        by = Actor(ActorKind.ACCOUNT, number, f"person{number}@example.com")
        for turn in range(50):
            if done and chance.random() < 0.2:
                try:
                    undo_operation(EVERYTHING, done.pop(), f"{number} {turn}", by=by, now=now)
                except ChangeRefused:
                    pytest.fail("nobody else undoes what one did oneself")
                continue
            action = chance.choice(
                [
                    TriageAction.ARCHIVE,
                    TriageAction.RESTORE,
                    TriageAction.ASSIGN,
                    TriageAction.SNOOZE,
                    TriageAction.NOTE,
                ]
            )
            ids = chance.sample(range(1, 81), chance.randint(1, 12))
            order = ActionRequest(action, voices(*ids), f"{number} {turn}", NEVER_MIND, "so", None, clara.id)
            operation = apply_action(EVERYTHING, order, LIMITS, by=by, now=now)
            done += [operation.id] if operation.object_count else []
        return len(done)

    futures = at_once(store, *(lambda number=number: work(number) for number in range(8)))

    assert all(future.exception() is None for future in futures), [future.exception() for future in futures]
    check_that_all_agrees()


def test_of_two_who_act_on_one_voice_the_second_is_told_with_both_versions(
    store: Flask, acme: Organization, now: datetime, long: bool
) -> None:
    """Both have looked at the same page. Whoever comes second changes nothing."""
    tries = 200 if long else 40
    put_voices(acme, [voice_row(id=id) for id in range(1, tries + 1)])
    people = {name: make_account(f"{name}@example.com", roles={acme: Role.OPERATOR}) for name in ("clara", "dora")}
    ids = {name: account.id for name, account in people.items()}

    for voice in range(1, tries + 1):
        seen = get_last_operation_id()

        def give(by: Actor, assignee: str, voice: int = voice, seen: int = seen) -> OperationRow:
            order = ActionRequest(
                TriageAction.ASSIGN, voices(voice), f"{by.name} {voice}", seen, assignee_id=ids[assignee]
            )
            return apply_action(EVERYTHING, order, LIMITS, by=by, now=now)

        ada, bob = at_once(store, lambda: give(ADA, "clara"), lambda: give(BOB, "dora"))
        operations = {"clara": ada.result(), "dora": bob.result()}
        first = next(
            name
            for name, operation in operations.items()
            if isinstance(operation, OperationRow) and operation.object_count
        )
        (second,) = operations.keys() - {first}
        late = operations[second]
        assert isinstance(late, OperationRow)
        who = "ada" if first == "clara" else "bob"
        assert late.object_count == 0
        assert (late.skipped[0].reason, late.skipped[0].detail) == (
            SkipReason.CHANGED_MEANWHILE,
            f"{who}@example.com",
        )
        assert {row["account_id"] for row in rows_of("assignment") if row["object_id"] == voice} == {ids[first]}


def test_what_was_committed_late_was_not_seen(store: Flask, acme: Organization, now: datetime) -> None:
    """A operation that takes its time is not older for whoever looks meanwhile than one that was begun after it."""
    put_voices(acme, [voice_row(id=1), voice_row(id=2)])
    make_account("clara@example.com", platform=True)
    begun, go_on = Event(), Event()
    db.session.rollback()

    def slowly() -> None:
        with store.app_context(), write_transaction():
            execute(EVERYTHING, ActionRequest(TriageAction.ARCHIVE, voices(1), "slow", 0), LIMITS, by=BOB, now=now)
            begun.set()
            go_on.wait()

    def quickly() -> int:
        with store.app_context():
            return apply_action(
                EVERYTHING, ActionRequest(TriageAction.NOTE, voices(2), "quick", 0, "so"), LIMITS, by=BOB, now=now
            ).id

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(slowly)
        begun.wait()
        quick = pool.submit(quickly)
        while not quick.done() and db.engine.dialect.name == "postgresql" and not somebody_waits():
            pass
        seen = get_last_operation_id()
        db.session.rollback()
        go_on.set()
        slow.result()
        quick.result()

    operation = apply_action(
        EVERYTHING, ActionRequest(TriageAction.ARCHIVE, voices(1), "after", seen), LIMITS, by=ADA, now=now
    )

    skipped = operation.skipped[0]
    assert (skipped.reason, skipped.detail) == (SkipReason.CHANGED_MEANWHILE, "bob@example.com")


def somebody_waits() -> bool:
    waiting = db.session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    db.session.rollback()
    return bool(waiting)


def format_file(rows: list[VoiceRow]) -> io.BytesIO:
    return io.BytesIO(json.dumps({"cloned_voices": [voice_to_json(row) for row in rows]}).encode())


def test_imports_and_deeds_never_wait_for_each_other_in_a_ring(
    store: Flask, acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import writes its voices in many steps, in the order of its file; operations take theirs at once."""
    monkeypatch.setattr("voiceadmin.voices.importing.actions.BATCH_SIZE", 5)
    make_assistant(acme, id=31)
    rows = [voice_row(id=id) for id in range(1, 41)]
    put_voices(acme, rows)

    def bring_in() -> None:
        for turn in range(8):
            told = [row._replace(name=f"Voice {turn} of {row.id}") for row in reversed(rows)]
            report = import_voices(format_file(told), ImportTarget(31), by=SHELL, now=now, on_fault=lambda _: None)
            assert report.changed == len(rows)

    def archive(by: Actor) -> None:
        for turn in range(25):
            action = (TriageAction.ARCHIVE, TriageAction.RESTORE)[turn % 2]
            ids = random.Random(turn).sample(range(1, 41), 12)
            order = ActionRequest(action, voices(*ids), f"{by.name} {turn}", NEVER_MIND)
            apply_action(EVERYTHING, order, LIMITS, by=by, now=now)

    futures = at_once(store, bring_in, lambda: archive(ADA), lambda: archive(BOB))

    assert [future.exception() for future in futures] == [None] * 3
    check_that_all_agrees()


def test_deeds_about_several_organizations_never_wait_for_each_other_in_a_ring(
    store: Flask, acme: Organization, now: datetime
) -> None:
    """Disjoint voices, but the same organizations, the first of the one being the last of the other."""
    other = make_organization("Other")
    put_voices(acme, [voice_row(id=id) for id in (*range(1, BATCH_SIZE + 1), *range(3001, 3001 + BATCH_SIZE))])
    put_voices(other, [voice_row(id=id) for id in (*range(1001, 1001 + BATCH_SIZE), *range(2001, 2001 + BATCH_SIZE))])

    def archive(by: Actor, *ids: int) -> None:
        for turn in range(4):
            action = (TriageAction.ARCHIVE, TriageAction.RESTORE)[turn % 2]
            apply_action(
                EVERYTHING, ActionRequest(action, voices(*ids), f"{by.name} {turn}", NEVER_MIND), LIMITS, by=by, now=now
            )

    futures = at_once(
        store,
        lambda: archive(ADA, *range(1, BATCH_SIZE + 1), *range(2001, 2001 + BATCH_SIZE)),
        lambda: archive(BOB, *range(1001, 1001 + BATCH_SIZE), *range(3001, 3001 + BATCH_SIZE)),
    )

    assert [future.exception() for future in futures] == [None] * 2
    check_that_all_agrees()


def test_two_who_undo_the_same_do_it_once(store: Flask, acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=id) for id in range(1, 21)])
    operation = apply_action(
        EVERYTHING, ActionRequest(TriageAction.ARCHIVE, voices(*range(1, 21)), "a", 0), LIMITS, by=ADA, now=now
    )

    futures = at_once(
        store, *(lambda by=by: undo_operation(EVERYTHING, operation.id, by.name, by=by, now=now) for by in (ADA, BOB))
    )

    assert sorted(type(future.exception()).__name__ for future in futures) == ["ChangeRefused", "NoneType"]
    check_that_all_agrees()
    assert len(rows_of("audit_event")) == 40
