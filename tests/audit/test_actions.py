"""The audit log: every change is recorded in its own transaction, immutably and without secrets."""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, text
from sqlalchemy.exc import DatabaseError

import voiceadmin
from tests.conftest import NOW, SHELL
from tests.factories import (
    DAY,
    PASSWORD,
    create_invitation,
    make_account,
    make_assistant,
    make_organization,
    make_voice,
    voice_row,
)
from voiceadmin.accounts.actions import sessions
from voiceadmin.accounts.actions.acceptance import accept_link
from voiceadmin.accounts.actions.links import create_reset_link, create_setup_link
from voiceadmin.accounts.actions.passwords import change_password
from voiceadmin.accounts.actions.roles import change_role, set_platform_admin
from voiceadmin.accounts.actions.state import disable_account
from voiceadmin.accounts.models import Account, OneTimeLink
from voiceadmin.accounts.queries.credentials import find_session
from voiceadmin.accounts.types import Grant
from voiceadmin.activity.queries import list_activity
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.audit.actions import record_event, record_event_now, record_events
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventRow, AuditEventType, AuditFilters, AuditTarget, ObjectKind
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.errors import SignInRefused
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Requester, Role, anonymous_requester
from voiceadmin.organizations.models import Organization
from voiceadmin.sample.actions import add_sample
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.json_body import voice_to_json

pytestmark = pytest.mark.usefixtures("app")

PACKAGE = Path(voiceadmin.__file__).parent
ADA = Actor(ActorKind.ACCOUNT, 7, "Ada@Example.com", "203.0.113.7")
VOICE = AuditTarget(ObjectKind.VOICE, 456, "Lobby “x”")


def list_audit_events() -> list[AuditEventRow]:
    """Return all audit events, oldest first."""
    db.session.rollback()
    return list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0][::-1]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level("INFO", "voiceadmin.audit"):
        yield caplog


def record_one_event() -> None:
    record_event_now(AuditEventType.VOICE_REMOVED, VOICE, by=ADA, now=NOW)


# Contents of an event


def test_an_event_has_actor_action_object_time_and_address() -> None:
    record_event_now(
        AuditEventType.VOICE_CHANGED,
        VOICE,
        by=ADA,
        now=NOW,
        organizations=[5],
        before={"name": "Löbby", "score": None},
        after={"name": "Lobby “x”", "score": 0.5, "on": True, "many": [1, 2], "at": NOW},
        note="because",
    )

    assert list_audit_events() == [
        AuditEventRow(
            id=1,
            at=NOW,
            actor_kind=ActorKind.ACCOUNT,
            actor_id=7,
            actor_name="Ada@Example.com",
            address="203.0.113.7",
            event_type=AuditEventType.VOICE_CHANGED,
            organization_id=5,
            object_kind=ObjectKind.VOICE,
            object_id=456,
            object_name="Lobby “x”",
            before={"name": "Löbby", "score": None},
            after={"name": "Lobby “x”", "score": 0.5, "on": True, "many": [1, 2], "at": str(NOW)},
            note="because",
        )
    ]
    stored = db.session.execute(select(AuditEvent.actor_key, AuditEvent.before)).one()
    assert (stored.actor_key, "Löbby" in str(stored.before)) == ("ada@example.com", True)


def test_unknown_values_of_an_event_are_empty() -> None:
    record_event_now(AuditEventType.SAMPLE_ADDED, AuditTarget(ObjectKind.DATABASE, None, ""), by=SHELL, now=NOW)

    (row,) = list_audit_events()
    assert (row.actor_id, row.address, row.organization_id, row.object_id) == (None, None, None, None)
    assert (row.before, row.after, row.note, row.object_name) == (None, None, "", "")


def test_an_empty_list_of_changes_records_no_event(log: pytest.LogCaptureFixture) -> None:
    with write_transaction():
        record_events(AuditEventType.VOICE_CHANGED, [], by=SHELL, now=NOW)

    assert (list_audit_events(), log.messages) == ([], [])


