"""Undo of operations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from tests.factories import DAY, make_account, make_organization, make_voice, put_voices, voice_row
from tests.operations.actions.scenario import (
    ADA,
    BOB,
    Runner,
    read_archiving,
    read_assignees,
    read_audit_events,
    read_mutes,
    skip_reasons,
)
from tests.two_tenants import dump
from voiceadmin.accounts.models import Account, Membership
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, OperationNotFound
from voiceadmin.identity import EVERYTHING, Role, Scope
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.queries import get_operation
from voiceadmin.operations.types import UNDO_PERIOD, SkipReason
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.status import VoiceStatus


def read_state_without_audit_log() -> dict[str, Any]:
    found = dump()
    for name in ("operation", "audit_event"):
        del found[name]
    for organization in found["organization"]:
        del organization["revision"]
    return found


def action_options(clara: Account, now: datetime) -> dict[TriageAction, dict[str, Any]]:
    return {action: {} for action in TriageAction} | {
        TriageAction.ASSIGN: {"assignee_id": clara.id},
        TriageAction.SNOOZE: {"until": now + DAY},
    }


@pytest.mark.parametrize("action", TriageAction)
def test_every_action_is_undone_and_every_undo_is_undone(
    acme: Organization, runner: Runner, now: datetime, clara: Account, action: TriageAction
) -> None:
    put_voices(acme, [voice_row(id=id, status=VoiceStatus.FAILED) for id in (1, 2)])
    if action in (TriageAction.RESTORE, TriageAction.MARK_DELETED, TriageAction.UNMARK_DELETED):
        runner.apply(TriageAction.ARCHIVE, 1, 2)
    if action is TriageAction.UNMARK_DELETED:
        runner.apply(TriageAction.MARK_DELETED, 1, 2)
    before = read_state_without_audit_log()
    operation = runner.apply(action, 1, 2, **action_options(clara, now)[action])
    after = read_state_without_audit_log()
    assert (before == after) is (action is TriageAction.NOTE)

    undo = runner.undo(operation, by=BOB)
    assert (undo.object_count, undo.undoes, undo.action, list(undo.skipped)) == (2, operation.id, action, [])
    assert get_operation(EVERYTHING, operation.id).undone_by == undo.id
    assert read_state_without_audit_log() == before
    redo = runner.undo(undo)
    assert read_state_without_audit_log() == after
    assert [line[0:4] for line in read_audit_events(redo)] == [line[0:4] for line in read_audit_events(operation)]
    runner.undo(redo)
    assert read_state_without_audit_log() == before


def test_an_undo_restores_the_previous_assignee_and_mute(
    acme: Organization, runner: Runner, now: datetime, clara: Account
) -> None:
    dora = make_account("dora@example.com", platform=True)
    make_voice(acme, id=1, status=VoiceStatus.FAILED)
    runner.apply(TriageAction.ASSIGN, 1, assignee_id=clara.id)
    runner.apply(TriageAction.ACKNOWLEDGE, 1)
    given = runner.apply(TriageAction.ASSIGN, 1, assignee_id=dora.id)
    snoozed = runner.apply(TriageAction.SNOOZE, 1, until=now + DAY)

    assert [line[0] for line in read_audit_events(runner.undo(given))] == ["assigned"]
    assert [line[0] for line in read_audit_events(runner.undo(snoozed))] == ["acknowledged"]
    assert read_assignees() == {1: clara.id}
    assert read_mutes() == {1: {"failed": ("acknowledge", None)}}


def test_an_undo_skips_and_names_voices_that_were_changed_since(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [voice_row(id=id, name=f"Voice {id}") for id in range(1, 6)])
    operation = runner.apply(TriageAction.ARCHIVE, 1, 2, 3, 4, 5)
    runner.apply(TriageAction.RESTORE, 2, by=BOB)
    runner.apply(TriageAction.RESTORE, 3, by=BOB)
    runner.apply(TriageAction.ARCHIVE, 3, by=BOB, note="by Bob")
    runner.apply(TriageAction.NOTE, 4, by=BOB)
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == 5))

    back = runner.undo(operation)

    assert back.object_count == 2
    assert [(item.id, item.name, item.reason, item.detail) for item in back.skipped] == [
        (2, "Voice 2", SkipReason.CHANGED_SINCE, "bob@example.com"),
        (3, "Voice 3", SkipReason.CHANGED_SINCE, "bob@example.com"),
        (5, "Voice 5", SkipReason.GONE, ""),
    ]
    assert [read_archiving(id)[0] for id in range(1, 5)] == ["ready", "ready", "archived", "ready"]
    assert read_archiving(3)[4] == "by Bob"
    assert [line[1] for line in read_audit_events(back)] == [1, 4]


def test_an_operation_is_not_marked_as_undone_when_its_undo_changes_nothing(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    operation = runner.apply(TriageAction.ARCHIVE, 1)
    runner.apply(TriageAction.RESTORE, 1, by=BOB)

    undo = runner.undo(operation)

    assert (undo.object_count, undo.undoes, skip_reasons(undo)) == (0, operation.id, {1: SkipReason.CHANGED_SINCE})
    assert get_operation(EVERYTHING, operation.id).undone_by is None


def test_an_undo_that_failed_can_be_tried_again(acme: Organization, runner: Runner, clara: Account) -> None:
    make_voice(acme, id=1)
    runner.apply(TriageAction.ASSIGN, 1, assignee_id=clara.id)
    operation = runner.apply(TriageAction.ASSIGN, 1)
    set_disabled_at(clara, runner.now)
    assert runner.undo(operation).object_count == 0
    set_disabled_at(clara, None)

    undo = runner.undo(operation)

    assert undo.object_count == 1
    assert read_assignees() == {1: clara.id}
    assert get_operation(EVERYTHING, operation.id).undone_by == undo.id


def set_disabled_at(account: Account, disabled_at: datetime | None) -> None:
    with write_transaction():
        db.session.execute(update(Account).where(Account.id == account.id).values(disabled_at=disabled_at))


def test_an_undo_skips_a_voice_that_was_removed_and_created_again(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    operation = runner.apply(TriageAction.ARCHIVE, 1)
    with write_transaction():
        db.session.execute(delete(ClonedVoice))
    make_voice(acme, id=1)

    assert skip_reasons(runner.undo(operation)) == {1: SkipReason.STATE_DIFFERS}
    assert read_archiving(1) == ("ready", None, None, None, None)


@pytest.mark.parametrize("change", ["disabled", "role removed", "viewer"])
def test_an_undo_does_not_assign_to_an_account_that_lost_access(
    acme: Organization, runner: Runner, clara: Account, change: str
) -> None:
    make_voice(acme, id=1)
    runner.apply(TriageAction.ASSIGN, 1, assignee_id=clara.id)
    operation = runner.apply(TriageAction.ASSIGN, 1)
    with write_transaction():
        if change == "disabled":
            db.session.execute(update(Account).where(Account.id == clara.id).values(disabled_at=runner.now))
        elif change == "role removed":
            db.session.execute(delete(Membership))
        else:
            db.session.execute(update(Membership).values(role=int(Role.VIEWER)))

    assert skip_reasons(runner.undo(operation)) == {1: SkipReason.ASSIGNEE_LOST_ACCESS}
    assert read_assignees() == {}


def test_an_operation_can_be_undone_for_exactly_thirty_days(acme: Organization, runner: Runner, now: datetime) -> None:
    make_voice(acme, id=1)
    operation = runner.apply(TriageAction.ARCHIVE, 1)

    with pytest.raises(ChangeRefused, match="older than 30 days"):
        undo_operation(
            EVERYTHING,
            operation.id,
            "late",
            AttentionThresholds(),
            by=ADA,
            now=now + UNDO_PERIOD + timedelta(microseconds=1),
        )
    assert (
        undo_operation(
            EVERYTHING, operation.id, "just", AttentionThresholds(), by=ADA, now=now + UNDO_PERIOD
        ).object_count
        == 1
    )


def test_an_operation_is_undone_only_once(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    operation = runner.apply(TriageAction.ARCHIVE, 1)
    runner.undo(operation)

    with pytest.raises(ChangeRefused, match="undone already"):
        runner.undo(operation)


def test_undoing_an_empty_or_foreign_operation_is_not_found(acme: Organization, runner: Runner) -> None:
    globex = make_organization("Globex")
    make_voice(acme, id=1)
    make_voice(globex, id=2)
    empty, foreign, shared = (
        runner.apply(TriageAction.RESTORE, 1),
        runner.apply(TriageAction.ARCHIVE, 2),
        runner.apply(TriageAction.NOTE, 1, 2),
    )
    undo_operation(EVERYTHING, shared.id, "known", AttentionThresholds(), by=ADA, now=runner.now)
    before = dump()

    for operation_id in (empty.id, foreign.id, shared.id, 10**6):
        with pytest.raises(OperationNotFound):
            undo_operation(
                Scope(frozenset([acme.id])), operation_id, "known", AttentionThresholds(), by=ADA, now=runner.now
            )

    assert dump() == before
