"""Plans of a clean-up: what they take, how they are carried out step by step, what a crash leaves, and the way back."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from tests.factories import (
    DAY,
    LONG_AGO,
    make_assistant,
    make_organization,
    make_voice,
    put_voices,
    voice_row,
)
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType, ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.plans import confirm_plan, create_plan, resume_plan, retry_failed_items, undo_plan
from voiceadmin.cleanup.models import CleanUpItem
from voiceadmin.cleanup.queries.plans import count_rechecked, get_plan
from voiceadmin.cleanup.types.candidates import CleanUpFilters
from voiceadmin.cleanup.types.plans import ItemState
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.errors import ChangeRefused, PlanNotFound
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Scope
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.models import Operation
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.status import VoiceStatus

ROOT = Path(__file__).resolve().parents[3]
HERE = {name: value for name, value in os.environ.items() if not name.startswith("VOICEADMIN_")} | {
    "PYTHONPATH": str(ROOT)
}
LIMITS = AttentionThresholds()
ADA = Actor(ActorKind.ACCOUNT, 7, "ada@example.com")
BOB = Actor(ActorKind.ACCOUNT, 8, "bob@example.com")
A_WHILE = 60.0


@pytest.fixture
def acme(store: Flask) -> Organization:
    return make_organization("Acme")


def planned(now: datetime, key: str = "key", scope: Scope = EVERYTHING, **filters: Any) -> int:
    return create_plan(scope, CleanUpFilters(**filters), LIMITS, key, by=ADA, now=now)


def run(plan_id: int, now: datetime, seconds: float = A_WHILE) -> None:
    confirm_plan(EVERYTHING, plan_id, by=BOB, now=now)
    resume_plan(EVERYTHING, plan_id, LIMITS, by=BOB, now=now, seconds=seconds)


def fates(plan_id: int) -> dict[int, tuple[str, str]]:
    """What became of each voice of a plan, and why, in its order."""
    db.session.rollback()
    found = select(CleanUpItem.voice_id, CleanUpItem.state, CleanUpItem.skip_reason).where(
        CleanUpItem.plan_id == plan_id
    )
    return {id: (state, why) for id, state, why in db.session.execute(found.order_by(CleanUpItem.position))}


def archived() -> set[int]:
    db.session.rollback()
    return set(db.session.scalars(select(ClonedVoice.id).where(ClonedVoice.archived_at.is_not(None))))


def lines(event_type: AuditEventType) -> list[int]:
    """What the lines of a word are about."""
    db.session.rollback()
    found = select(AuditEvent.object_id).where(AuditEvent.event_type == event_type.value).order_by(AuditEvent.object_id)
    return [id or 0 for id in db.session.scalars(found)]


def set_assistant(organization: Organization, provider_voice_id: str, **fields: Any) -> None:
    make_assistant(organization, tts_provider="elevenlabs", tts_voice_id=provider_voice_id, **fields)


def test_a_plan_takes_the_longest_unused_first_then_the_never_used(acme: Organization, now: datetime) -> None:
    put_voices(
        acme,
        [
            voice_row(id=1, created_at=now - 20 * DAY),
            voice_row(id=2, created_at=now - 30 * DAY),
            voice_row(id=3, last_used_at=now - 61 * DAY, synthesis_count=5),
            voice_row(id=4, last_used_at=now - 90 * DAY, synthesis_count=5),
        ],
    )

    assert list(fates(planned(now))) == [4, 3, 2, 1]
    assert list(fates(planned(now, "two", limit=2))) == [4, 3]
    assert list(fates(planned(now, "three", reasons=("never-used",)))) == [2, 1]


def test_a_plan_leaves_out_what_must_stay(acme: Organization, now: datetime) -> None:
    other = make_organization("Other")
    old: dict[str, Any] = {"created_at": LONG_AGO}
    put_voices(
        acme,
        [
            voice_row(id=1, **old),
            voice_row(id=2, provider_voice_id="set", **old),
            voice_row(id=3, provider_voice_id="set-idle", **old),
            voice_row(id=4, created_at=now - 13 * DAY),
            voice_row(id=5, status=VoiceStatus.PROCESSING, **old),
            voice_row(id=6, status=VoiceStatus.FAILED, **old),
            voice_row(id=7, status=VoiceStatus.ARCHIVED, **old),
            voice_row(id=8, last_used_at=now - 59 * DAY, synthesis_count=1, **old),
            voice_row(id=9, synthesis_count=3, **old),
            voice_row(id=10, provider_voice_id="twin", **old),
            voice_row(id=11, provider_voice_id="twin", **old),
            voice_row(id=12, **old),
            voice_row(id=13, provider_voice_id="", **old),
            voice_row(id=14, provider_voice_id="elsewhere", **old),
        ],
    )
    put_voices(other, [voice_row(id=20, provider_voice_id="elsewhere", **old)])
    set_assistant(acme, "set")
    set_assistant(acme, "set-idle", active=False)
    set_assistant(acme, "")
    set_assistant(other, "elsewhere")
    mute = ActionRequest(TriageAction.ACKNOWLEDGE, (ObjectRef(ObjectKind.VOICE, 12),), "mute", 0)
    apply_action(EVERYTHING, mute, LIMITS, by=ADA, now=now)

    plan = planned(now, scope=Scope(frozenset([acme.id])))

    assert set(fates(plan)) == {1, 13, 14}


def test_a_plan_is_made_once_for_a_form_and_never_of_nothing(acme: Organization, now: datetime) -> None:
    with pytest.raises(ChangeRefused, match="No voice matches"):
        planned(now)
    make_voice(acme, id=1)

    first = planned(now, "form")
    make_voice(acme, id=2)

    assert planned(now, "form") == first
    assert list(fates(first)) == [1]
    assert lines(AuditEventType.CLEAN_UP_PLANNED) == [first]


def test_a_plan_is_seen_by_whom_all_of_it_is(acme: Organization, now: datetime) -> None:
    other = make_organization("Other")
    make_voice(acme)
    make_voice(other)
    both, one = planned(now, "both"), planned(now, "one", organization=acme.id)
    of_acme = Scope(frozenset([acme.id]))

    assert get_plan(of_acme, one, now=now).voice_count == 1
    with pytest.raises(PlanNotFound):
        get_plan(of_acme, both, now=now)
    with pytest.raises(PlanNotFound):
        confirm_plan(of_acme, both, by=BOB, now=now)
    with pytest.raises(PlanNotFound):
        resume_plan(of_acme, both, LIMITS, by=BOB, now=now, seconds=0)
    with pytest.raises(PlanNotFound):
        undo_plan(of_acme, both, by=BOB, now=now, seconds=0)


def test_nothing_is_archived_before_somebody_confirms(acme: Organization, now: datetime) -> None:
    make_voice(acme)
    plan = planned(now)

    with pytest.raises(ChangeRefused, match="confirmed"):
        resume_plan(EVERYTHING, plan, LIMITS, by=BOB, now=now, seconds=A_WHILE)

    assert archived() == set()


def test_carrying_out_archives_and_says_so_once_for_each_voice(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=number) for number in range(1, 251)])
    plan = planned(now)

    run(plan, now, seconds=0)
    assert get_plan(EVERYTHING, plan, now=now).states == {ItemState.ARCHIVED: 100, ItemState.PENDING: 150}
    run(plan, now)
    run(plan, now)  # changes nothing any more

    assert get_plan(EVERYTHING, plan, now=now).states == {ItemState.ARCHIVED: 250}
    assert archived() == set(range(1, 251))
    assert lines(AuditEventType.VOICE_ARCHIVED) == list(range(1, 251))
    assert lines(AuditEventType.CLEAN_UP_CONFIRMED) == [plan]
    voice = db.session.get_one(ClonedVoice, 1)
    assert (voice.archived_by, voice.archive_note) == ("bob@example.com", f"clean-up, plan {plan}")
    assert db.session.scalars(select(Operation.object_count).order_by(Operation.id)).all() == [100, 100, 50]


def test_what_changed_since_the_plan_stays_and_says_why(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=number, provider_voice_id=f"pv{number}") for number in range(1, 11)])
    put_voices(acme, [voice_row(id=11, last_used_at=now - 90 * DAY, synthesis_count=1)])
    plan = planned(now)
    set_assistant(acme, "pv1", active=False)
    put_voices(
        acme,
        [
            voice_row(id=2, last_used_at=now, synthesis_count=1),
            voice_row(id=3, status=VoiceStatus.PROCESSING),
            voice_row(id=4, status=VoiceStatus.ARCHIVED),
            voice_row(id=12, provider_voice_id="pv7"),
            voice_row(id=11, last_used_at=now - 80 * DAY, synthesis_count=2),
            voice_row(id=9, created_at=LONG_AGO + DAY),
        ],
    )
    with write_transaction():
        db.session.execute(text("DELETE FROM cloned_voice WHERE id = 5"))
    apply_action(
        EVERYTHING,
        ActionRequest(TriageAction.SNOOZE, (ObjectRef(ObjectKind.VOICE, 6),), "a", 0),
        LIMITS,
        by=ADA,
        now=now,
    )
    for act in (TriageAction.ARCHIVE, TriageAction.RESTORE):
        apply_action(
            EVERYTHING, ActionRequest(act, (ObjectRef(ObjectKind.VOICE, 8),), act, 10**9), LIMITS, by=ADA, now=now
        )
    before = fates(plan)

    checked = count_rechecked(plan, LIMITS, now=now)
    assert fates(plan) == before
    run(plan, now)

    assert fates(plan) == {
        11: ("skipped", "used-or-recloned"),
        1: ("skipped", "in-use"),
        2: ("skipped", "used-or-recloned"),
        3: ("skipped", "not-ready"),
        4: ("skipped", "already-archived"),
        5: ("skipped", "gone"),
        6: ("skipped", "muted"),
        7: ("skipped", "shared-reference"),
        8: ("skipped", "changed-meanwhile"),
        9: ("skipped", "used-or-recloned"),
        10: ("archived", ""),
    }
    assert archived() == {10}
    assert checked == {
        "used-or-recloned": 3,
        None: 2,  # what somebody archived and restored looks as before; its operation leaves it alone
        "in-use": 1,
        "shared-reference": 1,
        "already-archived": 1,
        "gone": 1,
        "not-ready": 1,
        "muted": 1,
    }


REFUSE = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no'; END $$"""


