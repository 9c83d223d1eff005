"""Mutes, operations and clean-up plans of version 0005 after the upgrade."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import select, text

from tests.conftest import NOW
from tests.database.version_0005 import ADA, CONFIRMED_PLAN, STARTED_PLAN, UNCONFIRMED_PLAN
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType, ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.plans import confirm_plan, resume_plan, retry_failed_items, undo_plan
from voiceadmin.cleanup.queries.plans import get_plan
from voiceadmin.cleanup.types.plans import ItemState
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.types import ActionRequest
from voiceadmin.triage.models import Assignment, Mute
from voiceadmin.triage.queries.queue import list_queue
from voiceadmin.triage.types import QueueFilters, TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.status import VoiceStatus


def voice(id: int) -> ClonedVoice:
    db.session.rollback()
    return db.session.get_one(ClonedVoice, id)


def test_mutes_are_still_applied(upgraded: Flask, expected: dict[str, Any]) -> None:
    for name, muted in (("shown", False), ("muted", True)):
        queue = list_queue(EVERYTHING, QueueFilters(muted=muted, size=1000), AttentionThresholds(), now=NOW)
        found = [
            [line.ref.kind.value, line.ref.id, [why.finding.reason for why in line.reasons if bool(why.mute) == muted]]
            for line in queue.items
        ]
        assert found == expected["queues"][name]


def test_operations_from_before_the_upgrade_can_be_undone(upgraded: Flask) -> None:
    archived, snoozed, noted, assigned = 29, 10, 22, 42
    assert voice(9024).archived_at is not None

    for operation_id in (archived, snoozed, noted, assigned):
        done = undo_operation(EVERYTHING, operation_id, "key", AttentionThresholds(), by=ADA, now=NOW)
        assert (done.object_count, list(done.skipped)) == (2 if operation_id == assigned else 1, [])

    assert (voice(9024).status, voice(9024).archived_at) == (VoiceStatus.READY, None)
    assert not db.session.scalars(select(Mute).where(Mute.object_id == 9104)).all()
    assert not db.session.scalars(select(Assignment).where(Assignment.object_id.in_([9060, 9061]))).all()
    last = select(AuditEvent.event_type).where(AuditEvent.object_id == 9010).order_by(AuditEvent.id.desc()).limit(1)
    assert db.session.scalars(last).one() == AuditEventType.NOTE_REMOVED.value


def test_an_undone_operation_from_before_the_upgrade_can_be_redone(upgraded: Flask) -> None:
    undoing = 13  # the undo of the acknowledgement of voice 9102

    done = undo_operation(EVERYTHING, undoing, "key", AttentionThresholds(), by=ADA, now=NOW)

    assert done.object_count == 1
    mute = db.session.scalars(select(Mute).where(Mute.object_id == 9102)).one()
    assert (mute.reason, mute.kind, mute.muted_by) == ("stuck", "acknowledge", "bob@example.com")


def test_changes_after_the_last_seen_operation_are_still_detected(upgraded: Flask) -> None:
    request = ActionRequest(
        TriageAction.ARCHIVE, (ObjectRef(ObjectKind.VOICE, 9117),), "key", last_seen_operation_id=47
    )

    done = apply_action(EVERYTHING, request, AttentionThresholds(), by=ADA, now=NOW)

    assert (done.object_count, len(done.skipped)) == (0, 1)  # restored by another person in operation 48


def test_started_and_unconfirmed_plans_can_be_resumed(upgraded: Flask) -> None:
    limits = AttentionThresholds()
    retry_failed_items(EVERYTHING, STARTED_PLAN, by=ADA, now=NOW)
    confirm_plan(EVERYTHING, UNCONFIRMED_PLAN, by=ADA, now=NOW)

    for plan_id in (STARTED_PLAN, UNCONFIRMED_PLAN, CONFIRMED_PLAN):
        resume_plan(EVERYTHING, plan_id, limits, by=ADA, now=NOW, seconds=60)

    started = get_plan(EVERYTHING, STARTED_PLAN, now=NOW)
    assert started.filters.limit == 40
    assert dict(started.states) == {
        ItemState.ARCHIVED: 30,
        ItemState.SKIPPED: 8,
        ItemState.RESTORED: 1,
        ItemState.GONE: 1,
    }
    for plan_id in (UNCONFIRMED_PLAN, CONFIRMED_PLAN):
        assert not get_plan(EVERYTHING, plan_id, now=NOW).count(ItemState.PENDING)


def test_a_started_plan_can_be_undone(upgraded: Flask) -> None:
    undo_plan(EVERYTHING, STARTED_PLAN, AttentionThresholds(), by=ADA, now=NOW, seconds=60)

    states = get_plan(EVERYTHING, STARTED_PLAN, now=NOW).states
    assert ItemState.ARCHIVED not in states
    assert states[ItemState.RESTORED] == 2


def test_ids_are_not_reused_after_the_upgrade(upgraded: Flask) -> None:
    last = db.session.scalars(text("SELECT max(id) FROM operation")).one()
    db.session.rollback()

    done = apply_action(
        EVERYTHING,
        ActionRequest(TriageAction.NOTE, (ObjectRef(ObjectKind.VOICE, 9001),), "key", 0, "It sounds good."),
        AttentionThresholds(),
        by=ADA,
        now=NOW,
    )

    assert done.id == last + 1
