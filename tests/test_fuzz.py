"""Send random input to every page and form, as each role: no request may end in a server error."""

from __future__ import annotations

import re
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from sqlalchemy import delete, update
from werkzeug.routing import Rule

from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD, create_invitation, make_account, make_assistant, make_organization, make_voice
from tests.sources.scenario import describe_source, make_source
from tests.two_tenants import RULES
from voiceadmin.accounts.actions.sessions import create_session
from voiceadmin.accounts.models import Account, Membership
from voiceadmin.accounts.types import Grant
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.audit.types import AuditEventType, ObjectKind, ObjectRef, hash_selection
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, GRANTABLE_ROLES, Role
from voiceadmin.organizations.models import Organization
from voiceadmin.rate_limits.models import TokenBucket
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.types.filters import VoiceOrder
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.web.access import cookie_name

IDS = {"type": "integer", "anyOf": [{"enum": [1, 2, 3, 4, 5, 31]}, {"type": "integer"}]}
VALID_VALUES: dict[str, list[str]] = {  # that a form accepts, so that requests reach the code behind the form
    "email": ["person@example.com", "root@example.com", "new@example.com"],
    "password": [PASSWORD, "wrong password"],
    "old": [PASSWORD, "wrong password"],
    "new": ["another good one", "12345678"],
    "next": ["/assistants?q=x", "//evil.example"],
    "name": ["Status board", ""],
    "organization": ["1", "2", "all"],
    "organizations": ["1", "2", "all"],
    "emails": ["new@example.com", "Ada <ada@example.com>, bo@example.com", "new@example.com\nnew@example.com"],
    "roles": ["1:viewer", "2:admin", "all:platform"],
    "role": [role.slug for role in GRANTABLE_ROLES] + ["none"],
    "expires": ["30", "never"],
    "status": [status.value for status in VoiceStatus],
    "sort": [order.value for order in VoiceOrder],
    "kind": [event_type.value for event_type in AuditEventType] + ["elevenlabs", "burki"],
    "key_variable": ["UPSTREAM_KEY_OF_NO_TEST", "PATH", ""],  # never set, so that nothing is requested
    "address": ["http://127.0.0.1:9", "https://[", "https://elsewhere.example", ""],
    "assistants": ["31, 32", "x", ""],
    "action": [action.value for action in TriageAction],
    "note": ["Looked at it.", ""],
    "assignee": ["1", "none", "me"],
    "ref": ["3", "voice-3", "assistant-31", "voice-4"],
    "row_action": ["archive:voice-3", "assign:voice-3:1", ""],
    "key": ["a key", "another"],
    "last_seen_operation_id": ["0", "5"],
    "count": ["1", "0"],
    "selection_hash": [hash_selection([ObjectRef(ObjectKind.VOICE, 3)]), hash_selection([])],
    "reason": ["failed", "unused", "never-used"],
    "muted": ["yes", ""],
    "after": ["30.1767225600000000.3"],
    "most": ["10", ""],
    "state": ["waiting", "archived", "failed"],
    "price": ["2.00", ""],
    "currency": ["USD", "usd"],
    "as_of": ["2026-05-01", "2027-01-01"],
    **{name: ["1", "2"] for name in ("page", "older", "voice")},
    **{name: ["2026-01-31", "2026-02-30", "2026-12-24"] for name in ("since", "until")},
    **{name: ["elevenlabs", "50", "never"] for name in ("q", "who", "provider", "quality", "use", "language", "size")},
}
ACTION_FIELDS = ("action", "note", "until", "assignee", "key", "last_seen_operation_id", "next")
FIELDS = {  # of the forms, by the start of the path; a path that is not listed gets every field
    "/activity": ("who", "kind", "voice", "since", "until", "older"),
    "/assistants/": ("q", "status", "provider", "quality", "use", "language", "sort", "size", "page"),
    "/assistants": ("q", "organization", "size", "page"),
    "/assistants/<id:assistant_id>/name": ("name",),
    "/assistants/<id:assistant_id>/move": ("organization",),
    "/organizations": ("name", "organization"),
    "/assistants/<id:assistant_id>/voices/all": (
        *("q", "status", "provider", "sort"),
        *ACTION_FIELDS,
        "count",
        "selection_hash",
    ),
    "/account": ("old", "new"),
    "/clean-up": ("organization", "provider", "reason", "most", "key"),
    "/clean-up/plans/": ("state", "page", "count"),
    "/clean-up/prices": ("provider", "price", "currency", "as_of"),
    "/operations": (*ACTION_FIELDS, "ref", "row_action"),
    "/triage": ("reason", "organization", "provider", "assignee", "muted", "size", "after"),
    "/triage/all": ("reason", "organization", "provider", "muted", *ACTION_FIELDS, "count", "selection_hash"),
    "/confirm": ("password", "next"),
    "/links": ("email", "name", "password"),
    "/api-keys": ("name", "organizations", "expires"),
    "/providers": ("organization",),
    "/sources": ("kind", "name", "organization", "address", "key", "key_variable", "assistants"),
    "/people": ("organization", "role"),
    "/people/invite": ("emails", "roles"),
    "/sign-in": ("email", "password", "next"),
    **dict.fromkeys(("/", "/healthz", "/readyz", "/session", "/sign-out", "/voices", "/invitations"), ()),
}