@contextmanager
def refused(voice_id: int) -> Iterator[None]:
    """The store refuses to write this voice."""
    sqlite = db.engine.dialect.name == "sqlite"
    with write_transaction():
        if sqlite:
            db.session.execute(
                text(
                    "CREATE TRIGGER refused BEFORE UPDATE ON cloned_voice"
                    f" WHEN NEW.id = {voice_id} BEGIN SELECT RAISE(ABORT, 'no'); END"
                )
            )
        else:
            db.session.execute(text(REFUSE))
            db.session.execute(
                text(
                    "CREATE TRIGGER refused BEFORE UPDATE ON cloned_voice FOR EACH ROW"
                    f" WHEN (NEW.id = {voice_id}) EXECUTE FUNCTION refuse()"
                )
            )
    yield
    with write_transaction():
        db.session.execute(text("DROP TRIGGER refused" + ("" if sqlite else " ON cloned_voice")))
        if not sqlite:
            db.session.execute(text("DROP FUNCTION refuse"))


def test_a_voice_that_the_store_refuses_keeps_no_other_and_can_be_tried_again(
    acme: Organization, now: datetime
) -> None:
    put_voices(acme, [voice_row(id=number) for number in range(1, 131)])
    plan = planned(now)

    with refused(57):
        run(plan, now)

    assert {id for id, fate in fates(plan).items() if fate == ("failed", "archive-failed")} == {57}
    assert archived() == set(range(1, 131)) - {57}
    retry_failed_items(EVERYTHING, plan, now=now)
    run(plan, now)
    assert archived() == set(range(1, 131))
    assert lines(AuditEventType.VOICE_ARCHIVED) == list(range(1, 131))


