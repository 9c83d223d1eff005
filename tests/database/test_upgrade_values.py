"""The stored values after an upgrade from version 0005."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask
from sqlalchemy import select, text

from tests.database.version_0005 import (
    NEW_ACTIONS,
    NEW_EVENT_TYPES,
    NEW_OBJECT_KINDS,
    NEW_TABLES,
    RENAMED_EVENT_TYPES,
    RENAMED_KINDS,
    RENAMED_TABLES,
    STARTED_PLAN,
    all_rows,
    by_id,
    rows_of,
    unchanged,
)
from voiceadmin.audit.types import AuditEventType, ObjectKind
from voiceadmin.cleanup.models import CleanUpItem
from voiceadmin.cleanup.types.plans import ItemState, SkipReason
from voiceadmin.database.base import db
from voiceadmin.database.migrations import migrate
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import ActorKind
from voiceadmin.operations.models import Operation
from voiceadmin.triage.types import TriageAction


def test_every_row_keeps_its_values_under_the_new_names(old_app: Flask) -> None:
    before = all_rows()
    migrate()
    after = all_rows()

    assert set(after) == {RENAMED_TABLES.get(table, table) for table in before} | NEW_TABLES
    for table, rows in before.items():
        assert rows, f"the fixture has no row of {table}"
        names = unchanged(table, rows[0]).keys()
        found = [{name: row[name] for name in names} for row in after[RENAMED_TABLES.get(table, table)]]
        assert sorted(map(repr, found)) == sorted(repr(unchanged(table, row)) for row in rows), table


def test_every_stored_value_is_known_to_this_version(old_app: Flask) -> None:
    lines, deeds, items = by_id(rows_of("audit_line")), by_id(rows_of("deed")), rows_of("plan_item")
    migrate()
    events, operations = by_id(rows_of("audit_event")), by_id(rows_of("operation"))

    for id, line in lines.items():
        event = events[id]
        assert event["event_type"] == RENAMED_EVENT_TYPES.get(line["word"], line["word"])
        assert event["actor_kind"] == RENAMED_KINDS.get(line["actor_kind"], line["actor_kind"])
        assert event["object_kind"] == RENAMED_KINDS.get(line["object_kind"], line["object_kind"])
    for id, deed in deeds.items():
        assert operations[id]["actor_kind"] == RENAMED_KINDS.get(deed["actor_kind"], deed["actor_kind"])
    assert {event["event_type"] for event in events.values()} == set(AuditEventType) - NEW_EVENT_TYPES
    assert {event["actor_kind"] for event in events.values()} <= set(ActorKind)
    assert {event["object_kind"] for event in events.values()} == set(ObjectKind) - NEW_OBJECT_KINDS
    assert {operation["action"] for operation in operations.values()} == set(TriageAction) - NEW_ACTIONS
    migrated = rows_of("clean_up_item")
    assert {"waiting" if row["state"] == "pending" else row["state"] for row in migrated} == {
        item["state"] for item in items
    }
    assert {row["state"] for row in migrated} < set(ItemState)
    assert {row["skip_reason"] for row in migrated} == {"", *SkipReason} - {
        SkipReason.OTHER,
        SkipReason.MISSING,
        SkipReason.NAMED,
    }


def renamed_facts(old_facts: str | None) -> Any:
    """The JSON of an old audit event, with its fields under the new names."""
    facts = json.loads(old_facts or "null")
    if facts is None:
        return None
    names = {"owner": "assignee", "hush": "mute"}
    facts = {names.get(name, name): value for name, value in facts.items()}
    if facts.get("archived"):
        facts["archived"] = {"note" if name == "why" else name: value for name, value in facts["archived"].items()}
    if "mute" in facts:
        fields = {"mark": "fingerprint", "act": "kind", "at": "muted_at", "by": "muted_by", "until": "until"}
        facts["mute"] = {
            reason: {fields[name]: value for name, value in mute.items()} for reason, mute in facts["mute"].items()
        }
    return facts


def test_before_and_after_values_of_audit_events_get_the_new_names(old_app: Flask) -> None:
    lines = by_id(rows_of("audit_line"))
    migrate()

    for id, event in by_id(rows_of("audit_event")).items():
        for name in ("before", "after"):
            assert json.loads(event[name] or "null") == renamed_facts(lines[id][name]), (event["event_type"], name)


def test_filters_of_plans_get_the_new_names(old_app: Flask) -> None:
    plans = by_id(rows_of("plan"))
    migrate()

    for id, plan in by_id(rows_of("clean_up_plan")).items():
        chosen = json.loads(plans[id]["chosen"])
        chosen["limit"] = chosen.pop("most")
        assert json.loads(plan["filters"]) == chosen


# By operation: the code and the detail of each reason for which it skipped an object.
SKIPPED = {
    2: [("already-archived", "")],
    3: [("archived-upstream", ""), ("not-archived", "")],
    5: [("already-assigned", "")],
    6: [("already-unassigned", "")],
    16: [("assignee-changed-meanwhile", "bob@example.com")],  # assigned it to another account
    17: [("assignee-changed-meanwhile", "bob@example.com"), ("already-unassigned", "")],  # unassigned it
    18: [("archived-meanwhile", "bob@example.com")],
    19: [("restored-meanwhile", "bob@example.com")],
    20: [
        ("acknowledged-meanwhile", "bob@example.com"),
        ("snoozed-meanwhile", "bob@example.com"),
        ("snoozed-meanwhile", "bob@example.com"),  # with an end
        ("unmuted-meanwhile", "bob@example.com"),
    ],
    24: [("nothing-to-mute", "")],
    30: [("archived-meanwhile", "")],  # a person without a name
    35: [("changed-since", "bob@example.com")],
    37: [("gone", ""), ("state-differs", "")],
    40: [("assignee-lost-access", "eve@example.com")] * 2,
    41: [("already-unassigned", "")] * 100,
    49: [("restored-meanwhile", "bob@example.com")],
}


def test_skip_reasons_of_operations_become_codes(old_app: Flask) -> None:
    deeds = by_id(rows_of("deed"))
    migrate()
    operations = by_id(rows_of("operation"))

    found = {}
    for id, operation in operations.items():
        before, after = json.loads(deeds[id]["outcome"]), json.loads(operation["outcome"])
        assert after == {
            "voice_count": before["voices"],
            "skipped": [
                [*left[:3], *skipped[3:]] for left, skipped in zip(before["left"], after["skipped"], strict=True)
            ],
            "skipped_unlisted": before["left_out"],
            "organizations": before["organizations"],
            "in_use_count": before["set_to"],
        }
        found[id] = [(code, detail) for *_, code, detail in after["skipped"]]
    assert {id: reasons for id, reasons in found.items() if reasons} == SKIPPED


def test_an_unknown_skip_reason_is_stored_as_other(old_app: Flask) -> None:
    outcome = {"voices": 0, "left": [["voice", 1, "Ada", "the moon is full"]], "left_out": 0, "organizations": [9]}
    with write_transaction():
        db.session.execute(
            text("UPDATE deed SET outcome = :outcome WHERE id = 1"), {"outcome": json.dumps(outcome | {"set_to": 0})}
        )
        db.session.execute(text("UPDATE plan_item SET why = 'The moon is full.' WHERE plan_id = 1 AND position = 1"))

    migrate()

    stored = db.session.scalars(select(Operation.outcome).where(Operation.id == 1)).one()
    assert json.loads(stored)["skipped"] == [["voice", 1, "Ada", "other", "the moon is full"]]
    of_item = select(CleanUpItem.skip_reason).where(CleanUpItem.plan_id == 1, CleanUpItem.position == 1)
    assert db.session.scalars(of_item).one() == "other"


def test_skip_reasons_of_plans_become_codes(upgraded: Flask) -> None:
    of_plan = select(CleanUpItem.state, CleanUpItem.skip_reason).where(CleanUpItem.plan_id == STARTED_PLAN)
    states: dict[str, list[str]] = {}
    for state, reason in db.session.execute(of_plan.order_by(CleanUpItem.position)):
        states.setdefault(state, []).append(reason)

    assert states == {
        "archived": [""] * 3,
        "failed": ["archive-failed"],
        "skipped": [
            "gone",
            "in-use",
            "shared-reference",
            "used-or-recloned",
            "not-ready",
            "muted",
            "already-archived",
            "changed-meanwhile",
        ],
        "pending": [""] * 28,
    }