def field_names(path: str) -> tuple[str, ...]:
    """Return the names of the fields that the form at a path takes."""
    longest = max((start for start in FIELDS if path.startswith(start)), key=len)
    return FIELDS[longest] if longest != "/" or path == "/" else tuple(VALID_VALUES)


def field_schemas(path: str) -> dict[str, Any]:
    """Return JSON schemas of the fields of a form: a valid value or any text."""
    return {
        name: {"anyOf": [{"type": "string", "enum": VALID_VALUES[name]}, {"type": "string"}]}
        for name in field_names(path)
    }


def describe_route(rule: Rule, method: str) -> dict[str, Any]:
    """Return an OpenAPI document of one method of one route."""
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
    paths = {path: {method.lower(): describe_operation(rule, method)}}
    return {"openapi": "3.1.0", "info": {"title": "pages", "version": "1"}, "paths": paths}


def describe_operation(rule: Rule, method: str) -> dict[str, Any]:
    """Return the OpenAPI operation of one method of one route."""
    formats = ["csv", "excel", "ndjson", "json"]
    arguments = {"format": {"enum": formats}, "token": {"type": "string", "enum": ["TOKEN", "x"]}}
    operation: dict[str, Any] = {
        "responses": {"default": {"description": "Any"}},
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": arguments.get(name, IDS)}
            for name in rule.arguments
        ],
    }
    schemas = field_schemas(rule.rule)
    if method == "GET":
        operation["parameters"] += [{"name": name, "in": "query", "schema": one} for name, one in schemas.items()]
    else:
        form = {"schema": {"type": "object", "properties": schemas}}
        operation["requestBody"] = {"content": {"application/x-www-form-urlencoded": form}}
    return operation


def restore_accounts(accounts: dict[Role, Account], acme: Organization) -> dict[Role, str]:
    """Restore roles, remove throttling and start a session for each account. Return the session tokens."""
    with write_transaction():
        db.session.execute(delete(TokenBucket))
        db.session.execute(update(Account).values(disabled_at=None))
        db.session.execute(delete(Membership))
        for role, account in accounts.items():
            if role in GRANTABLE_ROLES:
                db.session.add(Membership(account_id=account.id, organization_id=acme.id, role=int(role)))
            db.session.execute(update(Account).where(Account.id == account.id).values(platform=role is Role.PLATFORM))
        return {
            role: create_session(account.id, address="", user_agent="", now=NOW) for role, account in accounts.items()
        }


