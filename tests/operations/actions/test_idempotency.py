"""Repeated and concurrent requests with the same idempotency key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from tests.factories import DAY, make_voice, put_voices, voice_row
from tests.operations.actions.scenario import ADA, BOB, THRESHOLDS, Runner, read_archiving, voice_refs
from tests.two_tenants import rows_of
from voiceadmin.accounts.models import Account
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.types import ActionRequest, OperationRow
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.status import VoiceStatus


def test_a_repeated_request_is_not_applied_again(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [voice_row(id=1), voice_row(id=2)])
    request = runner.request(TriageAction.NOTE, voice_refs(1, 2))

    first = apply_action(EVERYTHING, request, THRESHOLDS, by=ADA, now=runner.now)
    again = apply_action(EVERYTHING, request, THRESHOLDS, by=ADA, now=runner.now + DAY)
    reordered = apply_action(
        EVERYTHING,
        runner.request(TriageAction.NOTE, voice_refs(2, 1), key=request.key),
        THRESHOLDS,
        by=ADA,
        now=runner.now,
    )

    assert first == again == reordered
    assert len(rows_of("audit_event")) == 2


def test_a_different_request_with_the_same_key_is_applied(acme: Organization, runner: Runner, clara: Account) -> None:
    """Going back in the browser shows the same form with the same key."""
    put_voices(acme, [voice_row(id=1, status=VoiceStatus.FAILED), voice_row(id=2)])
    requests = [
        runner.request(TriageAction.NOTE, voice_refs(1)),
        runner.request(TriageAction.NOTE, voice_refs(2)),
        runner.request(TriageAction.NOTE, voice_refs(1), note="Another."),
        runner.request(TriageAction.ARCHIVE, voice_refs(2)),
        runner.request(TriageAction.ASSIGN, voice_refs(1), assignee_id=clara.id),
        runner.request(TriageAction.ASSIGN, voice_refs(1)),
        runner.request(TriageAction.SNOOZE, voice_refs(1)),
        runner.request(TriageAction.SNOOZE, voice_refs(1), until=runner.now + DAY),
    ]
    sent = [ActionRequest(one.action, one.refs, "key", 10**9, one.note, one.until, one.assignee_id) for one in requests]

    operations = [apply_action(EVERYTHING, request, THRESHOLDS, by=ADA, now=runner.now) for request in sent]

    assert len({operation.id for operation in operations}) == len(requests)
    assert {operation.object_count for operation in operations} == {1}
    assert apply_action(EVERYTHING, sent[0], THRESHOLDS, by=BOB, now=runner.now).id not in {
        operation.id for operation in operations
    }


def test_a_request_without_a_key_is_applied_each_time(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)

    assert runner.apply(TriageAction.NOTE, 1, key="").id != runner.apply(TriageAction.NOTE, 1, key="").id


def test_concurrent_identical_requests_are_applied_once(app: Flask, acme: Organization, runner: Runner) -> None:
    put_voices(acme, [voice_row(id=id) for id in range(1, 101)])
    request = runner.request(TriageAction.ARCHIVE, voice_refs(*range(1, 101)))
    db.session.rollback()

    def send(_: int) -> OperationRow:
        with app.app_context():
            return apply_action(EVERYTHING, request, THRESHOLDS, by=ADA, now=runner.now)

    with ThreadPoolExecutor(4) as pool:
        operations = list(pool.map(send, range(4)))

    assert len({operation.id for operation in operations}) == 1
    assert {operation.object_count for operation in operations} == {100}
    assert len(rows_of("audit_event")) == 100
    assert len(rows_of("operation")) == 1


def test_a_repeated_undo_is_not_applied_again(app: Flask, acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    operation = runner.apply(TriageAction.ARCHIVE, 1)
    db.session.rollback()

    def send(_: int) -> OperationRow:
        with app.app_context():
            return undo_operation(EVERYTHING, operation.id, "once", AttentionThresholds(), by=ADA, now=runner.now)

    with ThreadPoolExecutor(2) as pool:
        operations = list(pool.map(send, range(2)))

    assert operations[0] == operations[1] == send(0)
    assert read_archiving(1)[0] == "ready"
    assert len(rows_of("audit_event")) == 2
