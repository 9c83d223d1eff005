"""The audit trail: a line for all that is done, in the transaction that does it, final, and without secrets."""

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
from tests.factories import DAY, PASSWORD, make_account, make_assistant, make_organization, make_voice, voice_row
from voiceadmin.accounts.actions import sessions
from voiceadmin.accounts.actions.acceptance import accept_link
from voiceadmin.accounts.actions.links import create_invitation, create_reset_link, create_setup_link
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

pytestmark = pytest.mark.usefixtures("store")

PACKAGE = Path(voiceadmin.__file__).parent
ADA = Actor(ActorKind.ACCOUNT, 7, "Ada@Example.com", "203.0.113.7")
VOICE = AuditTarget(ObjectKind.VOICE, 456, "Lobby “x”")


def trail() -> list[AuditEventRow]:
    """All lines, the oldest first."""
    db.session.rollback()
    return list_activity(anonymous_requester(role=Role.PLATFORM), AuditFilters())[0][::-1]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level("INFO", "voiceadmin.audit"):
        yield caplog


def a_line() -> None:
    record_event_now(AuditEventType.VOICE_REMOVED, VOICE, by=ADA, now=NOW)


# What a line says


def test_a_line_says_who_did_what_to_what_when_and_from_where() -> None:
    record_event_now(
        AuditEventType.VOICE_CHANGED,
        VOICE,
        by=ADA,
        now=NOW,
        organization_id=5,
        before={"name": "Löbby", "score": None},
        after={"name": "Lobby “x”", "score": 0.5, "on": True, "many": [1, 2], "at": NOW},
        note="because",
    )

    assert trail() == [
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
    kept = db.session.execute(select(AuditEvent.actor_key, AuditEvent.before)).one()
    assert (kept.actor_key, "Löbby" in str(kept.before)) == ("ada@example.com", True)


def test_a_line_says_no_more_than_it_knows() -> None:
    record_event_now(AuditEventType.SAMPLE_ADDED, AuditTarget(ObjectKind.DATABASE, None, ""), by=SHELL, now=NOW)

    (row,) = trail()
    assert (row.actor_id, row.address, row.organization_id, row.object_id) == (None, None, None, None)
    assert (row.before, row.after, row.note, row.object_name) == (None, None, "", "")


def test_no_change_is_no_line(log: pytest.LogCaptureFixture) -> None:
    with write_transaction():
        record_events(AuditEventType.VOICE_CHANGED, [], by=SHELL, now=NOW)

    assert (trail(), log.messages) == ([], [])


def test_the_log_has_a_line_for_what_was_done_together(log: pytest.LogCaptureFixture) -> None:
    a_line()
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


# In the same transaction


def invited() -> object:
    return create_invitation(EVERYTHING, "bo@example.com", Grant(None, Role.PLATFORM), by=SHELL, now=NOW)


def the_first(model: type[Account] | type[Organization]) -> int:
    found = db.session.scalars(select(model.id).order_by(model.id)).first()
    assert found is not None
    return found


def signed_in() -> Requester:
    with write_transaction():
        token = sessions.create_session(the_first(Account), address="", user_agent="", now=NOW)
    found = find_session(token, "203.0.113.7")
    assert found is not None
    return found


def importing() -> object:
    data = json.dumps(voice_to_json(voice_row(id=456, name="Other")))
    return import_voices(io.BytesIO(data.encode()), ImportTarget(31), by=SHELL, now=NOW, on_fault=print)


ACTIONS: dict[str, Callable[[], object]] = {
    "setup": lambda: create_setup_link(by=SHELL, now=NOW),
    "invite": invited,
    "reset": lambda: create_reset_link(EVERYTHING, the_first(Account), by=SHELL, now=NOW),
    "role": lambda: change_role(EVERYTHING, the_first(Account), the_first(Organization), Role.ADMIN, by=SHELL, now=NOW),
    "platform": lambda: set_platform_admin(EVERYTHING, the_first(Account), on=True, by=SHELL, now=NOW),
    "disable": lambda: disable_account(EVERYTHING, the_first(Account), by=SHELL, now=NOW),
    "key": lambda: create_api_key(EVERYTHING, "board", None, expires_at=None, by=SHELL, now=NOW),
    "import": importing,
    "sample": lambda: add_sample(NOW, by=SHELL, now=NOW),
    "sign in": lambda: sessions.sign_in(
        "ada@example.com", PASSWORD, address="", user_agent="", idle=timedelta(minutes=1), now=NOW
    ),
    "sign out": lambda: sessions.sign_out(signed_in(), now=NOW),
    "confirm": lambda: sessions.confirm_password(signed_in(), PASSWORD, now=NOW + DAY),
    "password": lambda: change_password(signed_in(), PASSWORD, "something else 5", user_agent="", now=NOW),
}
OWN = {"token_bucket", "account_session"}  # tries are counted before, and these tests begin sessions of their own


def contents() -> dict[str, list[str]]:
    """All that the store holds, row by row."""
    db.session.rollback()
    return {
        table.name: sorted(map(repr, db.session.execute(select(table))))
        for table in db.metadata.sorted_tables
        if table.name not in OWN
    }


@pytest.fixture(params=ACTIONS)
def action(request: pytest.FixtureRequest) -> Callable[[], object]:
    """Each of the actions, over a store in which it makes sense."""
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


def test_what_is_done_and_its_line_are_there_together_or_not_at_all(
    action: Callable[[], object], log: pytest.LogCaptureFixture
) -> None:
    before = contents()

    def failing(connection: Any) -> None:
        lines = connection.execute(text("SELECT count(*) FROM audit_event")).scalar()
        if lines:
            raise OSError("the disk is full")

    event.listen(db.engine, "commit", failing)
    with pytest.raises(OSError, match="the disk is full"):
        action()
    event.remove(db.engine, "commit", failing)

    assert contents() == before
    assert log.messages == []

    action()

    assert contents() != before
    assert contents()["audit_event"] != []
    assert len(log.messages) >= 1


def test_a_line_that_cannot_be_written_undoes_what_was_done(
    action: Callable[[], object],
) -> None:
    before = contents()

    def full(connection: Any, cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO audit_event"):
            raise OSError("the disk is full")

    event.listen(db.engine, "before_cursor_execute", full)
    with pytest.raises(OSError, match="the disk is full"):
        action()
    event.remove(db.engine, "before_cursor_execute", full)

    assert contents() == before


def test_what_fails_behind_a_line_takes_it_back(log: pytest.LogCaptureFixture) -> None:
    def fails() -> None:
        with write_transaction():
            record_event(AuditEventType.VOICE_REMOVED, VOICE, by=ADA, now=NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()

    assert (trail(), log.messages) == ([], [])


# Final


EVERYWHERE = [
    "UPDATE audit_event SET note = 'other'",
    "UPDATE audit_event SET id = id + 1000",
    "DELETE FROM audit_event",
    "DELETE FROM audit_event WHERE id = 1",
]
OF_ONE = {
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


def test_nothing_alters_or_removes_a_line() -> None:
    a_line()
    record_event_now(AuditEventType.SAMPLE_ADDED, VOICE, by=SHELL, now=NOW)
    before = trail()

    for statement in EVERYWHERE + OF_ONE[db.engine.dialect.name]:
        with pytest.raises(DatabaseError, match="audit events cannot be changed or deleted"), write_transaction():
            db.session.execute(text(statement))
        assert trail() == before, statement


def test_nothing_is_written_over_a_line() -> None:
    a_line()
    before = trail()
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

    assert trail() == before


def test_lines_go_on_after_one_was_refused() -> None:
    a_line()
    with pytest.raises(DatabaseError), write_transaction():
        db.session.execute(text("DELETE FROM audit_event"))
    a_line()

    assert len(trail()) == 2


def test_no_code_of_ours_alters_or_removes_a_line() -> None:
    wrong = []
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name == "versions":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                given = {argument.id for argument in node.args if isinstance(argument, ast.Name)}
                if (
                    name in {"update", "delete", "upsert_statement", "upsert_rows", "get", "get_one"}
                    and "AuditEvent" in given
                ):
                    wrong.append((path.name, node.lineno))
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                sql = re.search(r"(?i)\b(update|delete|truncate|replace|drop|alter)\b[^.]*\baudit_event", node.value)
                if sql:
                    wrong.append((path.name, node.lineno))

    assert wrong == []


def test_only_the_trail_writes_into_the_table() -> None:
    writes = re.compile(r"\b(insert|update|delete|upsert_statement|upsert_rows)\(AuditEvent\b|\bAuditLine\(")

    writers = {
        str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if writes.search(path.read_text("utf-8"))
    }

    assert writers - {"audit/models.py"} == {"audit/actions.py"}


# Secrets


def test_no_line_and_no_log_holds_a_secret(log: pytest.LogCaptureFixture) -> None:
    acme = make_organization("Acme")
    ada = make_account("ada@example.com", platform=True)
    by = Actor(ActorKind.ACCOUNT, ada.id, ada.email, "203.0.113.7")
    new, other, wrong = "first new secret", "second new secret", "wrong wrong secret"
    stranger = Actor(ActorKind.ANONYMOUS, None, "", "203.0.113.7")
    limits: dict[str, Any] = {"address": "203.0.113.7", "user_agent": "x", "idle": DAY, "now": NOW}

    grant = Grant(acme.id, Role.ADMIN)
    invitation = create_invitation(EVERYTHING, "bo@example.com", grant, by=by, now=NOW)
    joined = accept_link(invitation, email="", name="Bo", password=new, by=stranger, user_agent="x", now=NOW)
    requester = find_session(joined, "203.0.113.7")
    assert requester is not None
    assert requester.account_id is not None
    sessions.confirm_password(requester, new, now=NOW)
    for attempt in ("bo@example.com", "nobody@example.com"):
        with pytest.raises(SignInRefused):
            sessions.sign_in(attempt, wrong, **limits)
    changed = change_password(requester, new, other, user_agent="x", now=NOW)
    reset = create_reset_link(EVERYTHING, requester.account_id, by=by, now=NOW)
    renewed = accept_link(reset, email="", name="", password=PASSWORD, by=stranger, user_agent="x", now=NOW)
    entered = sessions.sign_in("bo@example.com", PASSWORD, **limits)
    key = create_api_key(EVERYTHING, "board", None, expires_at=None, by=by, now=NOW)
    revoke_api_key(EVERYTHING, 1, by=by, now=NOW)

    written = json.dumps([[str(value) for value in row] for row in trail()], ensure_ascii=False) + log.text
    kept = {
        row for column in (Account.password_hash, OneTimeLink.token_hash) for row in db.session.scalars(select(column))
    }
    secrets = {invitation, joined, changed, reset, renewed, entered, key, key[9:], new, other, wrong, PASSWORD}
    assert len(trail()) == 12
    assert {secret for secret in secrets | kept if secret in written} == set()
