"""Acknowledging and snoozing findings."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.factories import DAY, LONG_AGO, make_assistant, make_voice, put_voices, voice_row
from tests.operations.actions.scenario import (
    ADA,
    THRESHOLDS,
    Runner,
    read_assignees,
    read_audit_events,
    read_mutes,
    skip_reasons,
)
from voiceadmin.accounts.models import Account
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import EVERYTHING
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import SkipReason
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.status import VoiceStatus


@pytest.mark.parametrize(
    ("action", "event_type"), [(TriageAction.ACKNOWLEDGE, "acknowledged"), (TriageAction.SNOOZE, "snoozed")]
)
def test_all_current_reasons_are_muted(
    acme: Organization, runner: Runner, now: datetime, action: TriageAction, event_type: str
) -> None:
    bad: dict[str, Any] = {"status": VoiceStatus.FAILED, "created_at": LONG_AGO}
    put_voices(acme, [voice_row(id=1, **bad), voice_row(id=2, created_at=now)])
    until = now + DAY if action is TriageAction.SNOOZE else None

    operation = runner.apply(action, 1, 2, until=until)

    assert read_mutes() == {1: {"failed": (action.value, until)}}
    assert skip_reasons(operation) == {2: SkipReason.NOTHING_TO_MUTE}
    ((type_, id, before, after, _),) = read_audit_events(operation)
    assert (type_, id, before) == (event_type, 1, {"mute": {}})
    assert after["mute"]["failed"]["muted_by"] == "ada@example.com"
    assert after["mute"]["failed"]["until"] == (until and until.isoformat())


def test_a_snooze_replaces_an_acknowledgement(acme: Organization, runner: Runner, now: datetime) -> None:
    make_voice(acme, id=1, status=VoiceStatus.FAILED)
    first = runner.apply(TriageAction.ACKNOWLEDGE, 1)
    second = runner.apply(TriageAction.SNOOZE, 1, until=now + DAY)

    assert read_mutes() == {1: {"failed": ("snooze", now + DAY)}}
    assert read_audit_events(second)[0][2] == read_audit_events(first)[0][3]


def test_an_assistant_is_assigned_and_muted(acme: Organization, runner: Runner, clara: Account) -> None:
    make_assistant(acme, id=31, tts_provider="elevenlabs", tts_voice_id="pv1")
    make_voice(acme, id=1, provider_voice_id="pv1", status=VoiceStatus.FAILED)
    refs = [ObjectRef(ObjectKind.ASSISTANT, 31)]

    for request in (
        runner.request(TriageAction.ASSIGN, refs, assignee_id=clara.id),
        runner.request(TriageAction.ACKNOWLEDGE, refs),
    ):
        assert apply_action(EVERYTHING, request, THRESHOLDS, by=ADA, now=runner.now).object_count == 1

    assert read_assignees() == {31: clara.id}
    assert set(read_mutes()) == {31}


def test_a_snooze_must_end_in_the_future(acme: Organization, runner: Runner, now: datetime) -> None:
    make_voice(acme, id=1, status=VoiceStatus.FAILED)

    with pytest.raises(ChangeRefused):
        runner.apply(TriageAction.SNOOZE, 1, until=now)
    assert runner.apply(TriageAction.SNOOZE, 1, until=now + timedelta(microseconds=1)).object_count == 1
