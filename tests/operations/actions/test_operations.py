"""What is done at the desk: every act, every refusal, what comes twice, what others changed meanwhile, the way back."""

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
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, ObjectNotFound, OperationNotFound, SelectionChanged
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Role, Scope
from voiceadmin.operations.actions.operations import CHUNK, MAX_LISTED_SKIPPED, carry_out, do, do_to_all, undo
from voiceadmin.operations.queries import get_last_operation_id, get_operation
from voiceadmin.operations.types import MOST_AT_ONCE, UNDONE_FOR, OperationRow, Order
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


class Desk:
    """Does what a test spells out, each order under a key of its own."""

    def __init__(self, now: datetime) -> None:
        self.now, self.number = now, 0

    def order(self, action: TriageAction, refs: Sequence[ObjectRef], **more: Any) -> Order:
        self.number += 1
        given: dict[str, Any] = {
            "key": f"key {self.number}",
            "seen": get_last_operation_id(),
            "note": "unused" if action is TriageAction.ARCHIVE else "",
        }
        if action is TriageAction.NOTE:
            given["note"] = "Looked at it."
        return Order(action, tuple(refs), **(given | more))

    def do(self, action: TriageAction, *ids: int, by: Actor = ADA, **more: Any) -> OperationRow:
        return do(EVERYTHING, self.order(action, voices(*ids), **more), LIMITS, by=by, now=self.now)

    def undo(self, operation: OperationRow, by: Actor = ADA) -> OperationRow:
        self.number += 1
        return undo(EVERYTHING, operation.id, f"key {self.number}", by=by, now=self.now)


@pytest.fixture
def desk(now: datetime) -> Desk:
    return Desk(now)


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
        found.setdefault(row["object_id"], {})[row["reason"]] = row["action"], row["until"]
    return found


def trail(operation: OperationRow) -> list[tuple[str, int, Any, Any, str]]:
    """The lines of a operation: word, thing, before, after and why."""
    return [
        (
            line["word"],
            line["object_id"],
            *(json.loads(line[name] or "null") for name in ("before", "after")),
            line["note"],
        )
        for line in rows_of("audit_event")
        if line["operation_id"] == operation.id
    ]


def left(operation: OperationRow) -> dict[int, str]:
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
    acme: Organization, desk: Desk, now: datetime, status: VoiceStatus
) -> None:
    make_voice(acme, id=1, status=status, name="Anna")

    operation = desk.do(TriageAction.ARCHIVE, 1)

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

    back = desk.do(TriageAction.RESTORE, 1, by=BOB)

    assert archiving(1) == (status.value, None, None, None, None)
    assert trail(back) == [("voice-restored", 1, {"archived": facts}, {"archived": None}, "")]


def test_what_is_archived_already_or_not_at_all_is_left_alone(acme: Organization, desk: Desk) -> None:
    put_voices(acme, [a_voice(id=1), a_voice(id=2), a_voice(id=3, status=VoiceStatus.ARCHIVED)])
    desk.do(TriageAction.ARCHIVE, 1)

    assert left(desk.do(TriageAction.ARCHIVE, 1)) == {1: "it is archived already"}
    assert left(desk.do(TriageAction.RESTORE, 2, 3)) == {
        2: "it is not archived",
        3: "it is archived upstream, not here",
    }
    assert desk.do(TriageAction.ARCHIVE, 3).object_count == 1
    assert archiving(3)[1] == "archived"


def test_a_voice_is_given_to_somebody_and_taken_again(acme: Organization, desk: Desk, clara: Account) -> None:
    dora = make_account("dora@example.com", platform=True)
    put_voices(acme, [a_voice(id=1), a_voice(id=2)])

    first = desk.do(TriageAction.ASSIGN, 1, assignee=clara.id)
    second = desk.do(TriageAction.ASSIGN, 1, 2, assignee=dora.id)
    again = desk.do(TriageAction.ASSIGN, 1, 2, assignee=dora.id)
    nobody = desk.do(TriageAction.ASSIGN, 1, assignee=None)
    nobody_again = desk.do(TriageAction.ASSIGN, 1, assignee=None)

    of_clara, of_dora = ({"id": one.id, "email": one.email} for one in (clara, dora))
    assert trail(first) == [("assigned", 1, {"assignee": None}, {"assignee": of_clara}, "")]
    assert [line[2:4] for line in trail(second)] == [
        ({"assignee": of_clara}, {"assignee": of_dora}),
        ({"assignee": None}, {"assignee": of_dora}),
    ]
    assert left(again) == dict.fromkeys((1, 2), "it is theirs already")
    assert trail(nobody) == [("assigned", 1, {"assignee": of_dora}, {"assignee": None}, "")]
    assert left(nobody_again) == {1: "nobody has it"}
    assert assignees() == {2: dora.id}


