"""A database of version 0005 opens in this version and loses nothing.

The fixtures were written by the last version before the renaming: every kind of
row, every event type, every reason for which an operation skipped something.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url, select, text
from sqlalchemy.exc import DatabaseError
from werkzeug.routing import Rule

from tests.conftest import NOW, Client
from tests.database.test_migrations import assert_counted, differences, go
from voiceadmin import create_app
from voiceadmin.accounts.actions.sessions import check_password
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType, ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.plans import confirm_plan, resume_plan, retry_failed_items, undo_plan
from voiceadmin.cleanup.models import CleanUpItem
from voiceadmin.cleanup.queries.plans import get_plan
from voiceadmin.cleanup.types.plans import ItemState, SkipReason
from voiceadmin.config import AttentionThresholds, Settings
from voiceadmin.database.base import Base, db
from voiceadmin.database.migrations import migrate
from voiceadmin.database.schema import dispose_engine
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, OrganizationId
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.models import Operation
from voiceadmin.operations.types import ActionRequest
from voiceadmin.triage.models import Assignment, Mute
from voiceadmin.triage.queries.queue import list_queue
from voiceadmin.triage.types import QueueFilters, TriageAction
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.web.access import cookie_name

FIXTURES = Path(__file__).parent / "fixtures"
NORTHWIND, NORTHWIND_DESK = 9, 900  # an organization and its assistant
ADA = Actor(ActorKind.ACCOUNT, 2, "ada@example.com", "192.0.2.7")
PASSWORD = "correct horse battery"
# Secrets of the fixture, of which the database has the hashes.
PLATFORM_ADMIN_SESSION = "XwNL3W8TAt97ar7TpecWfQ99t5wSZ17VMNJnEHf5hpv"
OPERATOR_SESSION = "YIBzaQyylWPH5n6RNuyug1S4JSTxp4gnstZrZNe58ke"
KEY_OF_ALL_ORGANIZATIONS = "va_rdFSpdTmYs4x4geAXuyWXJa5sP8WiKbCj0SPY9bUdSB"
KEY_OF_TWO_ORGANIZATIONS = "va_rgZZyJiuetkiqFRusceIWVJbbhdi0wB3q88NboHBixm"
OPEN_INVITATION = "9OPE261yEzR2Um5sD1Wet1aSXBLsPXE6tjkESJ4FvIj"
OPEN_PASSWORD_RESET = "OAXloPeKKO1O4IUAAoBEHM5ptArfM49vlAbjhsKJMKl"
UNDONE_PLAN, STARTED_PLAN, UNCONFIRMED_PLAN, CONFIRMED_PLAN, PLAN_OF_ALL_ORGANIZATIONS = range(1, 6)

RENAMED_TABLES = {
    "store": "database_identity",
    "voice_count": "voice_stats",
    "audit_line": "audit_event",
    "bucket": "token_bucket",
    "deed": "operation",
    "former_place": "former_provider_voice_ref",
    "shared_place": "shared_provider_voice_ref",
    "link": "one_time_link",
    "plan": "clean_up_plan",
    "plan_item": "clean_up_item",
    "plan_organization": "clean_up_organization",
    "quiet": "mute",
}
RENAMED_COLUMNS = {
    "cloned_voice": {
        "dated": "has_last_used_at",
        "never": "is_never_used",
        "idle_since": "last_activity_at",
        "record": "json_body",
        "written_at": "upstream_changed_at",
        "status_since": "recorded_status_changed_at",
        "standing_since": "status_changed_at",
        "archived_why": "archive_note",
    },
    "voice_count": {"dated": "has_last_used_at", "never": "is_never_used"},
    "audit_line": {"word": "event_type", "why": "note", "deed_id": "operation_id"},
    "bucket": {"at": "counted_at"},
    "deed": {"act": "action", "number": "object_count"},
    "link": {"made_by": "created_by"},
    "plan": {
        "made_at": "created_at",
        "made_by": "created_by",
        "chosen": "filters",
        "number": "voice_count",
        "seen": "last_seen_operation_id",
    },
    "plan_item": {"mark": "fingerprint", "record": "json_body", "why": "skip_reason", "deed_id": "operation_id"},
    "quiet": {"mark": "fingerprint", "act": "kind", "at": "muted_at", "by": "muted_by"},
    "account_session": {"seen_at": "last_active_at", "sure_at": "reauthenticated_at", "client": "user_agent"},
    "api_key": {"everywhere": "all_organizations", "maker": "created_by", "used_at": "last_used_at"},
}
CHANGED_COLUMNS = {  # whose values changed too, so that other tests compare them
    "audit_line": {"word", "actor_kind", "object_kind", "before", "after"},
    "deed": {"actor_kind", "outcome"},
    "plan": {"chosen"},
    "plan_item": {"state", "why"},
}
RENAMED_EVENT_TYPES = {
    "link-made": "link-created",
    "account-made": "account-created",
    "key-made": "key-created",
    "confirmed": "password-confirmed",
    "confirm-failed": "password-confirmation-failed",
    "throttled": "rate-limited",
    "shown-again": "unmuted",
    "noted": "note-added",
    "note-taken-back": "note-removed",
    "desk-refused": "operation-refused",
    "clean-up-taken-back": "clean-up-undone",
    "sample-filled": "sample-added",
}
RENAMED_KINDS = {"shell": "cli", "nobody": "anonymous", "store": "database"}
NEW_EVENT_TYPES = {"invitation-accepted"}


def read(name: str) -> str:
    return gzip.decompress((FIXTURES / name).read_bytes()).decode()


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """What the old version answered from the same database."""
    found: dict[str, Any] = json.loads(read("version_0005_expected.json.gz"))
    return found


@pytest.fixture(scope="module")
def old_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("old") / "voiceadmin.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(read("version_0005_sqlite.sql.gz"))
    connection.close()
    return path


@pytest.fixture(scope="module")
def old_postgresql_database(postgres: str) -> str:
    """The name of a database with the old schema. Its server is that of the `postgres` fixture."""
    name = f"{make_url(postgres).database}_old"
    create_database(postgres, name)
    with connect(postgres, name) as connection:
        connection.execute(read("version_0005_postgresql.sql.gz").encode())
    return name


def create_database(server: str, name: str, template: str = "template1") -> None:
    with connect(server) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())


def connect(server: str, name: str = "postgres") -> psycopg.Connection[Any]:
    address = make_url(server).set(drivername="postgresql", database=name)
    return psycopg.connect(address.render_as_string(hide_password=False), autocommit=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An app over an old database that was not upgraded yet, inside its context."""
    settings = Settings(instance=tmp_path)
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("old_sqlite_file"), tmp_path / "voiceadmin.sqlite")
    else:
        postgres: str = request.getfixturevalue("postgres")
        template: str = request.getfixturevalue("old_postgresql_database")
        create_database(postgres, f"{template}_copy", template)
        address = make_url(postgres).set(database=f"{template}_copy").render_as_string(hide_password=False)
        settings = replace(settings, database_url=address)
    app = create_app(settings, WTF_CSRF_ENABLED=False)
    app.test_client_class = Client
    with app.app_context():
        yield app
        dispose_engine()


