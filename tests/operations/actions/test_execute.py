"""Applying operations: selections, refusals, transactions and audit events."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, select

from tests.factories import LONG_AGO, make_assistant, make_organization, make_voice, put_voices, voice_row
from tests.operations.actions.scenario import ADA, THRESHOLDS, Runner, read_archiving, read_audit_events, voice_refs
from tests.two_tenants import dump
from voiceadmin.accounts.models import Account
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import ObjectKind, ObjectRef, hash_selection
from voiceadmin.database.base import db
from voiceadmin.database.batches import BATCH_SIZE
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, ObjectNotFound, SelectionChanged
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.operations.actions.execute import apply_action, apply_action_to_all, execute
from voiceadmin.operations.actions.recording import MAX_LISTED_SKIPPED
from voiceadmin.operations.types import MAX_OBJECTS
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.status import VoiceStatus


def test_an_object_selected_twice_is_changed_once(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)

    assert len(read_audit_events(runner.apply(TriageAction.NOTE, 1, 1))) == 1


def test_an_operation_larger_than_one_chunk_is_applied_completely(acme: Organization, runner: Runner) -> None:
    ids = range(1, 2 * BATCH_SIZE + 2)
    put_voices(acme, [voice_row(id=id) for id in ids])

    operation = runner.apply(TriageAction.ARCHIVE, *ids)
    again = runner.apply(TriageAction.ARCHIVE, *ids)
    back = runner.undo(operation)

    assert operation.object_count == back.object_count == len(ids)
    assert [line[1] for line in read_audit_events(operation)] == list(ids)
    assert (again.object_count, len(again.skipped), again.skipped_unlisted) == (
        0,
        MAX_LISTED_SKIPPED,
        len(ids) - MAX_LISTED_SKIPPED,
    )


# Refused requests


REFUSED: dict[str, tuple[TriageAction, dict[str, Any], str]] = {
    "empty selection": (TriageAction.ARCHIVE, {"refs": ()}, "Nothing is selected"),
    "too many": (TriageAction.ARCHIVE, {"refs": voice_refs(*range(1, MAX_OBJECTS + 2))}, "20,001 are too many at once"),
    "archive an assistant": (TriageAction.ARCHIVE, {"refs": (ObjectRef(ObjectKind.ASSISTANT, 31),)}, "Only voices"),
    "restore an assistant": (TriageAction.RESTORE, {"refs": (ObjectRef(ObjectKind.ASSISTANT, 31),)}, "Only voices"),
    "empty note": (TriageAction.NOTE, {"note": ""}, "The note is empty"),
    "snooze in the past": (TriageAction.SNOOZE, {"until": LONG_AGO}, "in the past"),
    "unknown assignee": (TriageAction.ASSIGN, {"assignee_id": 10**9}, "has no access"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_invalid_request_is_refused(acme: Organization, runner: Runner, name: str) -> None:
    action, more, problem = REFUSED[name]
    make_voice(acme, id=1)
    make_assistant(acme, id=31)
    before = dump()

    with pytest.raises(ChangeRefused, match=problem):
        apply_action(
            EVERYTHING, runner.request(action, **({"refs": voice_refs(1)} | more)), THRESHOLDS, by=ADA, now=runner.now
        )

    assert dump() == before


@pytest.mark.parametrize("action", TriageAction)
def test_a_bulk_operation_with_foreign_voices_changes_nothing_and_is_recorded(
    acme: Organization, runner: Runner, clara: Account, action: TriageAction
) -> None:
    globex = make_organization("Globex")
    put_voices(acme, [voice_row(id=id, status=VoiceStatus.FAILED) for id in range(1, 98)])
    put_voices(globex, [voice_row(id=id) for id in range(98, 101)])
    before = dump()
    request = runner.request(action, voice_refs(*range(1, 101)), assignee_id=clara.id)

    with pytest.raises(ObjectNotFound, match="Nothing was changed"):
        apply_action(Scope(frozenset([acme.id])), request, THRESHOLDS, by=ADA, now=runner.now)

    after = dump()
    (refusal,) = after.pop("audit_event")
    del before["audit_event"]
    assert after == before
    assert (refusal["event_type"], refusal["actor_name"], refusal["after"]) == (
        "operation-refused",
        ADA.name,
        '{"chosen": 100}',
    )


def test_a_missing_voice_is_refused_with_the_same_message_as_a_foreign_voice(
    acme: Organization, runner: Runner
) -> None:
    globex = make_organization("Globex")
    make_voice(acme, id=1)
    make_voice(globex, id=2)
    messages = set()

    for ids in ((1, 2), (1, 3)):
        with pytest.raises(ObjectNotFound) as found:
            apply_action(
                Scope(frozenset([acme.id])),
                runner.request(TriageAction.ARCHIVE, voice_refs(*ids)),
                THRESHOLDS,
                by=ADA,
                now=runner.now,
            )
        messages.add(str(found.value))

    assert len(messages) == 1
    assert read_archiving(1)[0] == "ready"


# All matching objects


def test_all_matching_voices_are_changed_when_the_selection_is_unchanged(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [voice_row(id=1), voice_row(id=2)])
    request, found = runner.request(TriageAction.ARCHIVE, ()), [*voice_refs(2, 1)]

    operation = apply_action_to_all(
        EVERYTHING, request, lambda: found, hash_selection(voice_refs(1, 2)), THRESHOLDS, by=ADA, now=runner.now
    )
    again = apply_action_to_all(
        EVERYTHING, request, list, hash_selection(voice_refs(1, 2)), THRESHOLDS, by=ADA, now=runner.now
    )

    assert operation == again
    assert operation.object_count == 2


@pytest.mark.parametrize("now_found", [(1,), (1, 2, 3), (1, 3), ()], ids=str)
def test_nothing_is_changed_when_the_selection_has_changed(
    acme: Organization, runner: Runner, now_found: tuple[int, ...]
) -> None:
    put_voices(acme, [voice_row(id=id) for id in (1, 2, 3)])
    before, selection_hash = dump(), hash_selection(voice_refs(1, 2))

    for sent_hash in (selection_hash, "no such hash", ""):
        with pytest.raises(SelectionChanged, match="Nothing was changed"):
            apply_action_to_all(
                *(
                    EVERYTHING,
                    runner.request(TriageAction.ARCHIVE, ()),
                    lambda: voice_refs(*now_found),
                    sent_hash,
                    THRESHOLDS,
                ),
                by=ADA,
                now=runner.now,
            )

    assert dump() == before


# Statements and transactions


def test_an_operation_takes_the_same_statements_for_one_voice_as_for_hundreds(
    acme: Organization, runner: Runner
) -> None:
    put_voices(acme, [voice_row(id=id) for id in range(1, BATCH_SIZE + 1)])
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))

    def count(ids: range) -> int:
        statements.clear()
        runner.undo(runner.apply(TriageAction.ARCHIVE, *ids))
        return sum("INSERT INTO audit_event" not in statement for statement in statements)

    assert count(range(1, 2)) == count(range(1, BATCH_SIZE + 1))


def test_an_operation_is_rolled_back_with_its_outer_transaction(acme: Organization, runner: Runner) -> None:
    make_voice(acme, id=1)
    before = dump()

    def fail_after_execute() -> None:
        with write_transaction():
            execute(EVERYTHING, runner.request(TriageAction.ARCHIVE, voice_refs(1)), THRESHOLDS, by=ADA, now=runner.now)
            raise KeyError

    with pytest.raises(KeyError):
        fail_after_execute()

    assert dump() == before


def test_an_operation_has_one_audit_event_per_object(acme: Organization, runner: Runner) -> None:
    put_voices(acme, [voice_row(id=id) for id in range(1, 51)])

    operation = runner.apply(TriageAction.ARCHIVE, *range(1, 51))

    found = db.session.scalars(select(AuditEvent.object_id).where(AuditEvent.operation_id == operation.id)).all()
    assert sorted(id or 0 for id in found) == list(range(1, 51))
