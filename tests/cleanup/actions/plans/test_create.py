"""Creating plans: their voices, their order and their visibility."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from tests.cleanup.actions.plans.scenario import (
    ADA,
    BOB,
    make_assistant_with,
    make_plan,
    read_event_objects,
    read_item_states,
)
from tests.factories import DAY, LONG_AGO, make_organization, make_voice, put_voices, voice_row
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType, ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.plans import confirm_plan, resume_plan, undo_plan
from voiceadmin.cleanup.queries.plans import get_plan
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.errors import ChangeRefused, PlanNotFound
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.status import VoiceStatus

THRESHOLDS = AttentionThresholds()


def test_a_plan_starts_with_the_longest_unused_voices_and_ends_with_the_never_used(
    acme: Organization, now: datetime
) -> None:
    put_voices(
        acme,
        [
            voice_row(id=1, created_at=now - 20 * DAY),
            voice_row(id=2, created_at=now - 30 * DAY),
            voice_row(id=3, last_used_at=now - 61 * DAY, synthesis_count=5),
            voice_row(id=4, last_used_at=now - 90 * DAY, synthesis_count=5),
        ],
    )

    assert list(read_item_states(make_plan(now))) == [4, 3, 2, 1]
    assert list(read_item_states(make_plan(now, "two", limit=2))) == [4, 3]
    assert list(read_item_states(make_plan(now, "three", reasons=("never-used",)))) == [2, 1]


def test_a_plan_contains_no_excluded_voices(acme: Organization, now: datetime) -> None:
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
    make_assistant_with(acme, "set")
    make_assistant_with(acme, "set-idle", active=False)
    make_assistant_with(acme, "")
    make_assistant_with(other, "elsewhere")
    request = ActionRequest(TriageAction.ACKNOWLEDGE, (ObjectRef(ObjectKind.VOICE, 12),), "mute", 0)
    apply_action(EVERYTHING, request, THRESHOLDS, by=ADA, now=now)

    plan = make_plan(now, scope=Scope(frozenset([acme.id])))

    assert set(read_item_states(plan)) == {1, 13, 14}


def test_a_plan_is_created_once_per_form_and_never_without_voices(acme: Organization, now: datetime) -> None:
    with pytest.raises(ChangeRefused, match="No voice matches"):
        make_plan(now)
    make_voice(acme, id=1)

    first = make_plan(now, "form")
    make_voice(acme, id=2)

    assert make_plan(now, "form") == first
    assert list(read_item_states(first)) == [1]
    assert read_event_objects(AuditEventType.CLEAN_UP_PLANNED) == [first]


def test_a_plan_is_visible_only_in_a_scope_that_contains_all_its_voices(acme: Organization, now: datetime) -> None:
    other = make_organization("Other")
    make_voice(acme)
    make_voice(other)
    both, one = make_plan(now, "both"), make_plan(now, "one", organization=acme.id)
    of_acme = Scope(frozenset([acme.id]))

    assert get_plan(of_acme, one, now=now).voice_count == 1
    with pytest.raises(PlanNotFound):
        get_plan(of_acme, both, now=now)
    with pytest.raises(PlanNotFound):
        confirm_plan(of_acme, both, by=BOB, now=now)
    with pytest.raises(PlanNotFound):
        resume_plan(of_acme, both, THRESHOLDS, by=BOB, now=now, seconds=0)
    with pytest.raises(PlanNotFound):
        undo_plan(of_acme, both, AttentionThresholds(), by=BOB, now=now, seconds=0)


def test_the_events_of_a_plan_name_its_organization_unless_there_are_several(acme: Organization, now: datetime) -> None:
    make_voice(acme)
    make_voice(make_organization("Other"))

    both, one = make_plan(now, "both"), make_plan(now, "one", organization=acme.id)
    for plan_id in (both, one):
        confirm_plan(EVERYTHING, plan_id, by=BOB, now=now)

    of_plans = select(AuditEvent.object_id, AuditEvent.organization_id).where(
        AuditEvent.object_kind == ObjectKind.PLAN.value
    )
    found = [tuple(row) for row in db.session.execute(of_plans.order_by(AuditEvent.object_id))]
    assert found == [(both, None), (both, None), (one, acme.id), (one, acme.id)]