@pytest.fixture
def upgraded(old: Flask, now: object) -> Flask:
    """The same after its upgrade."""
    assert migrate()
    return old


SQLITE = pytest.mark.parametrize("old", ["sqlite"], indirect=True)


def browser(app: Flask, session: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie(cookie_name(app.config["VOICEADMIN"]), session)
    return client


def table_names() -> set[str]:
    """Every table, except those that hold no facts: the version, and what SQLite searches by."""
    names = set(db.inspect(db.engine).get_table_names())
    return {name for name in names - {"alembic_version", "place", "trigram_position"} if "search" not in name}


def rows_of(table: str) -> list[dict[str, Any]]:
    """All rows as the database has them, in an order that does not depend on the names of columns."""
    rows = [dict(row) for row in db.session.execute(text(f'SELECT * FROM "{table}"')).mappings()]
    db.session.rollback()
    return sorted(rows, key=lambda row: json.dumps(sorted(map(str, row.values()))))


def all_rows() -> dict[str, list[dict[str, Any]]]:
    return {table: rows_of(table) for table in table_names()}


def unchanged(old_table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the old version under the new names, without the columns whose values changed."""
    names, changed = RENAMED_COLUMNS.get(old_table, {}), CHANGED_COLUMNS.get(old_table, set())
    return {names.get(name, name): value for name, value in row.items() if name not in changed}


def by_id(rows: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in rows}


def test_an_upgraded_database_has_the_schema_of_a_new_one(upgraded: Flask) -> None:
    assert differences() == []


@SQLITE
def test_a_sqlite_file_is_sound_after_the_upgrade(upgraded: Flask) -> None:
    assert db.session.scalars(text("PRAGMA integrity_check")).all() == ["ok"]
    assert db.session.execute(text("PRAGMA foreign_key_check")).all() == []


@SQLITE
def test_indexes_are_created_again_where_sqlite_protects_its_schema(old: Flask) -> None:
    def protect(action: int, first: str | None, second: str | None, *_: Any) -> int:
        is_refused = (action, first, second) == (sqlite3.SQLITE_PRAGMA, "writable_schema", "ON")
        return sqlite3.SQLITE_DENY if is_refused else sqlite3.SQLITE_OK

    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_authorizer(protect)

    migrate()

    assert differences() == []


def test_every_row_keeps_its_values_under_the_new_names(old: Flask) -> None:
    before = all_rows()
    migrate()
    after = all_rows()

    assert set(after) == {RENAMED_TABLES.get(table, table) for table in before}
    for table, rows in before.items():
        assert rows, f"the fixture has no row of {table}"
        names = unchanged(table, rows[0]).keys()
        found = [{name: row[name] for name in names} for row in after[RENAMED_TABLES.get(table, table)]]
        assert sorted(map(repr, found)) == sorted(repr(unchanged(table, row)) for row in rows), table


def test_every_stored_value_is_one_that_this_version_knows(old: Flask) -> None:
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
    assert {event["object_kind"] for event in events.values()} == set(ObjectKind)
    assert {operation["action"] for operation in operations.values()} == set(TriageAction)
    migrated = rows_of("clean_up_item")
    assert {"waiting" if row["state"] == "pending" else row["state"] for row in migrated} == {
        item["state"] for item in items
    }
    assert {row["state"] for row in migrated} < set(ItemState)
    assert {row["skip_reason"] for row in migrated} == {"", *SkipReason} - {SkipReason.OTHER}


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


def test_what_audit_events_say_of_before_and_after_gets_the_new_names(old: Flask) -> None:
    lines = by_id(rows_of("audit_line"))
    migrate()

    for id, event in by_id(rows_of("audit_event")).items():
        for name in ("before", "after"):
            assert json.loads(event[name] or "null") == renamed_facts(lines[id][name]), (event["event_type"], name)


def test_filters_of_plans_get_the_new_names(old: Flask) -> None:
    plans = by_id(rows_of("plan"))
    migrate()

    for id, plan in by_id(rows_of("clean_up_plan")).items():
        chosen = json.loads(plans[id]["chosen"])
        chosen["limit"] = chosen.pop("most")
        assert json.loads(plan["filters"]) == chosen


# By operation: the code of each reason for which it skipped something, with its detail.
SKIPPED = {
    2: [("already-archived", "")],
    3: [("archived-upstream", ""), ("not-archived", "")],
    5: [("already-assigned", "")],
    6: [("already-unassigned", "")],
    16: [("changed-meanwhile", "bob@example.com")],  # assigned it to somebody
    17: [("changed-meanwhile", "bob@example.com"), ("already-unassigned", "")],  # unassigned it
    18: [("changed-meanwhile", "bob@example.com")],  # archived it
    19: [("changed-meanwhile", "bob@example.com")],  # restored it
    20: [("changed-meanwhile", "bob@example.com")] * 4,  # acknowledged, snoozed (one of them with an end), unmuted it
    24: [("nothing-to-mute", "")],
    30: [("changed-meanwhile", "")],  # a person without a name
    35: [("changed-since", "bob@example.com")],
    37: [("gone", ""), ("state-differs", "")],
    40: [("assignee-lost-access", "eve@example.com")] * 2,
    41: [("already-unassigned", "")] * 100,
    49: [("changed-meanwhile", "bob@example.com")],
}


def test_reasons_for_which_operations_skipped_objects_become_codes(old: Flask) -> None:
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


def test_a_reason_that_no_version_wrote_stays_readable(old: Flask) -> None:
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


def test_reasons_for_which_plans_skipped_voices_become_codes(upgraded: Flask) -> None:
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


def addresses(app: Flask) -> Iterator[str]:
    """Every page and file that can be fetched, for each object in the database that it can be of."""
    ids = {
        "assistant_id": list(db.session.scalars(text("SELECT id FROM assistant"))),
        "voice_id": [9001, 9007, 9043, 9103, 9140, 20_001],
        "plan_id": list(db.session.scalars(text("SELECT id FROM clean_up_plan"))),
        "operation_id": list(db.session.scalars(text("SELECT id FROM operation"))),
        "account_id": list(db.session.scalars(text("SELECT id FROM account"))),
        "format": ["csv"],
        "token": [OPEN_INVITATION, OPEN_PASSWORD_RESET],
    }
    db.session.rollback()
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint != "static":
            yield from built(app, rule, ids)


def built(app: Flask, rule: Rule, ids: Mapping[str, list[Any]]) -> Iterator[str]:
    adapter = app.url_map.bind("localhost")
    if rule.arguments == {"plan_id", "format"}:
        yield from (adapter.build(rule.endpoint, {"plan_id": id, "format": "csv"}) for id in ids["plan_id"])
    elif rule.arguments == {"assistant_id", "format"}:
        yield from (adapter.build(rule.endpoint, {"assistant_id": id, "format": "csv"}) for id in ids["assistant_id"])
    elif rule.arguments:
        (argument,) = rule.arguments
        yield from (adapter.build(rule.endpoint, {argument: value}) for value in ids[argument])
    else:
        yield adapter.build(rule.endpoint)


def test_an_admin_can_open_every_page_and_every_file(upgraded: Flask) -> None:
    client = browser(upgraded, PLATFORM_ADMIN_SESSION)

    found = {address: client.get(address).status_code for address in addresses(upgraded)}

    assert len(found) > 100
    # Who is signed in already is sent on from the sign-in page.
    assert {address: status for address, status in found.items() if status != 200} == {"/sign-in": 303}


def test_the_json_route_answers_the_same_bytes(upgraded: Flask, expected: dict[str, Any]) -> None:
    client = browser(upgraded, PLATFORM_ADMIN_SESSION)

    for address, body in expected["api_responses"].items():
        response = client.get(address)
        assert (response.status_code, response.text) == (200, body), address


def test_sessions_and_their_roles_are_still_valid(upgraded: Flask) -> None:
    operator = browser(upgraded, OPERATOR_SESSION)

    assert operator.get("/account").status_code == 200
    assert operator.get("/voices/9001").status_code == 404  # of an organization in which they have no role any more
    assert upgraded.test_client().get("/account").status_code == 303
    assert check_password("ada@example.com", PASSWORD, by=ADA, now=NOW) == ADA.id


def test_api_keys_still_read_their_organizations(upgraded: Flask) -> None:
    client = upgraded.test_client()

    def ask(assistant: int, key: str) -> int:
        address = f"/api/v1/assistants/{assistant}/cloned-voices"
        return client.get(address, headers={"Authorization": f"Bearer {key}"}).status_code

    assert ask(NORTHWIND_DESK, KEY_OF_TWO_ORGANIZATIONS) == 200
    assert ask(31, KEY_OF_TWO_ORGANIZATIONS) == 200
    assert ask(201, KEY_OF_TWO_ORGANIZATIONS) == 404
    assert ask(201, KEY_OF_ALL_ORGANIZATIONS) == 200


def test_mutes_still_mute(upgraded: Flask, expected: dict[str, Any]) -> None:
    for name, muted in (("shown", False), ("muted", True)):
        queue = list_queue(EVERYTHING, QueueFilters(muted=muted, size=1000), AttentionThresholds(), now=NOW)
        found = [
            [line.ref.kind.value, line.ref.id, [why.finding.reason for why in line.reasons if bool(why.mute) == muted]]
            for line in queue.items
        ]
        assert found == expected["queues"][name]


def voice(id: int) -> ClonedVoice:
    db.session.rollback()
    return db.session.get_one(ClonedVoice, id)


def test_operations_from_before_the_upgrade_can_be_undone(upgraded: Flask) -> None:
    archived, snoozed, noted, assigned = 29, 10, 22, 42
    assert voice(9024).archived_at is not None

    for operation_id in (archived, snoozed, noted, assigned):
        done = undo_operation(EVERYTHING, operation_id, "key", by=ADA, now=NOW)
        assert (done.object_count, list(done.skipped)) == (2 if operation_id == assigned else 1, [])

    assert (voice(9024).status, voice(9024).archived_at) == (VoiceStatus.READY, None)
    assert not db.session.scalars(select(Mute).where(Mute.object_id == 9104)).all()
    assert not db.session.scalars(select(Assignment).where(Assignment.object_id.in_([9060, 9061]))).all()
    last = select(AuditEvent.event_type).where(AuditEvent.object_id == 9010).order_by(AuditEvent.id.desc()).limit(1)
    assert db.session.scalars(last).one() == AuditEventType.NOTE_REMOVED.value


def test_an_undone_operation_from_before_the_upgrade_can_be_redone(upgraded: Flask) -> None:
    undoing = 13  # took back that somebody acknowledged voice 9102

    done = undo_operation(EVERYTHING, undoing, "key", by=ADA, now=NOW)

    assert done.object_count == 1
    mute = db.session.scalars(select(Mute).where(Mute.object_id == 9102)).one()
    assert (mute.reason, mute.kind, mute.muted_by) == ("stuck", "acknowledge", "bob@example.com")


def test_what_changed_after_an_operation_is_still_known(upgraded: Flask) -> None:
    order = ActionRequest(TriageAction.ARCHIVE, (ObjectRef(ObjectKind.VOICE, 9117),), "key", last_seen_operation_id=47)

    done = apply_action(EVERYTHING, order, AttentionThresholds(), by=ADA, now=NOW)

    assert (done.object_count, len(done.skipped)) == (0, 1)  # restored by another person in operation 48


def test_plans_go_on(upgraded: Flask) -> None:
    limits = AttentionThresholds()
    retry_failed_items(EVERYTHING, STARTED_PLAN, now=NOW)
    confirm_plan(EVERYTHING, UNCONFIRMED_PLAN, by=ADA, now=NOW)

    for plan_id in (STARTED_PLAN, UNCONFIRMED_PLAN, CONFIRMED_PLAN):
        resume_plan(EVERYTHING, plan_id, limits, by=ADA, now=NOW, seconds=60)

    started = get_plan(EVERYTHING, STARTED_PLAN, now=NOW)
    assert started.filters.limit == 40
    assert dict(started.states) == {
        ItemState.ARCHIVED: 30,
        ItemState.SKIPPED: 8,
        ItemState.RESTORED: 1,
        ItemState.GONE: 1,
    }
    for plan_id in (UNCONFIRMED_PLAN, CONFIRMED_PLAN):
        assert not get_plan(EVERYTHING, plan_id, now=NOW).count(ItemState.PENDING)


def test_a_started_plan_can_be_undone(upgraded: Flask) -> None:
    undo_plan(EVERYTHING, STARTED_PLAN, by=ADA, now=NOW, seconds=60)

    states = get_plan(EVERYTHING, STARTED_PLAN, now=NOW).states
    assert ItemState.ARCHIVED not in states
    assert states[ItemState.RESTORED] == 2


@pytest.mark.parametrize(
    "change", ["UPDATE audit_event SET note = 'forged' WHERE id = 1", "DELETE FROM audit_event WHERE id = 1"]
)
def test_nobody_can_change_the_audit_log_after_the_upgrade(upgraded: Flask, change: str) -> None:
    with pytest.raises(DatabaseError, match="audit events cannot be changed or deleted"), write_transaction():
        db.session.execute(text(change))


@SQLITE
def test_nobody_can_replace_an_audit_event_after_the_upgrade(upgraded: Flask) -> None:
    with pytest.raises(DatabaseError, match="audit events cannot be changed or deleted"), write_transaction():
        db.session.execute(text("INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event WHERE id = 1"))


def test_voices_are_still_counted_and_found_after_a_write(upgraded: Flask) -> None:
    assert_counted()
    with write_transaction():
        db.session.execute(
            text("UPDATE cloned_voice SET status = 'failed', language = 'fr' WHERE id % 3 = 0 AND archived_at IS NULL")
        )
        db.session.execute(text("DELETE FROM cloned_voice WHERE id % 5 = 0 AND organization_id <> 9"))
    assert_counted()

    found = list_voices(OrganizationId(NORTHWIND), VoiceFilters(text="zoë"), now=NOW)
    assert [row.id for row in found.page.rows] == [9140]


def test_an_id_is_not_given_twice_after_the_upgrade(upgraded: Flask) -> None:
    last = db.session.scalars(text("SELECT max(id) FROM operation")).one()
    db.session.rollback()

    done = apply_action(
        EVERYTHING,
        ActionRequest(TriageAction.NOTE, (ObjectRef(ObjectKind.VOICE, 9001),), "key", 0, "It sounds good."),
        AttentionThresholds(),
        by=ADA,
        now=NOW,
    )

    assert done.id == last + 1


def test_a_step_back_gives_old_names_and_values(old: Flask) -> None:
    before = all_rows()
    migrate()
    upgraded = all_rows()
    go("0005", down=True)
    after = all_rows()
    migrate()
    again = all_rows()

    assert set(after) == set(before)
    for table, rows in before.items():
        sentences = {"deed": {"outcome"}, "plan_item": {"why"}}.get(table, set())
        for name in set(rows[0]) - sentences:
            assert sorted(repr(row[name]) for row in after[table]) == sorted(repr(row[name]) for row in rows), (
                table,
                name,
            )
    assert again == upgraded
    assert set(again) == set(Base.metadata.tables)