def test_taking_back_restores_all_but_what_somebody_changed_since(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=number) for number in range(1, 251)])
    plan = planned(now)
    run(plan, now)
    for act in (TriageAction.RESTORE, TriageAction.ARCHIVE):
        apply_action(
            EVERYTHING, ActionRequest(act, (ObjectRef(ObjectKind.VOICE, 8),), act, 10**9), LIMITS, by=ADA, now=now
        )
    assert get_plan(EVERYTHING, plan, now=now).undoable == 250

    undo_plan(EVERYTHING, plan, by=BOB, now=now, seconds=0)
    assert get_plan(EVERYTHING, plan, now=now).undoable == 150
    undo_plan(EVERYTHING, plan, by=BOB, now=now, seconds=A_WHILE)
    undo_plan(EVERYTHING, plan, by=BOB, now=now, seconds=A_WHILE)

    found = get_plan(EVERYTHING, plan, now=now)
    assert found.states == {ItemState.RESTORED: 249, ItemState.ARCHIVED: 1}
    assert found.undoable == 0
    assert archived() == {8}
    assert lines(AuditEventType.CLEAN_UP_UNDONE) == [plan, plan]


def test_after_thirty_days_nothing_is_taken_back(acme: Organization, now: datetime) -> None:
    make_voice(acme)
    plan = planned(now)
    run(plan, now)

    assert get_plan(EVERYTHING, plan, now=now + 30 * DAY).undoable == 1
    assert get_plan(EVERYTHING, plan, now=now + 31 * DAY).undoable == 0
    with pytest.raises(ChangeRefused, match="older than 30 days"):
        undo_plan(EVERYTHING, plan, by=BOB, now=now + 31 * DAY, seconds=0)


