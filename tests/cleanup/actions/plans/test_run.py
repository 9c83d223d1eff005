"""Running plans in steps: changes meanwhile, failures and concurrency."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from tests.cleanup.actions.plans.scenario import (
    ADA,
    BOB,
    ENOUGH_SECONDS,
    make_assistant_with,
    make_plan,
    read_archived_ids,
    read_event_objects,
    read_item_states,
    run_plan,
)
from tests.factories import DAY, LONG_AGO, make_assistant, make_voice, put_voices, voice_row
from voiceadmin.audit.types import AuditEventType, ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.plans import confirm_plan, resume_plan, retry_failed_items
from voiceadmin.cleanup.queries.plans import count_rechecked, get_plan
from voiceadmin.cleanup.types.plans import ItemState
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import EVERYTHING
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.models import Operation
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.status import VoiceStatus

THRESHOLDS = AttentionThresholds()


def test_an_unconfirmed_plan_archives_nothing(acme: Organization, now: datetime) -> None:
    make_voice(acme)
    plan = make_plan(now)

    with pytest.raises(ChangeRefused, match="confirmed"):
        resume_plan(EVERYTHING, plan, THRESHOLDS, by=BOB, now=now, seconds=ENOUGH_SECONDS)

    assert read_archived_ids() == set()


def test_running_a_plan_archives_each_voice_once_with_an_event(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=number) for number in range(1, 251)])
    plan = make_plan(now)

    run_plan(plan, now, seconds=0)
    assert get_plan(EVERYTHING, plan, now=now).states == {ItemState.ARCHIVED: 100, ItemState.PENDING: 150}
    run_plan(plan, now)
    run_plan(plan, now)  # changes nothing

    assert get_plan(EVERYTHING, plan, now=now).states == {ItemState.ARCHIVED: 250}
    assert read_archived_ids() == set(range(1, 251))
    assert read_event_objects(AuditEventType.VOICE_ARCHIVED) == list(range(1, 251))
    assert read_event_objects(AuditEventType.CLEAN_UP_CONFIRMED) == [plan]
    voice = db.session.get_one(ClonedVoice, 1)
    assert (voice.archived_by, voice.archive_note) == ("bob@example.com", f"clean-up, plan {plan}")
    assert db.session.scalars(select(Operation.object_count).order_by(Operation.id)).all() == [100, 100, 50]


def test_voices_that_changed_after_the_plan_are_skipped_with_a_reason(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=number, provider_voice_id=f"pv{number}") for number in range(1, 11)])
    put_voices(acme, [voice_row(id=11, last_used_at=now - 90 * DAY, synthesis_count=1)])
    plan = make_plan(now)
    make_assistant_with(acme, "pv1", active=False)
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
        THRESHOLDS,
        by=ADA,
        now=now,
    )
    for action in (TriageAction.ARCHIVE, TriageAction.RESTORE):
        apply_action(
            EVERYTHING,
            ActionRequest(action, (ObjectRef(ObjectKind.VOICE, 8),), action, 10**9),
            THRESHOLDS,
            by=ADA,
            now=now,
        )
    before = read_item_states(plan)

    checked = count_rechecked(plan, THRESHOLDS, now=now)
    assert read_item_states(plan) == before
    run_plan(plan, now)

    assert read_item_states(plan) == {
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
    assert read_archived_ids() == {10}
    assert checked == {
        "used-or-recloned": 3,
        None: 2,  # includes the voice that was archived and restored, which only the operation skips
        "in-use": 1,
        "shared-reference": 1,
        "already-archived": 1,
        "gone": 1,
        "not-ready": 1,
        "muted": 1,
    }


CREATE_REFUSE_FUNCTION = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no'; END $$"""


@contextmanager
def refuse_updates(voice_id: int) -> Iterator[None]:
    """Make the database refuse updates of one voice inside the block."""
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
            db.session.execute(text(CREATE_REFUSE_FUNCTION))
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


def test_a_failed_voice_does_not_stop_the_others_and_can_be_retried(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=number) for number in range(1, 131)])
    plan = make_plan(now)

    with refuse_updates(57):
        run_plan(plan, now)

    assert {id for id, state in read_item_states(plan).items() if state == ("failed", "archive-failed")} == {57}
    assert read_archived_ids() == set(range(1, 131)) - {57}
    retry_failed_items(EVERYTHING, plan, by=ADA, now=now)
    run_plan(plan, now)
    assert read_archived_ids() == set(range(1, 131))
    assert read_event_objects(AuditEventType.VOICE_ARCHIVED) == list(range(1, 131))


def test_two_concurrent_runs_archive_each_voice_once(app: Flask, acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=number) for number in range(1, 401)])
    plan = make_plan(now)
    confirm_plan(EVERYTHING, plan, by=BOB, now=now)

    def work(_: int) -> None:
        with app.app_context():
            resume_plan(EVERYTHING, plan, THRESHOLDS, by=BOB, now=now, seconds=ENOUGH_SECONDS)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))

    assert read_archived_ids() == set(range(1, 401))
    assert read_event_objects(AuditEventType.VOICE_ARCHIVED) == list(range(1, 401))


def test_a_voice_that_an_assistant_uses_meanwhile_is_never_archived_afterwards(
    app: Flask, acme: Organization, now: datetime
) -> None:
    """An import changes the voice of the assistant repeatedly while the plan is executed."""
    make_assistant(acme, id=31)
    put_voices(acme, [voice_row(id=number, provider_voice_id=f"pv{number}") for number in range(1, 601)])
    plan = make_plan(now)
    confirm_plan(EVERYTHING, plan, by=BOB, now=now)
    assigned: list[tuple[int, bool]] = []

    def assign() -> None:
        with app.app_context():
            for number in range(600, 0, -20):
                with write_transaction():
                    acquire_advisory_lock("import")
                    values = {"tts_provider": "elevenlabs", "tts_voice_id": f"pv{number}"}
                    db.session.execute(update(Assistant).values(values))
                    found = select(ClonedVoice.archived_at).where(ClonedVoice.id == number)
                    assigned.append((number, db.session.scalar(found) is not None))
                db.session.rollback()
                archived_at = db.session.scalar(select(ClonedVoice.archived_at).where(ClonedVoice.id == number))
                assert assigned[-1][1] or archived_at is None, number

    def work() -> None:
        with app.app_context():
            while get_plan(EVERYTHING, plan, now=now).pending:
                resume_plan(EVERYTHING, plan, THRESHOLDS, by=BOB, now=now, seconds=0)

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(assign), pool.submit(work)]:
            future.result()

    assert set(read_item_states(plan).values()) <= {("archived", ""), ("skipped", "in-use")}
