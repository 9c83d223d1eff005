"""Operations: every action and refusal, repeated requests, conflicting changes, and undo."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, event, select, update

from tests.factories import DAY, LONG_AGO, make_account, make_assistant, make_organization, make_voice, put_voices
from tests.factories import voice_row as a_voice
from tests.two_tenants import dump, rows_of
from voiceadmin.accounts.models import Account, Membership
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType, ObjectKind, ObjectRef, hash_selection
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.batches import BATCH_SIZE
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, ObjectNotFound, OperationNotFound, SelectionChanged
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role, Scope
from voiceadmin.operations.actions.execute import apply_action, apply_action_to_all, execute
from voiceadmin.operations.actions.recording import MAX_LISTED_SKIPPED
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.queries import get_last_operation_id, get_operation
from voiceadmin.operations.types import MAX_OBJECTS, UNDO_PERIOD, ActionRequest, OperationRow, SkipReason
from voiceadmin.organizations.models import Organization
from voiceadmin.sample.actions import add_sample
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import Fault
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

LIMITS = AttentionThresholds()
ADA = Actor(ActorKind.ACCOUNT, 7, "ada@example.com")
BOB = Actor(ActorKind.ACCOUNT, 8, "bob@example.com")
SHELL = Actor(ActorKind.CLI, None, "tester")
NOTHING_SEEN = 0
HUSHES = (TriageAction.ACKNOWLEDGE, TriageAction.SNOOZE)


@pytest.fixture
def acme(store: Flask) -> Organization:
    return make_organization("Acme")


@pytest.fixture
def clara(acme: Organization) -> Account:
    return make_account("clara@example.com", roles={acme: Role.OPERATOR})


def voices(*ids: int) -> tuple[ObjectRef, ...]:
    return tuple(ObjectRef(ObjectKind.VOICE, id) for id in ids)


class Runner:
    """Applies and undoes actions. Each request has a key of its own."""

    def __init__(self, now: datetime) -> None:
        self.now, self.number = now, 0

    def request(self, action: TriageAction, refs: Sequence[ObjectRef], **more: Any) -> ActionRequest:
        self.number += 1
        given: dict[str, Any] = {
            "key": f"key {self.number}",
            "last_seen_operation_id": get_last_operation_id(),
            "note": "unused" if action is TriageAction.ARCHIVE else "",
        }
        if action is TriageAction.NOTE:
            given["note"] = "Looked at it."
        return ActionRequest(action, tuple(refs), **(given | more))

    def apply(self, action: TriageAction, *ids: int, by: Actor = ADA, **more: Any) -> OperationRow:
        return apply_action(EVERYTHING, self.request(action, voices(*ids), **more), LIMITS, by=by, now=self.now)

    def undo(self, operation: OperationRow, by: Actor = ADA) -> OperationRow:
        self.number += 1
        return undo_operation(EVERYTHING, operation.id, f"key {self.number}", by=by, now=self.now)


@pytest.fixture
def runner(now: datetime) -> Runner:
    return Runner(now)


def voice(id: int) -> ClonedVoice:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(ClonedVoice, id)


def archiving(id: int) -> tuple[str, str | None, datetime | None, str | None, str | None]:
    """Status, upstream's, and when, by whom and why a voice was archived here."""
    found = voice(id)
    status = found.status.value, found.upstream_status, found.archived_at, found.archived_by, found.archive_note
    db.session.rollback()
    return status


def assignees() -> dict[int, int]:
    return {row["object_id"]: row["account_id"] for row in rows_of("assignment")}


def quiets() -> dict[int, dict[str, tuple[str, datetime | None]]]:
    found: dict[int, dict[str, tuple[str, datetime | None]]] = {}
    for row in rows_of("mute"):
        found.setdefault(row["object_id"], {})[row["reason"]] = row["kind"], row["until"]
    return found


def trail(operation: OperationRow) -> list[tuple[str, int, Any, Any, str]]:
    """The lines of a operation: word, thing, before, after and why."""
    return [
        (
            line["event_type"],
            line["object_id"],
            *(json.loads(line[name] or "null") for name in ("before", "after")),
            line["note"],
        )
        for line in rows_of("audit_event")
        if line["operation_id"] == operation.id
    ]


def skipped(operation: OperationRow) -> dict[int, SkipReason]:
    return {one.id: one.reason for one in operation.skipped}


