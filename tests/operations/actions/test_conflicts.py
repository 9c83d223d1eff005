"""Changes by other actors after the page was loaded."""

from __future__ import annotations

from datetime import datetime

from tests.factories import DAY, make_account, make_voice, put_voices, voice_row
from tests.operations.actions.scenario import BOB, Runner, read_archiving, read_assignees, skip_reasons
from voiceadmin.accounts.models import Account
from voiceadmin.operations.queries import get_last_operation_id
from voiceadmin.operations.types import SkipReason
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.status import VoiceStatus


def test_voices_that_another_person_changed_are_skipped_and_the_person_is_named(
    acme: Organization, runner: Runner, now: datetime, clara: Account
) -> None:
    dora = make_account("dora@example.com", platform=True)
    put_voices(acme, [voice_row(id=id, status=VoiceStatus.FAILED) for id in range(1, 8)])
    runner.apply(TriageAction.ASSIGN, 3, assignee_id=dora.id)
    runner.apply(TriageAction.ARCHIVE, 4)
    seen = get_last_operation_id()
    runner.apply(TriageAction.ARCHIVE, 1, by=BOB)
    runner.apply(TriageAction.ASSIGN, 2, assignee_id=clara.id, by=BOB)
    runner.apply(TriageAction.ASSIGN, 3, assignee_id=None, by=BOB)
    runner.apply(TriageAction.RESTORE, 4, by=BOB)
    runner.apply(TriageAction.SNOOZE, 5, until=now + DAY, by=BOB)
    runner.apply(TriageAction.ACKNOWLEDGE, 6, by=BOB)
    muted = runner.apply(TriageAction.SNOOZE, 7, by=BOB)
    runner.undo(muted, by=BOB)

    operations = [
        runner.apply(TriageAction.RESTORE, 1, last_seen_operation_id=seen),
        runner.apply(TriageAction.ASSIGN, 2, assignee_id=dora.id, last_seen_operation_id=seen),
        runner.apply(TriageAction.ASSIGN, 3, assignee_id=clara.id, last_seen_operation_id=seen),
        runner.apply(TriageAction.ARCHIVE, 4, last_seen_operation_id=seen),
        runner.apply(TriageAction.ACKNOWLEDGE, 5, last_seen_operation_id=seen),
        runner.apply(TriageAction.SNOOZE, 6, until=now + 2 * DAY, last_seen_operation_id=seen),
        runner.apply(TriageAction.SNOOZE, 7, last_seen_operation_id=seen),
        runner.apply(TriageAction.ASSIGN, 2, assignee_id=None, last_seen_operation_id=seen),
    ]

    who = "bob@example.com"
    assert {operation.object_count for operation in operations} == {0}
    assert [operation.skipped[0].reason for operation in operations] == [
        SkipReason.ARCHIVED_MEANWHILE,
        SkipReason.ASSIGNEE_CHANGED_MEANWHILE,
        SkipReason.ASSIGNEE_CHANGED_MEANWHILE,
        SkipReason.RESTORED_MEANWHILE,
        SkipReason.SNOOZED_MEANWHILE,
        SkipReason.ACKNOWLEDGED_MEANWHILE,
        SkipReason.UNMUTED_MEANWHILE,
        SkipReason.ASSIGNEE_CHANGED_MEANWHILE,
    ]
    assert {operation.skipped[0].detail for operation in operations} == {who}
    assert read_assignees() == {2: clara.id}
    assert [read_archiving(id)[0] for id in (1, 4)] == ["archived", "failed"]


def test_only_the_voices_that_others_changed_are_skipped(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [voice_row(id=1), voice_row(id=2)])
    seen = get_last_operation_id()
    runner.apply(TriageAction.ARCHIVE, 1, by=BOB)

    operation = runner.apply(TriageAction.ARCHIVE, 1, 2, last_seen_operation_id=seen)

    assert (operation.object_count, set(skip_reasons(operation))) == (1, {1})


def test_changes_by_the_same_actor_are_no_conflict(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    seen = get_last_operation_id()
    runner.apply(TriageAction.ARCHIVE, 1)

    assert runner.apply(TriageAction.RESTORE, 1, last_seen_operation_id=seen).object_count == 1


def test_a_change_that_the_page_showed_is_no_conflict(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [voice_row(id=1), voice_row(id=2)])
    runner.apply(TriageAction.ARCHIVE, 1, by=BOB)
    seen = get_last_operation_id()
    runner.apply(TriageAction.ARCHIVE, 2, by=BOB)

    assert runner.apply(TriageAction.RESTORE, 1, last_seen_operation_id=seen).object_count == 1


def test_changes_to_another_property_of_the_voice_are_no_conflict(
    acme: Organization, runner: Runner, clara: Account
) -> None:
    make_voice(acme, id=1)
    seen = get_last_operation_id()
    runner.apply(TriageAction.ASSIGN, 1, assignee_id=clara.id, by=BOB)
    runner.apply(TriageAction.NOTE, 1, by=BOB)

    assert runner.apply(TriageAction.ARCHIVE, 1, last_seen_operation_id=seen).object_count == 1
    assert runner.apply(TriageAction.NOTE, 1, last_seen_operation_id=seen).object_count == 1