def test_the_log_has_one_line_per_group_of_events(log: pytest.LogCaptureFixture) -> None:
    record_one_event()
    changes = [(AuditTarget(ObjectKind.VOICE, number, "a\nb"), 1, None, {"n": number}) for number in range(1200)]
    with write_transaction():
        record_events(AuditEventType.VOICE_CHANGED, changes, by=SHELL, now=NOW, note="import")
        assert len(log.messages) == 1
    record_event_now(AuditEventType.VOICE_CHANGED, AuditTarget(ObjectKind.VOICE, 9, "a\nb"), by=SHELL, now=NOW)

    assert log.messages == [
        'voice-removed: account "Ada@Example.com" from 203.0.113.7, voice 456 "Lobby “x”"',
        'voice-changed: cli "tester" from the command line, 1,200 objects',
        'voice-changed: cli "tester" from the command line, voice 9 "a\\nb"',
    ]
    db.session.rollback()
    assert db.session.scalar(select(func.count()).where(AuditEvent.note == "import")) == 1200


def test_many_events_are_written_by_few_statements() -> None:
    sent: list[int] = []

    @event.listens_for(db.engine, "before_cursor_execute")
    def count(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.startswith("INSERT INTO audit_event "):
            sent.append(len(parameters) if many else 1)

    changes = [(AuditTarget(ObjectKind.VOICE, number, str(number)), 1, None, None) for number in range(1, 1026)]
    with write_transaction():
        record_events(AuditEventType.NOTE_ADDED, changes, by=ADA, now=NOW)

    assert sum(sent) < len(changes) / 10
    stored = db.session.execute(select(AuditEvent.id, AuditEvent.object_id).order_by(AuditEvent.id)).all()
    assert [tuple(row) for row in stored] == [(number, number) for number in range(1, 1026)]


# Transactions


def invite() -> object:
    return create_invitation(EVERYTHING, "bo@example.com", Grant(None, Role.PLATFORM), by=SHELL, now=NOW)


def first_id(model: type[Account] | type[Organization]) -> int:
    found = db.session.scalars(select(model.id).order_by(model.id)).first()
    assert found is not None
    return found


def start_session() -> Requester:
    with write_transaction():
        token = sessions.create_session(first_id(Account), address="", user_agent="", now=NOW)
    found = find_session(token, "203.0.113.7")
    assert found is not None
    return found


def import_voice() -> object:
    data = json.dumps(voice_to_json(voice_row(id=456, name="Other")))
    return import_voices(io.BytesIO(data.encode()), ImportTarget(31), by=SHELL, now=NOW, on_fault=print)


ACTIONS: dict[str, Callable[[], object]] = {
    "setup": lambda: create_setup_link(by=SHELL, now=NOW),
    "invite": invite,
    "reset": lambda: create_reset_link(EVERYTHING, first_id(Account), by=SHELL, now=NOW),
    "role": lambda: change_role(EVERYTHING, first_id(Account), first_id(Organization), Role.ADMIN, by=SHELL, now=NOW),
    "platform": lambda: set_platform_admin(EVERYTHING, first_id(Account), on=True, by=SHELL, now=NOW),
    "disable": lambda: disable_account(EVERYTHING, first_id(Account), by=SHELL, now=NOW),
    "key": lambda: create_api_key(EVERYTHING, "board", None, expires_at=None, by=SHELL, now=NOW),
    "import": import_voice,
    "sample": lambda: add_sample(NOW, by=SHELL, now=NOW),
    "sign in": lambda: sessions.sign_in(
        "ada@example.com", PASSWORD, address="", user_agent="", idle=timedelta(minutes=1), now=NOW
    ),
    "sign out": lambda: sessions.sign_out(start_session(), now=NOW),
    "confirm": lambda: sessions.confirm_password(start_session(), PASSWORD, now=NOW + DAY),
    "password": lambda: change_password(start_session(), PASSWORD, "something else 5", user_agent="", now=NOW),
}
# Attempts are counted before the transaction, and these tests start sessions.
EXCLUDED_TABLES = {"token_bucket", "account_session"}


def dump() -> dict[str, list[str]]:
    """Return all rows of the database except the excluded tables, by table."""
    db.session.rollback()
    return {
        table.name: sorted(map(repr, db.session.execute(select(table))))
        for table in db.metadata.sorted_tables
        if table.name not in EXCLUDED_TABLES
    }


@pytest.fixture(params=ACTIONS)
def action(request: pytest.FixtureRequest) -> Callable[[], object]:
    """Return each of the actions, with the rows that it needs in the database."""
    if request.param != "setup":
        acme = make_organization("Acme")
        make_assistant(acme, id=31)
        make_voice(acme, id=456, name="Lobby", provider="inworld")
        make_account("ada@example.com")
    if request.param == "sample":
        with write_transaction():
            db.session.execute(text("DELETE FROM cloned_voice"))
            db.session.execute(text("DELETE FROM assistant"))
    return ACTIONS[str(request.param)]


@pytest.mark.slow
def test_a_change_and_its_event_are_committed_together_or_not_at_all(
    action: Callable[[], object], log: pytest.LogCaptureFixture
) -> None:
    before = dump()

    def fail_on_commit(connection: Any) -> None:
        event_count = connection.execute(text("SELECT count(*) FROM audit_event")).scalar()
        if event_count:
            raise OSError("the disk is full")

    event.listen(db.engine, "commit", fail_on_commit)
    with pytest.raises(OSError, match="the disk is full"):
        action()
    event.remove(db.engine, "commit", fail_on_commit)

    assert dump() == before
    assert log.messages == []

    action()

    assert dump() != before
    assert dump()["audit_event"] != []
    assert len(log.messages) >= 1


def test_a_change_is_rolled_back_when_its_event_cannot_be_written(
    action: Callable[[], object],
) -> None:
    before = dump()

    def fail_on_insert(connection: Any, cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO audit_event"):
            raise OSError("the disk is full")

    event.listen(db.engine, "before_cursor_execute", fail_on_insert)
    with pytest.raises(OSError, match="the disk is full"):
        action()
    event.remove(db.engine, "before_cursor_execute", fail_on_insert)

    assert dump() == before


def test_an_event_is_rolled_back_when_its_transaction_fails(log: pytest.LogCaptureFixture) -> None:
    def record_and_fail() -> None:
        with write_transaction():
            record_event(AuditEventType.VOICE_REMOVED, VOICE, by=ADA, now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        record_and_fail()

    assert (list_audit_events(), log.messages) == ([], [])


# Immutability


STATEMENTS = [
    "UPDATE audit_event SET note = 'other'",
    "UPDATE audit_event SET id = id + 1000",
    "DELETE FROM audit_event",
    "DELETE FROM audit_event WHERE id = 1",
]
STATEMENTS_BY_DIALECT = {
    "sqlite": [
        "INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event",
        "REPLACE INTO audit_event SELECT * FROM audit_event LIMIT 1",
        "UPDATE OR REPLACE audit_event SET note = 'other'",
    ],
    "postgresql": [
        "TRUNCATE audit_event",
        "TRUNCATE account, audit_event CASCADE",
    ],
}


def test_an_event_cannot_be_changed_or_deleted() -> None:
    record_one_event()
    record_event_now(AuditEventType.SAMPLE_ADDED, VOICE, by=SHELL, now=NOW)
    before = list_audit_events()

    for statement in STATEMENTS + STATEMENTS_BY_DIALECT[db.engine.dialect.name]:
        with pytest.raises(DatabaseError, match="audit events cannot be changed or deleted"), write_transaction():
            db.session.execute(text(statement))
        assert list_audit_events() == before, statement


def test_an_event_cannot_be_overwritten() -> None:
    record_one_event()
    before = list_audit_events()
    values = {column.name: None for column in AuditEvent.__table__.columns} | {
        "id": 1,
        "at": NOW,
        **dict.fromkeys(
            ["actor_kind", "actor_name", "actor_key", "event_type", "object_kind", "object_name", "note"], "x"
        ),
    }

    with pytest.raises(DatabaseError), write_transaction():
        db.session.execute(insert(AuditEvent), [values])
    with pytest.raises(DatabaseError, match="audit events cannot be changed or deleted"), write_transaction():
        db.session.execute(upsert_statement(AuditEvent), [values])

    assert list_audit_events() == before


def test_events_are_recorded_after_a_refused_statement() -> None:
    record_one_event()
    with pytest.raises(DatabaseError), write_transaction():
        db.session.execute(text("DELETE FROM audit_event"))
    record_one_event()

    assert len(list_audit_events()) == 2


def test_no_code_changes_or_deletes_events() -> None:
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name == "versions":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                arguments = {argument.id for argument in node.args if isinstance(argument, ast.Name)}
                if (
                    name in {"update", "delete", "upsert_statement", "upsert_rows", "get", "get_one"}
                    and "AuditEvent" in arguments
                ):
                    wrong.append((path.name, node.lineno))
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                sql = re.search(r"(?i)\b(update|delete|truncate|replace|drop|alter)\b[^.]*\baudit_event", node.value)
                if sql:
                    wrong.append((path.name, node.lineno))

    assert wrong == []


def test_only_audit_actions_write_to_the_table() -> None:
    writes = re.compile(
        r"\b(insert|insert_rows|update|delete|upsert_statement|upsert_rows)\(AuditEvent\b|\bAuditLine\("
    )

    writers = {
        str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if writes.search(path.read_text("utf-8"))
    }

    assert writers - {"audit/models.py"} == {"audit/actions.py"}


# Secrets


def test_no_event_and_no_log_line_contains_a_secret(log: pytest.LogCaptureFixture) -> None:
    acme = make_organization("Acme")
    ada = make_account("ada@example.com", platform=True)
    by = Actor(ActorKind.ACCOUNT, ada.id, ada.email, "203.0.113.7")
    new, other, wrong = "first new secret", "second new secret", "wrong wrong secret"
    anonymous_client = Actor(ActorKind.ANONYMOUS, None, "", "203.0.113.7")
    options: dict[str, Any] = {"address": "203.0.113.7", "user_agent": "x", "idle": DAY, "now": NOW}

    grant = Grant(acme.id, Role.ADMIN)
    invitation = create_invitation(EVERYTHING, "bo@example.com", grant, by=by, now=NOW)
    joined = accept_link(invitation, email="", name="Bo", password=new, by=anonymous_client, user_agent="x", now=NOW)[0]
    requester = find_session(joined, "203.0.113.7")
    assert requester is not None
    assert requester.account_id is not None
    sessions.confirm_password(requester, new, now=NOW)
    for attempt in ("bo@example.com", "unknown@example.com"):
        with pytest.raises(SignInRefused):
            sessions.sign_in(attempt, wrong, **options)
    changed = change_password(requester, new, other, user_agent="x", now=NOW)
    reset = create_reset_link(EVERYTHING, requester.account_id, by=by, now=NOW)
    renewed = accept_link(reset, email="", name="", password=PASSWORD, by=anonymous_client, user_agent="x", now=NOW)[0]
    signed_in = sessions.sign_in("bo@example.com", PASSWORD, **options)
    key = create_api_key(EVERYTHING, "board", None, expires_at=None, by=by, now=NOW)
    revoke_api_key(EVERYTHING, 1, by=by, now=NOW)

    written = json.dumps([[str(value) for value in row] for row in list_audit_events()], ensure_ascii=False) + log.text
    stored = {
        row for column in (Account.password_hash, OneTimeLink.token_hash) for row in db.session.scalars(select(column))
    }
    secrets = {invitation, joined, changed, reset, renewed, signed_in, key, key[9:], new, other, wrong, PASSWORD}
    assert len(list_audit_events()) == 12
    assert {secret for secret in secrets | stored if secret in written} == set()