def import_again(row: VoiceRow, now: datetime) -> None:
    """Upstream tells of a voice anew."""
    stream = io.BytesIO(json.dumps({"cloned_voices": [voice_to_json(row)]}).encode())
    faults: list[Fault] = []
    report = import_voices(stream, ImportTarget(31), by=SHELL, now=now, on_fault=faults.append)
    assert report.written


# The acts


@pytest.mark.parametrize("status", VoiceStatus)
def test_a_voice_of_any_status_is_archived_with_who_when_and_why_and_restored(
    acme: Organization, runner: Runner, now: datetime, status: VoiceStatus
) -> None:
    make_voice(acme, id=1, status=status, name="Anna")

    operation = runner.apply(TriageAction.ARCHIVE, 1)

    facts = {"at": now.isoformat(), "by": "ada@example.com", "note": "unused"}
    assert (operation.action, operation.object_count, operation.voice_count, set(operation.organizations)) == (
        TriageAction.ARCHIVE,
        1,
        1,
        {acme.id},
    )
    assert archiving(1) == ("archived", status.value, now, "ada@example.com", "unused")
    assert json.loads(voice(1).json_body)["status"] == "archived"
    assert trail(operation) == [("voice-archived", 1, {"archived": None}, {"archived": facts}, "unused")]

    back = runner.apply(TriageAction.RESTORE, 1, by=BOB)

    assert archiving(1) == (status.value, None, None, None, None)
    assert trail(back) == [("voice-restored", 1, {"archived": facts}, {"archived": None}, "")]


def test_what_is_archived_already_or_not_at_all_is_left_alone(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [a_voice(id=1), a_voice(id=2), a_voice(id=3, status=VoiceStatus.ARCHIVED)])
    runner.apply(TriageAction.ARCHIVE, 1)

    assert skipped(runner.apply(TriageAction.ARCHIVE, 1)) == {1: SkipReason.ALREADY_ARCHIVED}
    assert skipped(runner.apply(TriageAction.RESTORE, 2, 3)) == {
        2: SkipReason.NOT_ARCHIVED,
        3: SkipReason.ARCHIVED_UPSTREAM,
    }
    assert runner.apply(TriageAction.ARCHIVE, 3).object_count == 1
    assert archiving(3)[1] == "archived"


def test_a_voice_is_given_to_somebody_and_taken_again(acme: Organization, runner: Runner, clara: Account) -> None:
    dora = make_account("dora@example.com", platform=True)
    put_voices(acme, [a_voice(id=1), a_voice(id=2)])

    first = runner.apply(TriageAction.ASSIGN, 1, assignee_id=clara.id)
    second = runner.apply(TriageAction.ASSIGN, 1, 2, assignee_id=dora.id)
    again = runner.apply(TriageAction.ASSIGN, 1, 2, assignee_id=dora.id)
    nobody = runner.apply(TriageAction.ASSIGN, 1, assignee_id=None)
    nobody_again = runner.apply(TriageAction.ASSIGN, 1, assignee_id=None)

    of_clara, of_dora = ({"id": one.id, "email": one.email} for one in (clara, dora))
    assert trail(first) == [("assigned", 1, {"assignee": None}, {"assignee": of_clara}, "")]
    assert [line[2:4] for line in trail(second)] == [
        ({"assignee": of_clara}, {"assignee": of_dora}),
        ({"assignee": None}, {"assignee": of_dora}),
    ]
    assert skipped(again) == dict.fromkeys((1, 2), SkipReason.ALREADY_ASSIGNED)
    assert trail(nobody) == [("assigned", 1, {"assignee": of_dora}, {"assignee": None}, "")]
    assert skipped(nobody_again) == {1: SkipReason.ALREADY_UNASSIGNED}
    assert assignees() == {2: dora.id}


@pytest.mark.parametrize(
    ("action", "word"), [(TriageAction.ACKNOWLEDGE, "acknowledged"), (TriageAction.SNOOZE, "snoozed")]
)
def test_every_reason_that_there_is_falls_silent(
    acme: Organization, runner: Runner, now: datetime, action: TriageAction, word: str
) -> None:
    bad: dict[str, Any] = {"status": VoiceStatus.FAILED, "created_at": LONG_AGO}
    put_voices(acme, [a_voice(id=1, **bad), a_voice(id=2, created_at=now)])
    until = now + DAY if action is TriageAction.SNOOZE else None

    operation = runner.apply(action, 1, 2, until=until)

    assert quiets() == {1: {"failed": (action.value, until)}}
    assert skipped(operation) == {2: SkipReason.NOTHING_TO_MUTE}
    ((said, id, before, after, _),) = trail(operation)
    assert (said, id, before) == (word, 1, {"mute": {}})
    assert after["mute"]["failed"]["muted_by"] == "ada@example.com"
    assert after["mute"]["failed"]["until"] == (until and until.isoformat())


