"""The log: one line per event, written after the commit, without secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD
from tests.two_tenants import TwoTenants, build_two_tenants, cookie_of, rows_of
from voiceadmin.audit.actions import record_event, record_event_now
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import Actor, ActorKind
from voiceadmin.server.logs import JsonLines, configure_logs

JSON_ROUTE = "/api/v1/assistants/31/cloned-voices"
MULTILINE = 'a\r\nb\x1b[31mc\x00d\x85e\u2028f\u2029g\x0bh"}\n{"at"'
VOICE = AuditTarget(ObjectKind.VOICE, 3, "Anna")


@pytest.fixture
def tenants(app: Flask, now: Any) -> Iterator[TwoTenants]:
    """Two organizations and an account of every role."""
    with build_two_tenants(app) as tenants:
        yield tenants


@pytest.fixture
def program_logger() -> Iterator[logging.Logger]:
    """The logger of the program. Its configuration is restored after the test."""
    logger = logging.getLogger("voiceadmin")
    handlers, propagate, level = logger.handlers, logger.propagate, logger.level
    yield logger
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)


def format_line(message: str, *arguments: object, exc_info: Any = None) -> str:
    return JsonLines().format(
        logging.LogRecord("voiceadmin.x", logging.WARNING, __file__, 1, message, arguments, exc_info)
    )


@pytest.mark.parametrize("text", [MULTILINE, "\ud800", "😀", "%s", "x" * 100_000])
def test_a_log_event_is_one_line_for_any_text(text: str) -> None:
    try:
        raise ValueError(text)
    except ValueError:
        line = format_line("Said %s", text, exc_info=sys.exc_info())

    assert len(line.splitlines()) == 1
    assert line.isascii()
    assert line.isprintable()
    event = json.loads(line)
    assert event["message"] == f"Said {text}"
    assert f"ValueError: {text}" in event["traceback"]
    assert list(event) == ["at", "level", "logger", "message", "traceback"]
    assert (event["level"], event["logger"]) == ("warning", "voiceadmin.x")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", event["at"])


def test_messages_are_written_to_standard_error_once(
    program_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs()
    configure_logs()

    logging.getLogger("voiceadmin.audit").info("done")
    program_logger.debug("too much")
    program_logger.error(MULTILINE)

    out, err = capsys.readouterr()
    assert out == ""
    assert [json.loads(line)["message"] for line in err.splitlines()] == ["done", MULTILINE]


# Audit events in the log


def audit_messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "voiceadmin.audit"]


def test_an_audit_event_is_logged_after_the_commit(app: Flask, now: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="voiceadmin")

    with write_transaction():
        record_event(AuditEventType.VOICE_CHANGED, VOICE, by=SHELL, now=NOW)
        assert audit_messages(caplog) == []

    assert audit_messages(caplog) == ['voice-changed: cli "tester" from the command line, voice 3 "Anna"']
    assert len(rows_of("audit_event")) == 1


def test_an_event_of_a_failed_transaction_is_neither_stored_nor_logged(
    app: Flask, now: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="voiceadmin")

    def fail() -> None:
        with write_transaction():
            record_event(AuditEventType.VOICE_CHANGED, VOICE, by=SHELL, now=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    record_event_now(AuditEventType.VOICE_REMOVED, VOICE, by=SHELL, now=NOW)

    assert [line.partition(":")[0] for line in audit_messages(caplog)] == ["voice-removed"]
    assert [line["event_type"] for line in rows_of("audit_event")] == ["voice-removed"]


def test_names_cannot_start_a_new_log_line(app: Flask, now: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="voiceadmin")

    name = MULTILINE.replace("\0", "")  # PostgreSQL rejects NUL
    by = Actor(ActorKind.ACCOUNT, 1, name, "127.0.0.1")

    record_event_now(AuditEventType.VOICE_CHANGED, AuditTarget(ObjectKind.VOICE, 3, name), by=by, now=NOW)

    (line,) = audit_messages(caplog)
    assert line.isprintable(), line


# Secrets


def test_no_secret_is_logged(
    tenants: TwoTenants, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG, logger="voiceadmin")
    tenants.app.config["PROPAGATE_EXCEPTIONS"] = False
    secrets, form = [PASSWORD, "wrong cipher", "a horse of my own", "new cipher staple", "cipher"], dict[str, Any]
    guest, admin = tenants.app.test_client(), tenants.app.test_client()
    viewer, root, operator = (tenants.people[who] for who in ("viewer", "platform", "operator"))

    guest.post("/sign-in?q=cipher", data=form(email=viewer.email, password="wrong cipher", next="/cipher"))
    admin.post("/sign-in", data=form(email=root.email, password=PASSWORD))
    secrets.append(cookie_of(admin))
    for _ in range(12):
        guest.post("/sign-in", data=form(email=operator.email, password="wrong cipher"))
    admin.post("/confirm", data=form(password="wrong cipher"))
    admin.post("/confirm", data=form(password=PASSWORD))
    created = admin.post("/api-keys/new", data=form(name="New", organizations=[tenants.acme.id], expires="30"))
    invited = admin.post("/people/invite", data=form(emails="g@acme.example", roles=f"{tenants.acme.id}:viewer"))
    reset = admin.post(f"/people/{viewer.id}/reset")
    (key,) = set(re.findall(r"va_[\w-]{43}", created.text))
    links = [re.findall(r"/links/([\w-]{43})", page.text)[0] for page in (invited, reset)]
    secrets += [key, *links]
    client = tenants.app.test_client()
    for header in (key, key + "x", tenants.keys["globex"]):
        secrets.append(header)
        for _ in range(60):
            client.get(f"{JSON_ROUTE}?provider=cipher", headers={"Authorization": f"Bearer {header}"})
    client.get(JSON_ROUTE, headers={"Authorization": "Basic cipher"})
    admin.post(f"/api-keys/{rows_of('api_key')[-1]['id']}/revoke")
    client.get(JSON_ROUTE, headers={"Authorization": f"Bearer {key}"})
    for link in links:
        for headers in ({"Host": "evil.example"}, {"Origin": "null"}):
            guest.post(f"/links/{link}?q=cipher", headers=headers, data=form(password="a horse of my own"))
        guest.post(f"/links/{link}", data=form(password="cipher"))
        guest.post(f"/links/{link}", data=form(password="a horse of my own"))
        guest.post(f"/links/{link}", data=form(password="a horse of my own"))
        secrets.append(cookie_of(guest))
    admin.post(f"/people/{operator.id}/role", data=form(organization=tenants.acme.id, role="admin"))
    admin.get("/activity.csv?who=cipher")
    guest.get("/people?q=cipher")
    guest.post("/account/password", data=form(old="a horse of my own", new="new cipher staple"))
    guest.post("/assistants?q=cipher", headers={"Cookie": "cipher=cipher", "User-Agent": "cipher"})

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("voiceadmin.accounts.views.sign_in.find_link", fail)
    assert guest.get(f"/links/{links[0]}?q=cipher").status_code == 500
    guest.post("/sign-out")

    logged = caplog.text + "".join(JsonLines().format(record) for record in caplog.records)
    words = {line.partition(":")[0] for line in audit_messages(caplog)}
    assert {"sign-in-failed", "rate-limited", "key-created", "key-revoked", "link-created", "account-created"} <= words
    assert {
        "password-confirmed",
        "password-confirmation-failed",
        "password-changed",
        "role-changed",
        "activity-exported",
    } <= words
    assert "Refused an API key" in logged
    assert "ZeroDivisionError" in logged
    assert [secret for secret in secrets if secret in logged] == []
    hashed = [row["token_hash"] for table in ("account_session", "api_key", "one_time_link") for row in rows_of(table)]
    assert [text for text in (*hashed, "argon2") if text in logged] == []