@pytest.mark.parametrize(
    ("action", "word"), [(TriageAction.ACKNOWLEDGE, "acknowledged"), (TriageAction.SNOOZE, "snoozed")]
)
def test_every_reason_that_there_is_falls_silent(
    acme: Organization, desk: Desk, now: datetime, action: TriageAction, word: str
) -> None:
    bad: dict[str, Any] = {"status": VoiceStatus.FAILED, "created_at": LONG_AGO}
    put_voices(acme, [a_voice(id=1, **bad), a_voice(id=2, created_at=now)])
    until = now + DAY if action is TriageAction.SNOOZE else None

    operation = desk.do(action, 1, 2, until=until)

    assert quiets() == {1: {"failed": (action.value, until)}}
    assert left(operation) == {2: "nothing is wrong with it any more"}
    ((said, id, before, after, _),) = trail(operation)
    assert (said, id, before) == (word, 1, {"mute": {}})
    assert after["mute"]["failed"]["muted_by"] == "ada@example.com"
    assert after["mute"]["failed"]["until"] == (until and until.isoformat())


def test_a_snooze_comes_after_an_acknowledgement_and_takes_its_place(
    acme: Organization, desk: Desk, now: datetime
) -> None:
    make_voice(acme, id=1, status=VoiceStatus.FAILED)
    first = desk.do(TriageAction.ACKNOWLEDGE, 1)
    second = desk.do(TriageAction.SNOOZE, 1, until=now + DAY)

    assert quiets() == {1: {"failed": ("snooze", now + DAY)}}
    assert trail(second)[0][2] == trail(first)[0][3]


def test_a_note_changes_nothing_but_the_trail(acme: Organization, desk: Desk) -> None:
    make_voice(acme, id=1)
    make_assistant(acme, id=31)
    before = {name: rows for name, rows in dump().items() if name not in ("operation", "audit_event")}
    refs = [*voices(1), ObjectRef(ObjectKind.ASSISTANT, 31)]

    operation = do(EVERYTHING, desk.order(TriageAction.NOTE, refs, note="Ask Bob."), LIMITS, by=ADA, now=desk.now)

    assert (operation.object_count, operation.voice_count) == (2, 1)
    assert trail(operation) == [("note-added", 1, None, None, "Ask Bob."), ("note-added", 31, None, None, "Ask Bob.")]
    assert {name: rows for name, rows in dump().items() if name not in ("operation", "audit_event")} == before


def test_an_assistant_is_given_and_hushed_too(acme: Organization, desk: Desk, clara: Account) -> None:
    make_assistant(acme, id=31, tts_provider="elevenlabs", tts_voice_id="pv1")
    make_voice(acme, id=1, provider_voice_id="pv1", status=VoiceStatus.FAILED)
    refs = [ObjectRef(ObjectKind.ASSISTANT, 31)]

    for order in (desk.order(TriageAction.ASSIGN, refs, assignee=clara.id), desk.order(TriageAction.ACKNOWLEDGE, refs)):
        assert do(EVERYTHING, order, LIMITS, by=ADA, now=desk.now).object_count == 1

    assert assignees() == {31: clara.id}
    assert set(quiets()) == {31}


def test_what_is_chosen_twice_is_done_once(acme: Organization, desk: Desk) -> None:
    make_voice(acme, id=1)

    assert len(trail(desk.do(TriageAction.NOTE, 1, 1))) == 1