class Fuzzer:
    """Sends generated requests to one app over two organizations, as each role and as a stranger.

    answers: the role and the status code of each response so far.
    """

    def __init__(self, app: Flask, client: FlaskClient) -> None:
        self.app, self.client = app, client
        self.cookie = cookie_name(app.config["VOICEADMIN"])
        self.acme, globex = make_organization("Acme"), make_organization("Globex")
        make_assistant(self.acme, id=31)
        make_voice(self.acme, id=3)
        make_voice(globex, id=4)
        roles = (Role.PLATFORM, Role.ADMIN, Role.OPERATOR, Role.VIEWER)
        self.accounts = {role: make_account(f"{role.slug}@example.com") for role in roles}
        make_account("person@example.com", roles={self.acme: Role.VIEWER})
        create_api_key(EVERYTHING, "poller", frozenset([self.acme.id]), expires_at=None, by=SHELL, now=NOW)
        source = describe_source(self.acme.id, key_variable="UPSTREAM_KEY_OF_NO_TEST")
        make_source(app.config["VOICEADMIN"], source)
        grant = Grant(self.acme.id, Role.VIEWER)
        self.link = create_invitation(EVERYTHING, "new@example.com", grant, by=SHELL, now=NOW)
        self.tokens = restore_accounts(self.accounts, self.acme)
        self.answers: list[tuple[Role, int]] = []

    def run(self, rule: Rule, method: str, *, examples: int) -> None:
        """Send a number of requests to one method of one route."""
        schema = schemathesis.openapi.from_dict(describe_route(rule, method))
        schema.app = self.app
        (operation,) = schema.get_all_operations()
        assert isinstance(operation, Ok)
        cases = operation.ok().as_strategy()
        # Random text alone seldom gets past a form that has many fields.
        valid = st.fixed_dictionaries(
            {}, optional={name: st.sampled_from(VALID_VALUES[name]) for name in field_names(rule.rule)}
        )
        roles = st.sampled_from([*self.accounts, Role.ANYONE])

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.data())
        def send_each(data: st.DataObject) -> None:
            case, role = data.draw(cases), data.draw(roles)
            self.send(case, method, role, data.draw(st.just(case.body if isinstance(case.body, dict) else {}) | valid))

        send_each()

    def send(self, case: Any, method: str, role: Role, form: dict[str, Any]) -> None:
        """Send one request, and restore the accounts if it may have changed something."""
        case.path_parameters = {k: self.link if v == "TOKEN" else v for k, v in (case.path_parameters or {}).items()}
        self.client.set_cookie(self.cookie, self.tokens.get(role, ""))
        response = self.client.open(case.formatted_path, method=method, query_string=case.query, data=form)
        assert response.status_code < 500, f"{role.slug}: {case.as_curl_command()}"
        self.answers.append((role, response.status_code))
        if method == "POST" and response.status_code < 400:
            self.tokens = restore_accounts(self.accounts, self.acme)


ROUTES = {
    f"{method} {rule.rule}": (rule, method)
    for rule in RULES
    if rule.endpoint != "static"
    and not rule.rule.startswith("/api/")  # the JSON routes have an OpenAPI document of their own
    for method in sorted((rule.methods or set()) & {"GET", "POST"})
}


@pytest.fixture
def fuzzer(app: Flask, anonymous_client: FlaskClient) -> Fuzzer:
    """Return a fuzzer over two organizations."""
    return Fuzzer(app, anonymous_client)


@pytest.mark.fuzz
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("route", ROUTES)
def test_no_request_ends_in_a_server_error(fuzzer: Fuzzer, route: str, long: bool) -> None:
    fuzzer.run(*ROUTES[route], examples=2000 if long else 15)

    assert [status for role, status in fuzzer.answers if role is Role.PLATFORM and status != 403]


@pytest.mark.fuzz
@pytest.mark.timeout(1800)
def test_requests_reach_what_is_behind_the_forms(fuzzer: Fuzzer) -> None:
    for route in ("GET /voices/<id:voice_id>", "GET /links/<token>", "POST /links/<token>", "POST /people/invite"):
        fuzzer.run(*ROUTES[route], examples=40)

    assert {status for _, status in fuzzer.answers} >= {200, 303, 403, 404, 410, 422}
