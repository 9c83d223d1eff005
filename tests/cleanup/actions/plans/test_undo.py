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
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.queries import get_last_operation_id
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
    assert get_plan(EVERYTHING, plan, now=now).undoable == 249

    undo_plan(EVERYTHING, plan, AttentionThresholds(), by=BOB, now=now, seconds=0)
    assert get_plan(EVERYTHING, plan, now=now).undoable == 150
    undo_plan(EVERYTHING, plan, AttentionThresholds(), by=BOB, now=now, seconds=ENOUGH_SECONDS)
    undo_plan(EVERYTHING, plan, AttentionThresholds(), by=BOB, now=now, seconds=ENOUGH_SECONDS)

    found = get_plan(EVERYTHING, plan, now=now)
    assert found.states == {ItemState.RESTORED: 249, ItemState.ARCHIVED: 1}
    assert found.undoable == 0
    assert read_archived_ids() == {8}
    assert read_event_objects(AuditEventType.CLEAN_UP_UNDONE) == [plan, plan]


def test_an_undone_plan_that_is_archived_again_can_be_undone_again(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=number) for number in range(1, 4)])
    plan = make_plan(now)
    run_plan(plan, now)

    for _ in range(2):
        undo_plan(EVERYTHING, plan, AttentionThresholds(), by=BOB, now=now, seconds=ENOUGH_SECONDS)
        assert (read_archived_ids(), get_plan(EVERYTHING, plan, now=now).undoable) == (set(), 0)
        undo_operation(EVERYTHING, get_last_operation_id(), "", AttentionThresholds(), by=ADA, now=now)
        found = get_plan(EVERYTHING, plan, now=now)
        assert (found.states, found.undoable) == ({ItemState.ARCHIVED: 3}, 3)


def test_an_undo_restores_what_is_not_too_old(acme: Organization, now: datetime) -> None:
    put_voices(acme, [voice_row(id=number) for number in range(1, 151)])
    plan = make_plan(now)
    run_plan(plan, now, seconds=0)
    run_plan(plan, now + DAY)
    later = now + 31 * DAY
    assert get_plan(EVERYTHING, plan, now=later).undoable == 50

    undo_plan(EVERYTHING, plan, AttentionThresholds(), by=BOB, now=later, seconds=ENOUGH_SECONDS)

    found = get_plan(EVERYTHING, plan, now=later)
    assert (found.states, found.undoable) == ({ItemState.ARCHIVED: 100, ItemState.RESTORED: 50}, 0)


def test_voices_that_another_plan_archived_again_are_not_undoable(acme: Organization, now: datetime) -> None:
    make_voice(acme, id=1)
    plan = make_plan(now)
    run_plan(plan, now)
    restore = ActionRequest(TriageAction.RESTORE, (ObjectRef(ObjectKind.VOICE, 1),), "restore", 10**9)
    apply_action(EVERYTHING, restore, THRESHOLDS, by=ADA, now=now)
    second = make_plan(now, key="second")
    run_plan(second, now)

    assert [get_plan(EVERYTHING, id, now=now).undoable for id in (plan, second)] == [0, 1]


def test_the_savings_are_those_of_the_current_provider_without_deleted_voices(
    acme: Organization, now: datetime
) -> None:
    put_voices(acme, [voice_row(id=number, provider_voice_id=f"voice-{number}") for number in (1, 2)])
    plan = make_plan(now)
    put_voices(acme, [voice_row(id=1, provider_voice_id="voice-1", provider="resemble")])
    run_plan(plan, now)
    assert get_plan(EVERYTHING, plan, now=now).voices == {"resemble": 1, "elevenlabs": 1}

    mark = ActionRequest(TriageAction.MARK_DELETED, (ObjectRef(ObjectKind.VOICE, 1),), "mark", 10**9)
    apply_action(EVERYTHING, mark, THRESHOLDS, by=ADA, now=now)

    assert get_plan(EVERYTHING, plan, now=now).voices == {"elevenlabs": 1}


def test_a_plan_cannot_be_undone_after_thirty_days(acme: Organization, now: datetime) -> None:
    make_voice(acme)
    plan = make_plan(now)
    run_plan(plan, now)

    assert get_plan(EVERYTHING, plan, now=now + 30 * DAY).undoable == 1
    assert get_plan(EVERYTHING, plan, now=now + 31 * DAY).undoable == 0
    with pytest.raises(ChangeRefused, match="older than 30 days"):
        undo_plan(EVERYTHING, plan, AttentionThresholds(), by=BOB, now=now + 31 * DAY, seconds=0)