def test_more_than_one_statement_takes_is_done_whole(acme: Organization, desk: Desk) -> None:
    ids = range(1, 2 * CHUNK + 2)
    put_voices(acme, [a_voice(id=id) for id in ids])

    operation = desk.do(TriageAction.ARCHIVE, *ids)
    again = desk.do(TriageAction.ARCHIVE, *ids)
    back = desk.undo(operation)

    assert operation.object_count == back.object_count == len(ids)
    assert [line[1] for line in trail(operation)] == list(ids)
    assert (again.object_count, len(again.skipped), again.skipped_unlisted) == (
        0,
        MAX_LISTED_SKIPPED,
        len(ids) - MAX_LISTED_SKIPPED,
    )


# What is refused


REFUSED: dict[str, tuple[TriageAction, dict[str, Any], str]] = {
    "nothing": (TriageAction.ARCHIVE, {"refs": ()}, "Nothing was chosen"),
    "too many": (TriageAction.ARCHIVE, {"refs": voices(*range(1, MOST_AT_ONCE + 2))}, "20,001 are too many at once"),
    "an assistant archived": (TriageAction.ARCHIVE, {"refs": (ObjectRef(ObjectKind.ASSISTANT, 31),)}, "Only voices"),
    "an assistant restored": (TriageAction.RESTORE, {"refs": (ObjectRef(ObjectKind.ASSISTANT, 31),)}, "Only voices"),
    "an empty note": (TriageAction.NOTE, {"note": ""}, "The note is empty"),
    "a snooze that is over": (TriageAction.SNOOZE, {"until": LONG_AGO}, "would be over already"),
    "an assignee who is nobody": (TriageAction.ASSIGN, {"assignee": 10**9}, "cannot act in the organization"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused(acme: Organization, desk: Desk, name: str) -> None:
    action, more, problem = REFUSED[name]
    make_voice(acme, id=1)
    make_assistant(acme, id=31)
    before = dump()

    with pytest.raises(ChangeRefused, match=problem):
        do(EVERYTHING, desk.order(action, **({"refs": voices(1)} | more)), LIMITS, by=ADA, now=desk.now)

    assert dump() == before


def test_a_snooze_may_not_end_now(acme: Organization, desk: Desk, now: datetime) -> None:
    make_voice(acme, id=1, status=VoiceStatus.FAILED)

    with pytest.raises(ChangeRefused):
        desk.do(TriageAction.SNOOZE, 1, until=now)
    assert desk.do(TriageAction.SNOOZE, 1, until=now + timedelta(microseconds=1)).object_count == 1


def test_an_owner_must_be_able_to_act_on_all_of_it(acme: Organization, desk: Desk) -> None:
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
        with pytest.raises(ChangeRefused, match="cannot act"):
            desk.do(TriageAction.ASSIGN, 1, 2, assignee=account.id)

    assert assignees() == {}
    assert desk.do(TriageAction.ASSIGN, 1, 2, assignee=both.id).object_count == 2


@pytest.mark.parametrize("action", TriageAction)
def test_a_bulk_with_foreign_voices_changes_nothing_and_is_noted(
    acme: Organization, desk: Desk, clara: Account, action: TriageAction
) -> None:
    zebra = make_organization("Zebra")
    put_voices(acme, [a_voice(id=id, status=VoiceStatus.FAILED) for id in range(1, 98)])
    put_voices(zebra, [a_voice(id=id) for id in range(98, 101)])
    before = dump()
    order = desk.order(action, voices(*range(1, 101)), assignee=clara.id)

    with pytest.raises(ObjectNotFound, match="Nothing was changed"):
        do(Scope(frozenset([acme.id])), order, LIMITS, by=ADA, now=desk.now)

    after = dump()
    (line,) = after.pop("audit_event")
    del before["audit_event"]
    assert after == before
    assert (line["word"], line["actor_name"], line["after"]) == ("operation-refused", ADA.name, '{"chosen": 100}')


def test_what_is_not_there_is_refused_like_what_is_foreign(acme: Organization, desk: Desk) -> None:
    zebra = make_organization("Zebra")
    make_voice(acme, id=1)
    make_voice(zebra, id=2)
    told = set()

    for ids in ((1, 2), (1, 3)):
        with pytest.raises(ObjectNotFound) as found:
            do(
                Scope(frozenset([acme.id])),
                desk.order(TriageAction.ARCHIVE, voices(*ids)),
                LIMITS,
                by=ADA,
                now=desk.now,
            )
        told.add(str(found.value))

    assert len(told) == 1
    assert archiving(1)[0] == "ready"


# What comes twice


def test_the_same_order_sent_again_is_not_done_again(acme: Organization, desk: Desk) -> None:
    put_voices(acme, [a_voice(id=1), a_voice(id=2)])
    order = desk.order(TriageAction.NOTE, voices(1, 2))

    first = do(EVERYTHING, order, LIMITS, by=ADA, now=desk.now)
    again = do(EVERYTHING, order, LIMITS, by=ADA, now=desk.now + DAY)
    turned = do(EVERYTHING, desk.order(TriageAction.NOTE, voices(2, 1), key=order.key), LIMITS, by=ADA, now=desk.now)

    assert first == again == turned
    assert len(rows_of("audit_event")) == 2


def test_another_choice_on_the_same_page_is_another_order(acme: Organization, desk: Desk, clara: Account) -> None:
    """Whoever goes back to a page finds its form as it was, key and all."""
    put_voices(acme, [a_voice(id=1, status=VoiceStatus.FAILED), a_voice(id=2)])
    orders = [
        desk.order(TriageAction.NOTE, voices(1)),
        desk.order(TriageAction.NOTE, voices(2)),
        desk.order(TriageAction.NOTE, voices(1), note="Another."),
        desk.order(TriageAction.ARCHIVE, voices(2)),
        desk.order(TriageAction.ASSIGN, voices(1), assignee=clara.id),
        desk.order(TriageAction.ASSIGN, voices(1)),
        desk.order(TriageAction.SNOOZE, voices(1)),
        desk.order(TriageAction.SNOOZE, voices(1), until=desk.now + DAY),
    ]
    sent = [Order(one.action, one.refs, "key", 10**9, one.note, one.until, one.assignee) for one in orders]

    operations = [do(EVERYTHING, order, LIMITS, by=ADA, now=desk.now) for order in sent]

    assert len({operation.id for operation in operations}) == len(orders)
    assert {operation.object_count for operation in operations} == {1}
    assert do(EVERYTHING, sent[0], LIMITS, by=BOB, now=desk.now).id not in {operation.id for operation in operations}


def test_an_order_without_a_key_is_done_each_time(acme: Organization, desk: Desk) -> None:
    make_voice(acme, id=1)

    assert desk.do(TriageAction.NOTE, 1, key="").id != desk.do(TriageAction.NOTE, 1, key="").id


def test_two_who_send_the_same_at_once_do_it_once(store: Flask, acme: Organization, desk: Desk) -> None:
    put_voices(acme, [a_voice(id=id) for id in range(1, 101)])
    order = desk.order(TriageAction.ARCHIVE, voices(*range(1, 101)))
    db.session.rollback()

    def send(_: int) -> OperationRow:
        with store.app_context():
            return do(EVERYTHING, order, LIMITS, by=ADA, now=desk.now)

    with ThreadPoolExecutor(4) as pool:
        operations = list(pool.map(send, range(4)))

    assert len({operation.id for operation in operations}) == 1
    assert {operation.object_count for operation in operations} == {100}
    assert len(rows_of("audit_event")) == 100
    assert len(rows_of("operation")) == 1


def test_an_undoing_sent_again_is_not_done_again(store: Flask, acme: Organization, desk: Desk) -> None:
    make_voice(acme, id=1)
    operation = desk.do(TriageAction.ARCHIVE, 1)
    db.session.rollback()

    def send(_: int) -> OperationRow:
        with store.app_context():
            return undo(EVERYTHING, operation.id, "once", by=ADA, now=desk.now)

    with ThreadPoolExecutor(2) as pool:
        operations = list(pool.map(send, range(2)))

    assert operations[0] == operations[1] == send(0)
    assert archiving(1)[0] == "ready"
    assert len(rows_of("audit_event")) == 2


# What others changed meanwhile


def test_what_somebody_else_did_since_is_left_alone_and_both_are_told(
    acme: Organization, desk: Desk, now: datetime, clara: Account
) -> None:
    dora = make_account("dora@example.com", platform=True)
    put_voices(acme, [a_voice(id=id, status=VoiceStatus.FAILED) for id in range(1, 8)])
    desk.do(TriageAction.ASSIGN, 3, assignee=dora.id)
    desk.do(TriageAction.ARCHIVE, 4)
    seen = get_last_operation_id()
    desk.do(TriageAction.ARCHIVE, 1, by=BOB)
    desk.do(TriageAction.ASSIGN, 2, assignee=clara.id, by=BOB)
    desk.do(TriageAction.ASSIGN, 3, assignee=None, by=BOB)
    desk.do(TriageAction.RESTORE, 4, by=BOB)
    desk.do(TriageAction.SNOOZE, 5, until=now + DAY, by=BOB)
    desk.do(TriageAction.ACKNOWLEDGE, 6, by=BOB)
    muted = desk.do(TriageAction.SNOOZE, 7, by=BOB)
    desk.undo(muted, by=BOB)

    told = [
        desk.do(TriageAction.RESTORE, 1, seen=seen),
        desk.do(TriageAction.ASSIGN, 2, assignee=dora.id, seen=seen),
        desk.do(TriageAction.ASSIGN, 3, assignee=clara.id, seen=seen),
        desk.do(TriageAction.ARCHIVE, 4, seen=seen),
        desk.do(TriageAction.ACKNOWLEDGE, 5, seen=seen),
        desk.do(TriageAction.SNOOZE, 6, until=now + 2 * DAY, seen=seen),
        desk.do(TriageAction.SNOOZE, 7, seen=seen),
        desk.do(TriageAction.ASSIGN, 2, assignee=None, seen=seen),
    ]

    who = "bob@example.com"
    assert {operation.object_count for operation in told} == {0}
    assert [operation.skipped[0].reason for operation in told] == [
        f"{who} archived it meanwhile, so it was not restored",
        f"{who} gave it to clara@example.com meanwhile, so it was not given to dora@example.com",
        f"{who} took it from its assignee meanwhile, so it was not given to clara@example.com",
        f"{who} restored it meanwhile, so it was not archived",
        f"{who} snoozed it until 2026-11-23 meanwhile, so it was not acknowledged",
        f"{who} acknowledged it meanwhile, so it was not snoozed until 2026-11-24",
        f"{who} brought it back into the queue meanwhile, so it was not snoozed",
        f"{who} gave it to clara@example.com meanwhile, so it was not taken from its assignee",
    ]
    assert assignees() == {2: clara.id}
    assert [archiving(id)[0] for id in (1, 4)] == ["archived", "failed"]


def test_only_what_others_changed_is_left_alone(acme: Organization, desk: Desk) -> None:
    put_voices(acme, [a_voice(id=1), a_voice(id=2)])
    seen = get_last_operation_id()
    desk.do(TriageAction.ARCHIVE, 1, by=BOB)

    operation = desk.do(TriageAction.ARCHIVE, 1, 2, seen=seen)

    assert (operation.object_count, set(left(operation))) == (1, {1})


def test_what_one_did_oneself_does_not_stand_in_the_way(acme: Organization, desk: Desk) -> None:
    make_voice(acme, id=1)
    seen = get_last_operation_id()
    desk.do(TriageAction.ARCHIVE, 1)

    assert desk.do(TriageAction.RESTORE, 1, seen=seen).object_count == 1


def test_what_others_did_to_something_else_of_it_does_not_stand_in_the_way(
    acme: Organization, desk: Desk, clara: Account
) -> None:
    make_voice(acme, id=1)
    seen = get_last_operation_id()
    desk.do(TriageAction.ASSIGN, 1, assignee=clara.id, by=BOB)
    desk.do(TriageAction.NOTE, 1, by=BOB)

    assert desk.do(TriageAction.ARCHIVE, 1, seen=seen).object_count == 1
    assert desk.do(TriageAction.NOTE, 1, seen=seen).object_count == 1


# All that match


def test_all_that_match_are_changed_if_they_are_what_they_were(acme: Organization, desk: Desk) -> None:
    put_voices(acme, [a_voice(id=1), a_voice(id=2)])
    order, found = desk.order(TriageAction.ARCHIVE, ()), [*voices(2, 1)]

    operation = do_to_all(EVERYTHING, order, lambda: found, hash_selection(voices(1, 2)), LIMITS, by=ADA, now=desk.now)
    again = do_to_all(EVERYTHING, order, list, hash_selection(voices(1, 2)), LIMITS, by=ADA, now=desk.now)

    assert operation == again
    assert operation.object_count == 2


@pytest.mark.parametrize("now_found", [(1,), (1, 2, 3), (1, 3), ()], ids=str)
def test_when_what_matches_has_changed_nothing_is_done(
    acme: Organization, desk: Desk, now_found: tuple[int, ...]
) -> None:
    put_voices(acme, [a_voice(id=id) for id in (1, 2, 3)])
    before, mark = dump(), hash_selection(voices(1, 2))

    for wanted in (mark, "no such mark", ""):
        with pytest.raises(SelectionChanged, match="Nothing was done"):
            do_to_all(
                *(EVERYTHING, desk.order(TriageAction.ARCHIVE, ()), lambda: voices(*now_found), wanted, LIMITS),
                by=ADA,
                now=desk.now,
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
        TriageAction.ASSIGN: {"assignee": clara.id},
        TriageAction.SNOOZE: {"until": now + DAY},
    }


@pytest.mark.parametrize("action", TriageAction)
def test_every_act_is_undone_and_the_undoing_too(
    acme: Organization, desk: Desk, now: datetime, clara: Account, action: TriageAction
) -> None:
    put_voices(acme, [a_voice(id=id, status=VoiceStatus.FAILED) for id in (1, 2)])
    if action is TriageAction.RESTORE:
        desk.do(TriageAction.ARCHIVE, 1, 2)
    before = everything_but_the_trail()
    operation = desk.do(action, 1, 2, **acts(clara, now)[action])
    after = everything_but_the_trail()
    assert (before == after) is (action is TriageAction.NOTE)

    back = desk.undo(operation, by=BOB)
    assert (back.object_count, back.undoes, back.action, list(back.skipped)) == (2, operation.id, action, [])
    assert get_operation(EVERYTHING, operation.id).undone_by == back.id
    assert everything_but_the_trail() == before
    forth = desk.undo(back)
    assert everything_but_the_trail() == after
    assert [line[0:4] for line in trail(forth)] == [line[0:4] for line in trail(operation)]
    desk.undo(forth)
    assert everything_but_the_trail() == before


def test_a_note_that_comes_back_has_its_text_again(acme: Organization, desk: Desk) -> None:
    make_voice(acme, id=1)
    operation = desk.do(TriageAction.NOTE, 1, note="Ask Bob.")

    back = desk.undo(operation)
    forth = desk.undo(back)

    assert trail(back) == [("note-removed", 1, {"note": "Ask Bob."}, None, "undone")]
    assert trail(forth) == [("note-added", 1, None, None, "Ask Bob.")]


def test_undoing_brings_back_what_was_there_before(
    acme: Organization, desk: Desk, now: datetime, clara: Account
) -> None:
    dora = make_account("dora@example.com", platform=True)
    make_voice(acme, id=1, status=VoiceStatus.FAILED)
    desk.do(TriageAction.ASSIGN, 1, assignee=clara.id)
    desk.do(TriageAction.ACKNOWLEDGE, 1)
    given = desk.do(TriageAction.ASSIGN, 1, assignee=dora.id)
    snoozed = desk.do(TriageAction.SNOOZE, 1, until=now + DAY)

    assert [line[0] for line in trail(desk.undo(given))] == ["assigned"]
    assert [line[0] for line in trail(desk.undo(snoozed))] == ["acknowledged"]
    assert assignees() == {1: clara.id}
    assert quiets() == {1: {"failed": ("acknowledge", None)}}


def test_undoing_restores_what_nobody_changed_since_and_names_the_rest(acme: Organization, desk: Desk) -> None:
    put_voices(acme, [a_voice(id=id, name=f"Voice {id}") for id in range(1, 6)])
    operation = desk.do(TriageAction.ARCHIVE, 1, 2, 3, 4, 5)
    desk.do(TriageAction.RESTORE, 2, by=BOB)
    desk.do(TriageAction.RESTORE, 3, by=BOB)
    desk.do(TriageAction.ARCHIVE, 3, by=BOB, note="by Bob")
    desk.do(TriageAction.NOTE, 4, by=BOB)
    with write_transaction():
        db.session.execute(delete(ClonedVoice).where(ClonedVoice.id == 5))

    back = desk.undo(operation)

    assert back.object_count == 2
    assert [(one.id, one.name, one.reason) for one in back.skipped] == [
        (2, "Voice 2", "bob@example.com changed it since"),
        (3, "Voice 3", "bob@example.com changed it since"),
        (5, "Voice 5", "it is gone"),
    ]
    assert [archiving(id)[0] for id in range(1, 5)] == ["ready", "ready", "archived", "ready"]
    assert archiving(3)[4] == "by Bob"
    assert [line[1] for line in trail(back)] == [1, 4]


def test_a_voice_that_was_removed_and_came_anew_is_left_alone(acme: Organization, desk: Desk) -> None:
    make_voice(acme, id=1)
    operation = desk.do(TriageAction.ARCHIVE, 1)
    with write_transaction():
        db.session.execute(delete(ClonedVoice))
    make_voice(acme, id=1)

    assert left(desk.undo(operation)) == {1: "it is not what it was then"}
    assert archiving(1) == ("ready", None, None, None, None)


@pytest.mark.parametrize("how", ["disabled", "gone", "looks only"])
def test_nothing_goes_back_to_somebody_who_cannot_act_any_more(
    acme: Organization, desk: Desk, clara: Account, how: str
) -> None:
    make_voice(acme, id=1)
    desk.do(TriageAction.ASSIGN, 1, assignee=clara.id)
    operation = desk.do(TriageAction.ASSIGN, 1)
    with write_transaction():
        if how == "disabled":
            db.session.execute(update(Account).where(Account.id == clara.id).values(disabled_at=desk.now))
        elif how == "gone":
            db.session.execute(delete(Membership))
        else:
            db.session.execute(update(Membership).values(role=int(Role.VIEWER)))

    assert left(desk.undo(operation)) == {1: "clara@example.com cannot act on it any more"}
    assert assignees() == {}


def test_a_deed_is_undone_for_thirty_days_to_the_moment(acme: Organization, desk: Desk, now: datetime) -> None:
    make_voice(acme, id=1)
    operation = desk.do(TriageAction.ARCHIVE, 1)

    with pytest.raises(ChangeRefused, match="older than 30 days"):
        undo(EVERYTHING, operation.id, "late", by=ADA, now=now + UNDONE_FOR + timedelta(microseconds=1))
    assert undo(EVERYTHING, operation.id, "just", by=ADA, now=now + UNDONE_FOR).object_count == 1


def test_a_deed_is_undone_once(acme: Organization, desk: Desk) -> None:
    make_voice(acme, id=1)
    operation = desk.do(TriageAction.ARCHIVE, 1)
    desk.undo(operation)

    with pytest.raises(ChangeRefused, match="undone already"):
        desk.undo(operation)


def test_what_did_nothing_or_was_done_elsewhere_is_not_found(acme: Organization, desk: Desk) -> None:
    zebra = make_organization("Zebra")
    make_voice(acme, id=1)
    make_voice(zebra, id=2)
    nothing, theirs, both = (
        desk.do(TriageAction.RESTORE, 1),
        desk.do(TriageAction.ARCHIVE, 2),
        desk.do(TriageAction.NOTE, 1, 2),
    )
    undo(EVERYTHING, both.id, "known", by=ADA, now=desk.now)
    before = dump()

    for number in (nothing.id, theirs.id, both.id, 10**6):
        with pytest.raises(OperationNotFound):
            undo(Scope(frozenset([acme.id])), number, "known", by=ADA, now=desk.now)

    assert dump() == before


# Upstream's word and ours


@pytest.mark.parametrize("many", [1, 1000], ids=["in bulk", "one by one"])
@pytest.mark.parametrize("how", ["restored", "undone"])
def test_restoring_brings_what_upstream_says_by_now(
    acme: Organization, desk: Desk, now: datetime, monkeypatch: pytest.MonkeyPatch, how: str, many: int
) -> None:
    monkeypatch.setattr("voiceadmin.voices.importing.bulk_load.MANY", many)
    make_assistant(acme, id=31)
    row = make_voice(acme, id=1, status=VoiceStatus.PROCESSING)
    operation = desk.do(TriageAction.ARCHIVE, 1)

    import_again(row._replace(status=VoiceStatus.FAILED, name="Another"), now + DAY)

    assert archiving(1) == ("archived", "failed", now, "ada@example.com", "unused")
    back = desk.do(TriageAction.RESTORE, 1) if how == "restored" else desk.undo(operation)
    assert back.object_count == 1
    assert archiving(1) == ("failed", None, None, None, None)
    assert voice(1).recorded_status_changed_at == now + DAY
    assert voice(1).name == "Another"


def test_an_import_that_says_the_same_leaves_the_archived_alone(acme: Organization, desk: Desk, now: datetime) -> None:
    make_assistant(acme, id=31)
    row = make_voice(acme, id=1)
    desk.do(TriageAction.ARCHIVE, 1)

    import_again(row, now + DAY)

    assert archiving(1)[:2] == ("archived", "ready")
    assert voice(1).recorded_status_changed_at is None
    words = [line["word"] for line in rows_of("audit_event")]
    assert words == [AuditEventType.VOICE_ARCHIVED.value, AuditEventType.VOICES_IMPORTED.value]


def test_upstream_may_archive_and_unarchive_what_is_archived_here(
    acme: Organization, desk: Desk, now: datetime
) -> None:
    make_assistant(acme, id=31)
    row = make_voice(acme, id=1)
    desk.do(TriageAction.ARCHIVE, 1)
    for status in (VoiceStatus.ARCHIVED, VoiceStatus.READY, VoiceStatus.ARCHIVED):
        import_again(row._replace(status=status), now + DAY)
        assert archiving(1)[:2] == ("archived", status.value)

    desk.do(TriageAction.RESTORE, 1)

    assert archiving(1) == ("archived", None, None, None, None)


def test_filling_the_sample_again_leaves_archived_what_was_archived_here(desk: Desk, store: Flask) -> None:
    add_sample(desk.now, by=SHELL, now=desk.now)
    desk.do(TriageAction.ARCHIVE, *db.session.scalars(select(ClonedVoice.id)))

    assert add_sample(desk.now + 40 * DAY, by=SHELL, now=desk.now).voices.changed > 0

    assert {row["status"].value for row in rows_of("cloned_voice") if row["archived_at"]} == {"archived"}
    assert add_sample(desk.now + 40 * DAY, by=SHELL, now=desk.now).voices.changed == 0


# What it costs


def test_a_deed_asks_as_often_for_one_as_for_hundreds(acme: Organization, desk: Desk) -> None:
    put_voices(acme, [a_voice(id=id) for id in range(1, CHUNK + 1)])
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    def count(ids: range) -> int:
        asked.clear()
        desk.undo(desk.do(TriageAction.ARCHIVE, *ids))
        return sum("INSERT INTO audit_event" not in statement for statement in asked)

    assert count(range(1, 2)) == count(range(1, CHUNK + 1))


def test_a_part_of_something_larger_is_taken_back_with_it(acme: Organization, desk: Desk) -> None:
    make_voice(acme, id=1)
    before = dump()

    def larger() -> None:
        with write_transaction():
            carry_out(EVERYTHING, desk.order(TriageAction.ARCHIVE, voices(1)), LIMITS, by=ADA, now=desk.now)
            raise KeyError

    with pytest.raises(KeyError):
        larger()

    assert dump() == before


def test_every_line_of_a_deed_is_about_another_thing(acme: Organization, desk: Desk) -> None:
    put_voices(acme, [a_voice(id=id) for id in range(1, 51)])

    operation = desk.do(TriageAction.ARCHIVE, *range(1, 51))

    found = db.session.scalars(select(AuditEvent.object_id).where(AuditEvent.operation_id == operation.id)).all()
    assert sorted(id or 0 for id in found) == list(range(1, 51))
