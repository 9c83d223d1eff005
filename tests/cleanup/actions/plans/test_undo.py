"""Undo of plans."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.cleanup.actions.plans.scenario import (
    ADA,
    BOB,
    ENOUGH_SECONDS,
    make_plan,
    read_archived_ids,
    read_event_objects,
    run_plan,
)
from tests.factories import DAY, make_voice, put_voices, voice_row
from voiceadmin.audit.types import AuditEventType, ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.plans import undo_plan
from voiceadmin.cleanup.queries.plans import get_plan
from voiceadmin.cleanup.types.plans import ItemState
from voiceadmin.config import AttentionThresholds
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import EVERYTHING
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction

THRESHOLDS = AttentionThresholds()


def test_an_undo_restores_all_voices_except_those_changed_since(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=number) for number in range(1, 251)])
    plan = make_plan(now)
    run_plan(plan, now)
    for action in (TriageAction.RESTORE, TriageAction.ARCHIVE):
        apply_action(
            EVERYTHING,
            ActionRequest(action, (ObjectRef(ObjectKind.VOICE, 8),), action, 10**9),
            THRESHOLDS,
            by=ADA,
            now=now,
        )
    assert get_plan(EVERYTHING, plan, now=now).undoable == 250

    undo_plan(EVERYTHING, plan, by=BOB, now=now, seconds=0)
    assert get_plan(EVERYTHING, plan, now=now).undoable == 150
    undo_plan(EVERYTHING, plan, by=BOB, now=now, seconds=ENOUGH_SECONDS)
    undo_plan(EVERYTHING, plan, by=BOB, now=now, seconds=ENOUGH_SECONDS)

    found = get_plan(EVERYTHING, plan, now=now)
    assert found.states == {ItemState.RESTORED: 249, ItemState.ARCHIVED: 1}
    assert found.undoable == 0
    assert read_archived_ids() == {8}
    assert read_event_objects(AuditEventType.CLEAN_UP_UNDONE) == [plan, plan]


def test_a_plan_cannot_be_undone_after_thirty_days(acme: Organization, now: datetime) -> None:
    make_voice(acme)
    plan = make_plan(now)
    run_plan(plan, now)

    assert get_plan(EVERYTHING, plan, now=now + 30 * DAY).undoable == 1
    assert get_plan(EVERYTHING, plan, now=now + 31 * DAY).undoable == 0
    with pytest.raises(ChangeRefused, match="older than 30 days"):
        undo_plan(EVERYTHING, plan, by=BOB, now=now + 31 * DAY, seconds=0)