def test_two_who_carry_out_together_do_everything_once(store: Flask, acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=number) for number in range(1, 401)])
    plan = planned(now)
    confirm_plan(EVERYTHING, plan, by=BOB, now=now)

    def work(_: int) -> None:
        with store.app_context():
            resume_plan(EVERYTHING, plan, LIMITS, by=BOB, now=now, seconds=A_WHILE)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))

    assert archived() == set(range(1, 401))
    assert lines(AuditEventType.VOICE_ARCHIVED) == list(range(1, 401))


def test_an_assistant_that_is_set_meanwhile_keeps_its_voice_whoever_comes_first(
    store: Flask, acme: Organization, now: datetime
) -> None:
    """An import sets assistants, one after the other, while the plan is carried out."""
    make_assistant(acme, id=31)
    put_voices(acme, [voice_row(id=number, provider_voice_id=f"pv{number}") for number in range(1, 601)])
    plan = planned(now)
    confirm_plan(EVERYTHING, plan, by=BOB, now=now)
    set_at: list[tuple[int, bool]] = []

    def assign() -> None:
        with store.app_context():
            for number in range(600, 0, -20):
                with write_transaction():
                    acquire_advisory_lock("import")
                    values = {"tts_provider": "elevenlabs", "tts_voice_id": f"pv{number}"}
                    db.session.execute(update(Assistant).values(values))
                    found = select(ClonedVoice.archived_at).where(ClonedVoice.id == number)
                    set_at.append((number, db.session.scalar(found) is not None))
                db.session.rollback()
                kept = db.session.scalar(select(ClonedVoice.archived_at).where(ClonedVoice.id == number))
                assert set_at[-1][1] or kept is None, number

    def work() -> None:
        with store.app_context():
            while get_plan(EVERYTHING, plan, now=now).pending:
                resume_plan(EVERYTHING, plan, LIMITS, by=BOB, now=now, seconds=0)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(assign), pool.submit(work)]:
            done.result()

    assert set(fates(plan).values()) <= {("archived", ""), ("skipped", "in-use")}


DYING = """
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


def test_a_process_that_is_killed_leaves_nothing_half_done(sqlite_store: Flask, now: datetime, long: bool) -> None:
    folder, acme, voices = sqlite_store.config["VOICEADMIN"].instance, make_organization("Acme"), range(1, 4001)
    put_voices(acme, [voice_row(id=number) for number in voices])
    plan = planned(now)
    confirm_plan(EVERYTHING, plan, by=BOB, now=now)
    interrupted = 0
    draw = random.Random(7)

    for _ in range(20 if long else 5):
        db.session.rollback()
        words = [sys.executable, "-P", "-c", DYING, str(folder), str(plan), now.isoformat()]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=HERE)
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            process.stdin.write(b"\n")
            process.stdin.flush()
            with suppress(subprocess.TimeoutExpired):
                process.wait(draw.uniform(0.02, 0.25))
            process.kill()
        states = get_plan(EVERYTHING, plan, now=now).states
        interrupted += states.get(ItemState.PENDING, 0) > 0
        assert set(states) <= {ItemState.PENDING, ItemState.ARCHIVED}
        assert len(archived()) == len(lines(AuditEventType.VOICE_ARCHIVED)) == states.get(ItemState.ARCHIVED, 0)

    resume_plan(EVERYTHING, plan, LIMITS, by=BOB, now=now, seconds=A_WHILE)

    assert interrupted
    assert get_plan(EVERYTHING, plan, now=now).states == {ItemState.ARCHIVED: 4000}
    assert archived() == set(voices)
    assert lines(AuditEventType.VOICE_ARCHIVED) == list(voices)
    assert db.session.scalar(text("PRAGMA integrity_check")) == "ok"