def test_a_snooze_comes_after_an_acknowledgement_and_takes_its_place(
    acme: Organization, runner: Runner, now: datetime
) -> None:
    make_voice(acme, id=1, status=VoiceStatus.FAILED)
    first = runner.apply(TriageAction.ACKNOWLEDGE, 1)
    second = runner.apply(TriageAction.SNOOZE, 1, until=now + DAY)

    assert quiets() == {1: {"failed": ("snooze", now + DAY)}}
    assert trail(second)[0][2] == trail(first)[0][3]


def test_a_note_changes_nothing_but_the_trail(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    make_assistant(acme, id=31)
    before = {name: rows for name, rows in dump().items() if name not in ("operation", "audit_event")}
    refs = [*voices(1), ObjectRef(ObjectKind.ASSISTANT, 31)]

    operation = apply_action(
        EVERYTHING, runner.request(TriageAction.NOTE, refs, note="Ask Bob."), LIMITS, by=ADA, now=runner.now
    )

    assert (operation.object_count, operation.voice_count) == (2, 1)
    assert trail(operation) == [("note-added", 1, None, None, "Ask Bob."), ("note-added", 31, None, None, "Ask Bob.")]
    assert {name: rows for name, rows in dump().items() if name not in ("operation", "audit_event")} == before


def test_an_assistant_is_given_and_hushed_too(acme: Organization, runner: Runner, clara: Account) -> None:
    make_assistant(acme, id=31, tts_provider="elevenlabs", tts_voice_id="pv1")
    make_voice(acme, id=1, provider_voice_id="pv1", status=VoiceStatus.FAILED)
    refs = [ObjectRef(ObjectKind.ASSISTANT, 31)]

    for request in (
        runner.request(TriageAction.ASSIGN, refs, assignee_id=clara.id),
        runner.request(TriageAction.ACKNOWLEDGE, refs),
    ):
        assert apply_action(EVERYTHING, request, LIMITS, by=ADA, now=runner.now).object_count == 1

    assert assignees() == {31: clara.id}
    assert set(quiets()) == {31}


def test_what_is_chosen_twice_is_done_once(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)

    assert len(trail(runner.apply(TriageAction.NOTE, 1, 1))) == 1


def test_more_than_one_statement_takes_is_done_whole(acme: Organization, runner: Runner) -> None:
    ids = range(1, 2 * BATCH_SIZE + 2)
    put_voices(acme, [a_voice(id=id) for id in ids])

    operation = runner.apply(TriageAction.ARCHIVE, *ids)
    again = runner.apply(TriageAction.ARCHIVE, *ids)
    back = runner.undo(operation)

    assert operation.object_count == back.object_count == len(ids)
    assert [line[1] for line in trail(operation)] == list(ids)
    assert (again.object_count, len(again.skipped), again.skipped_unlisted) == (
        0,
        MAX_LISTED_SKIPPED,
        len(ids) - MAX_LISTED_SKIPPED,
    )


# What is refused


REFUSED: dict[str, tuple[TriageAction, dict[str, Any], str]] = {
    "nothing": (TriageAction.ARCHIVE, {"refs": ()}, "Nothing is selected"),
    "too many": (TriageAction.ARCHIVE, {"refs": voices(*range(1, MAX_OBJECTS + 2))}, "20,001 are too many at once"),
    "an assistant archived": (TriageAction.ARCHIVE, {"refs": (ObjectRef(ObjectKind.ASSISTANT, 31),)}, "Only voices"),
    "an assistant restored": (TriageAction.RESTORE, {"refs": (ObjectRef(ObjectKind.ASSISTANT, 31),)}, "Only voices"),
    "an empty note": (TriageAction.NOTE, {"note": ""}, "The note is empty"),
    "a snooze that is over": (TriageAction.SNOOZE, {"until": LONG_AGO}, "in the past"),
    "an assignee who is nobody": (TriageAction.ASSIGN, {"assignee_id": 10**9}, "has no access"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused(acme: Organization, runner: Runner, name: str) -> None:
    action, more, problem = REFUSED[name]
    make_voice(acme, id=1)
    make_assistant(acme, id=31)
    before = dump()

    with pytest.raises(ChangeRefused, match=problem):
        apply_action(EVERYTHING, runner.request(action, **({"refs": voices(1)} | more)), LIMITS, by=ADA, now=runner.now)

    assert dump() == before


def test_a_snooze_may_not_end_now(acme: Organization, runner: Runner, now: datetime) -> None:
    make_voice(acme, id=1, status=VoiceStatus.FAILED)

    with pytest.raises(ChangeRefused):
        runner.apply(TriageAction.SNOOZE, 1, until=now)
    assert runner.apply(TriageAction.SNOOZE, 1, until=now + timedelta(microseconds=1)).object_count == 1


def test_an_owner_must_be_able_to_act_on_all_of_it(acme: Organization, runner: Runner) -> None:
    other = make_organization("Other")
    make_voice(acme, id=1)
    make_voice(other, id=2)
    both = make_account(roles={acme: Role.OPERATOR, other: Role.ADMIN})
    refused = {
        "elsewhere": make_account(roles={other: Role.OPERATOR}),
        "looks only": make_account(roles={acme: Role.VIEWER, other: Role.OPERATOR}),
        "half": make_account(roles={acme: Role.OPERATOR}),
        "disabled": make_account(roles={acme: Role.ADMIN, other: Role.ADMIN}, disabled_at=LONG_AGO),
        "disabled admin": make_account(platform=True, disabled_at=LONG_AGO),
    }

    for account in refused.values():
        with pytest.raises(ChangeRefused, match="no access"):
            runner.apply(TriageAction.ASSIGN, 1, 2, assignee_id=account.id)

    assert assignees() == {}
    assert runner.apply(TriageAction.ASSIGN, 1, 2, assignee_id=both.id).object_count == 2


@pytest.mark.parametrize("action", TriageAction)
def test_a_bulk_with_foreign_voices_changes_nothing_and_is_noted(
    acme: Organization, runner: Runner, clara: Account, action: TriageAction
) -> None:
    zebra = make_organization("Zebra")
    put_voices(acme, [a_voice(id=id, status=VoiceStatus.FAILED) for id in range(1, 98)])
    put_voices(zebra, [a_voice(id=id) for id in range(98, 101)])
    before = dump()
    request = runner.request(action, voices(*range(1, 101)), assignee_id=clara.id)

    with pytest.raises(ObjectNotFound, match="Nothing was changed"):
        apply_action(Scope(frozenset([acme.id])), request, LIMITS, by=ADA, now=runner.now)

    after = dump()
    (line,) = after.pop("audit_event")
    del before["audit_event"]
    assert after == before
    assert (line["event_type"], line["actor_name"], line["after"]) == ("operation-refused", ADA.name, '{"chosen": 100}')


def test_what_is_not_there_is_refused_like_what_is_foreign(acme: Organization, runner: Runner) -> None:
    zebra = make_organization("Zebra")
    make_voice(acme, id=1)
    make_voice(zebra, id=2)
    told = set()

    for ids in ((1, 2), (1, 3)):
        with pytest.raises(ObjectNotFound) as found:
            apply_action(
                Scope(frozenset([acme.id])),
                runner.request(TriageAction.ARCHIVE, voices(*ids)),
                LIMITS,
                by=ADA,
                now=runner.now,
            )
        told.add(str(found.value))

    assert len(told) == 1
    assert archiving(1)[0] == "ready"


# What comes twice


def test_the_same_order_sent_again_is_not_done_again(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [a_voice(id=1), a_voice(id=2)])
    request = runner.request(TriageAction.NOTE, voices(1, 2))

    first = apply_action(EVERYTHING, request, LIMITS, by=ADA, now=runner.now)
    again = apply_action(EVERYTHING, request, LIMITS, by=ADA, now=runner.now + DAY)
    turned = apply_action(
        EVERYTHING, runner.request(TriageAction.NOTE, voices(2, 1), key=request.key), LIMITS, by=ADA, now=runner.now
    )

    assert first == again == turned
    assert len(rows_of("audit_event")) == 2


def test_another_choice_on_the_same_page_is_another_order(acme: Organization, runner: Runner, clara: Account) -> None:
    """Whoever goes back to a page finds its form as it was, key and all."""
    put_voices(acme, [a_voice(id=1, status=VoiceStatus.FAILED), a_voice(id=2)])
    requests = [
        runner.request(TriageAction.NOTE, voices(1)),
        runner.request(TriageAction.NOTE, voices(2)),
        runner.request(TriageAction.NOTE, voices(1), note="Another."),
        runner.request(TriageAction.ARCHIVE, voices(2)),
        runner.request(TriageAction.ASSIGN, voices(1), assignee_id=clara.id),
        runner.request(TriageAction.ASSIGN, voices(1)),
        runner.request(TriageAction.SNOOZE, voices(1)),
        runner.request(TriageAction.SNOOZE, voices(1), until=runner.now + DAY),
    ]
    sent = [ActionRequest(one.action, one.refs, "key", 10**9, one.note, one.until, one.assignee_id) for one in requests]

    operations = [apply_action(EVERYTHING, request, LIMITS, by=ADA, now=runner.now) for request in sent]

    assert len({operation.id for operation in operations}) == len(requests)
    assert {operation.object_count for operation in operations} == {1}
    assert apply_action(EVERYTHING, sent[0], LIMITS, by=BOB, now=runner.now).id not in {
        operation.id for operation in operations
    }


def test_an_order_without_a_key_is_done_each_time(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)

    assert runner.apply(TriageAction.NOTE, 1, key="").id != runner.apply(TriageAction.NOTE, 1, key="").id


def test_two_who_send_the_same_at_once_do_it_once(store: Flask, acme: Organization, runner: Runner) -> None:
    put_voices(acme, [a_voice(id=id) for id in range(1, 101)])
    request = runner.request(TriageAction.ARCHIVE, voices(*range(1, 101)))
    db.session.rollback()

    def send(_: int) -> OperationRow:
        with store.app_context():
            return apply_action(EVERYTHING, request, LIMITS, by=ADA, now=runner.now)

    with ThreadPoolExecutor(4) as pool:
        operations = list(pool.map(send, range(4)))

    assert len({operation.id for operation in operations}) == 1
    assert {operation.object_count for operation in operations} == {100}
    assert len(rows_of("audit_event")) == 100
    assert len(rows_of("operation")) == 1


def test_an_undoing_sent_again_is_not_done_again(store: Flask, acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    operation = runner.apply(TriageAction.ARCHIVE, 1)
    db.session.rollback()

    def send(_: int) -> OperationRow:
        with store.app_context():
            return undo_operation(EVERYTHING, operation.id, "once", by=ADA, now=runner.now)

    with ThreadPoolExecutor(2) as pool:
        operations = list(pool.map(send, range(2)))

    assert operations[0] == operations[1] == send(0)
    assert archiving(1)[0] == "ready"
    assert len(rows_of("audit_event")) == 2


# What others changed meanwhile


def test_what_somebody_else_did_since_is_left_alone_and_both_are_told(
    acme: Organization, runner: Runner, now: datetime, clara: Account
) -> None:
    dora = make_account("dora@example.com", platform=True)
    put_voices(acme, [a_voice(id=id, status=VoiceStatus.FAILED) for id in range(1, 8)])
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

    told = [
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
    assert {operation.object_count for operation in told} == {0}
    assert {operation.skipped[0].reason for operation in told} == {SkipReason.CHANGED_MEANWHILE}
    assert {operation.skipped[0].detail for operation in told} == {who}
    assert assignees() == {2: clara.id}
    assert [archiving(id)[0] for id in (1, 4)] == ["archived", "failed"]


def test_only_what_others_changed_is_left_alone(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [a_voice(id=1), a_voice(id=2)])
    seen = get_last_operation_id()
    runner.apply(TriageAction.ARCHIVE, 1, by=BOB)

    operation = runner.apply(TriageAction.ARCHIVE, 1, 2, last_seen_operation_id=seen)

    assert (operation.object_count, set(skipped(operation))) == (1, {1})


def test_what_one_did_oneself_does_not_stand_in_the_way(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    seen = get_last_operation_id()
    runner.apply(TriageAction.ARCHIVE, 1)

    assert runner.apply(TriageAction.RESTORE, 1, last_seen_operation_id=seen).object_count == 1


def test_what_others_did_to_something_else_of_it_does_not_stand_in_the_way(
    acme: Organization, runner: Runner, clara: Account
) -> None:
    make_voice(acme, id=1)
    seen = get_last_operation_id()
    runner.apply(TriageAction.ASSIGN, 1, assignee_id=clara.id, by=BOB)
    runner.apply(TriageAction.NOTE, 1, by=BOB)

    assert runner.apply(TriageAction.ARCHIVE, 1, last_seen_operation_id=seen).object_count == 1
    assert runner.apply(TriageAction.NOTE, 1, last_seen_operation_id=seen).object_count == 1


# All that match


def test_all_that_match_are_changed_if_they_are_what_they_were(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [a_voice(id=1), a_voice(id=2)])
    request, found = runner.request(TriageAction.ARCHIVE, ()), [*voices(2, 1)]

    operation = apply_action_to_all(
        EVERYTHING, request, lambda: found, hash_selection(voices(1, 2)), LIMITS, by=ADA, now=runner.now
    )
    again = apply_action_to_all(EVERYTHING, request, list, hash_selection(voices(1, 2)), LIMITS, by=ADA, now=runner.now)

    assert operation == again
    assert operation.object_count == 2


@pytest.mark.parametrize("now_found", [(1,), (1, 2, 3), (1, 3), ()], ids=str)
def test_when_what_matches_has_changed_nothing_is_done(
    acme: Organization, runner: Runner, now_found: tuple[int, ...]
) -> None:
    put_voices(acme, [a_voice(id=id) for id in (1, 2, 3)])
    before, mark = dump(), hash_selection(voices(1, 2))

    for wanted in (mark, "no such mark", ""):
        with pytest.raises(SelectionChanged, match="Nothing was changed"):
            apply_action_to_all(
                *(EVERYTHING, runner.request(TriageAction.ARCHIVE, ()), lambda: voices(*now_found), wanted, LIMITS),
                by=ADA,
                now=runner.now,
            )

    assert dump() == before


# The way back


def everything_but_the_trail() -> dict[str, Any]:
    found = dump()
    for name in ("operation", "audit_event"):
        del found[name]
    for organization in found["organization"]:
        del organization["revision"]
    return found


def acts(clara: Account, now: datetime) -> dict[TriageAction, dict[str, Any]]:
    return {action: {} for action in TriageAction} | {
        TriageAction.ASSIGN: {"assignee_id": clara.id},
        TriageAction.SNOOZE: {"until": now + DAY},
    }


@pytest.mark.parametrize("action", TriageAction)
def test_every_act_is_undone_and_the_undoing_too(
    acme: Organization, runner: Runner, now: datetime, clara: Account, action: TriageAction
) -> None:
    put_voices(acme, [a_voice(id=id, status=VoiceStatus.FAILED) for id in (1, 2)])
    if action is TriageAction.RESTORE:
        runner.apply(TriageAction.ARCHIVE, 1, 2)
    before = everything_but_the_trail()
    operation = runner.apply(action, 1, 2, **acts(clara, now)[action])
    after = everything_but_the_trail()
    assert (before == after) is (action is TriageAction.NOTE)

    back = runner.undo(operation, by=BOB)
    assert (back.object_count, back.undoes, back.action, list(back.skipped)) == (2, operation.id, action, [])
    assert get_operation(EVERYTHING, operation.id).undone_by == back.id
    assert everything_but_the_trail() == before
    forth = runner.undo(back)
    assert everything_but_the_trail() == after
    assert [line[0:4] for line in trail(forth)] == [line[0:4] for line in trail(operation)]
    runner.undo(forth)
    assert everything_but_the_trail() == before


def test_a_note_that_comes_back_has_its_text_again(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    operation = runner.apply(TriageAction.NOTE, 1, note="Ask Bob.")

    back = runner.undo(operation)
    forth = runner.undo(back)

    assert trail(back) == [("note-removed", 1, {"note": "Ask Bob."}, None, "undone")]
    assert trail(forth) == [("note-added", 1, None, None, "Ask Bob.")]


def test_undoing_brings_back_what_was_there_before(
    acme: Organization, runner: Runner, now: datetime, clara: Account
) -> None:
    dora = make_account("dora@example.com", platform=True)
    make_voice(acme, id=1, status=VoiceStatus.FAILED)
    runner.apply(TriageAction.ASSIGN, 1, assignee_id=clara.id)
    runner.apply(TriageAction.ACKNOWLEDGE, 1)
    given = runner.apply(TriageAction.ASSIGN, 1, assignee_id=dora.id)
    snoozed = runner.apply(TriageAction.SNOOZE, 1, until=now + DAY)

    assert [line[0] for line in trail(runner.undo(given))] == ["assigned"]
    assert [line[0] for line in trail(runner.undo(snoozed))] == ["acknowledged"]
    assert assignees() == {1: clara.id}
    assert quiets() == {1: {"failed": ("acknowledge", None)}}


def test_undoing_restores_what_nobody_changed_since_and_names_the_rest(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [a_voice(id=id, name=f"Voice {id}") for id in range(1, 6)])
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
    assert [archiving(id)[0] for id in range(1, 5)] == ["ready", "ready", "archived", "ready"]
    assert archiving(3)[4] == "by Bob"
    assert [line[1] for line in trail(back)] == [1, 4]


def test_an_operation_is_not_marked_as_undone_when_nothing_could_be_undone(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    operation = runner.apply(TriageAction.ARCHIVE, 1)
    runner.apply(TriageAction.RESTORE, 1, by=BOB)

    undo = runner.undo(operation)

    assert (undo.object_count, undo.undoes, skipped(undo)) == (0, operation.id, {1: SkipReason.CHANGED_SINCE})
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
    assert assignees() == {1: clara.id}
    assert get_operation(EVERYTHING, operation.id).undone_by == undo.id


def set_disabled_at(account: Account, disabled_at: datetime | None) -> None:
    with write_transaction():
        db.session.execute(update(Account).where(Account.id == account.id).values(disabled_at=disabled_at))


def test_a_voice_that_was_removed_and_came_anew_is_left_alone(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    operation = runner.apply(TriageAction.ARCHIVE, 1)
    with write_transaction():
        db.session.execute(delete(ClonedVoice))
    make_voice(acme, id=1)

    assert skipped(runner.undo(operation)) == {1: SkipReason.STATE_DIFFERS}
    assert archiving(1) == ("ready", None, None, None, None)


@pytest.mark.parametrize("how", ["disabled", "gone", "looks only"])
def test_nothing_goes_back_to_somebody_who_cannot_act_any_more(
    acme: Organization, runner: Runner, clara: Account, how: str
) -> None:
    make_voice(acme, id=1)
    runner.apply(TriageAction.ASSIGN, 1, assignee_id=clara.id)
    operation = runner.apply(TriageAction.ASSIGN, 1)
    with write_transaction():
        if how == "disabled":
            db.session.execute(update(Account).where(Account.id == clara.id).values(disabled_at=runner.now))
        elif how == "gone":
            db.session.execute(delete(Membership))
        else:
            db.session.execute(update(Membership).values(role=int(Role.VIEWER)))

    assert skipped(runner.undo(operation)) == {1: SkipReason.ASSIGNEE_LOST_ACCESS}
    assert assignees() == {}


def test_a_deed_is_undone_for_thirty_days_to_the_moment(acme: Organization, runner: Runner, now: datetime) -> None:
    make_voice(acme, id=1)
    operation = runner.apply(TriageAction.ARCHIVE, 1)

    with pytest.raises(ChangeRefused, match="older than 30 days"):
        undo_operation(EVERYTHING, operation.id, "late", by=ADA, now=now + UNDO_PERIOD + timedelta(microseconds=1))
    assert undo_operation(EVERYTHING, operation.id, "just", by=ADA, now=now + UNDO_PERIOD).object_count == 1


def test_a_deed_is_undone_once(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    operation = runner.apply(TriageAction.ARCHIVE, 1)
    runner.undo(operation)

    with pytest.raises(ChangeRefused, match="undone already"):
        runner.undo(operation)


def test_what_did_nothing_or_was_done_elsewhere_is_not_found(acme: Organization, runner: Runner) -> None:
    zebra = make_organization("Zebra")
    make_voice(acme, id=1)
    make_voice(zebra, id=2)
    nothing, theirs, both = (
        runner.apply(TriageAction.RESTORE, 1),
        runner.apply(TriageAction.ARCHIVE, 2),
        runner.apply(TriageAction.NOTE, 1, 2),
    )
    undo_operation(EVERYTHING, both.id, "known", by=ADA, now=runner.now)
    before = dump()

    for number in (nothing.id, theirs.id, both.id, 10**6):
        with pytest.raises(OperationNotFound):
            undo_operation(Scope(frozenset([acme.id])), number, "known", by=ADA, now=runner.now)

    assert dump() == before


# Upstream's word and ours


@pytest.mark.parametrize("many", [1, 1000], ids=["in bulk", "one by one"])
@pytest.mark.parametrize("how", ["restored", "undone"])
def test_restoring_brings_what_upstream_says_by_now(
    acme: Organization, runner: Runner, now: datetime, monkeypatch: pytest.MonkeyPatch, how: str, many: int
) -> None:
    monkeypatch.setattr("voiceadmin.voices.importing.bulk_load.MIN_BULK_VOICES", many)
    make_assistant(acme, id=31)
    row = make_voice(acme, id=1, status=VoiceStatus.PROCESSING)
    operation = runner.apply(TriageAction.ARCHIVE, 1)

    import_again(row._replace(status=VoiceStatus.FAILED, name="Another"), now + DAY)

    assert archiving(1) == ("archived", "failed", now, "ada@example.com", "unused")
    back = runner.apply(TriageAction.RESTORE, 1) if how == "restored" else runner.undo(operation)
    assert back.object_count == 1
    assert archiving(1) == ("failed", None, None, None, None)
    assert voice(1).recorded_status_changed_at == now + DAY
    assert voice(1).name == "Another"


def test_an_import_that_says_the_same_leaves_the_archived_alone(
    acme: Organization, runner: Runner, now: datetime
) -> None:
    make_assistant(acme, id=31)
    row = make_voice(acme, id=1)
    runner.apply(TriageAction.ARCHIVE, 1)

    import_again(row, now + DAY)

    assert archiving(1)[:2] == ("archived", "ready")
    assert voice(1).recorded_status_changed_at is None
    words = [line["event_type"] for line in rows_of("audit_event")]
    assert words == [AuditEventType.VOICE_ARCHIVED.value, AuditEventType.VOICES_IMPORTED.value]


def test_upstream_may_archive_and_unarchive_what_is_archived_here(
    acme: Organization, runner: Runner, now: datetime
) -> None:
    make_assistant(acme, id=31)
    row = make_voice(acme, id=1)
    runner.apply(TriageAction.ARCHIVE, 1)
    for status in (VoiceStatus.ARCHIVED, VoiceStatus.READY, VoiceStatus.ARCHIVED):
        import_again(row._replace(status=status), now + DAY)
        assert archiving(1)[:2] == ("archived", status.value)

    runner.apply(TriageAction.RESTORE, 1)

    assert archiving(1) == ("archived", None, None, None, None)


def test_filling_the_sample_again_leaves_archived_what_was_archived_here(runner: Runner, store: Flask) -> None:
    add_sample(runner.now, by=SHELL, now=runner.now)
    runner.apply(TriageAction.ARCHIVE, *db.session.scalars(select(ClonedVoice.id)))

    assert add_sample(runner.now + 40 * DAY, by=SHELL, now=runner.now).voices.changed > 0

    assert {row["status"].value for row in rows_of("cloned_voice") if row["archived_at"]} == {"archived"}
    assert add_sample(runner.now + 40 * DAY, by=SHELL, now=runner.now).voices.changed == 0


# What it costs


def test_a_deed_asks_as_often_for_one_as_for_hundreds(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [a_voice(id=id) for id in range(1, BATCH_SIZE + 1)])
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    def count(ids: range) -> int:
        asked.clear()
        runner.undo(runner.apply(TriageAction.ARCHIVE, *ids))
        return sum("INSERT INTO audit_event" not in statement for statement in asked)

    assert count(range(1, 2)) == count(range(1, BATCH_SIZE + 1))


def test_a_part_of_something_larger_is_taken_back_with_it(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    before = dump()

    def larger() -> None:
        with write_transaction():
            execute(EVERYTHING, runner.request(TriageAction.ARCHIVE, voices(1)), LIMITS, by=ADA, now=runner.now)
            raise KeyError

    with pytest.raises(KeyError):
        larger()

    assert dump() == before


def test_every_line_of_a_deed_is_about_another_thing(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [a_voice(id=id) for id in range(1, 51)])

    operation = runner.apply(TriageAction.ARCHIVE, *range(1, 51))

    found = db.session.scalars(select(AuditEvent.object_id).where(AuditEvent.operation_id == operation.id)).all()
    assert sorted(id or 0 for id in found) == list(range(1, 51))
