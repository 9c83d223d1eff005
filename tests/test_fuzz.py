"""Every page and every form under a fuzzer, on behalf of everybody: whatever is sent, the answer is one of ours."""

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
from sqlalchemy import delete, text, update
from werkzeug.routing import Rule

from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD, make_account, make_assistant, make_organization, make_voice
from tests.two_tenants import RULES
from voiceadmin.accounts.actions.links import create_invitation
from voiceadmin.accounts.actions.sessions import create_session
from voiceadmin.accounts.models import Account
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
WORDS: dict[str, list[str]] = {  # what gets past a form, so that the fuzzer comes to what lies behind it
    "email": ["person@example.com", "root@example.com", "new@example.com"],
    "password": [PASSWORD, "wrong password"],
    "old": [PASSWORD, "wrong password"],
    "new": ["another good one", "12345678"],
    "next": ["/assistants?q=x", "//evil.example"],
    "name": ["Status board", ""],
    "organization": ["1", "2", "all"],
    "organizations": ["1", "2", "all"],
    "role": [role.slug for role in GRANTABLE_ROLES] + ["none"],
    "expires": ["30", "never"],
    "status": [status.value for status in VoiceStatus],
    "sort": [order.value for order in VoiceOrder],
    "kind": [word.value for word in AuditEventType],
    "action": [act.value for act in TriageAction],
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
ACTING = ("action", "note", "until", "assignee", "key", "last_seen_operation_id", "next")
FIELDS = {  # of the forms, by the beginning of an address; one that is not here may get every word
    "/activity": ("who", "kind", "voice", "since", "until", "older"),
    "/assistants/": ("q", "status", "provider", "quality", "use", "language", "sort", "size", "page"),
    "/assistants": ("q", "organization", "size", "page"),
    "/assistants/<id:assistant_id>/voices/all": (
        *("q", "status", "provider", "sort"),
        *ACTING,
        "count",
        "selection_hash",
    ),
    "/account": ("old", "new"),
    "/clean-up": ("organization", "provider", "reason", "most", "key"),
    "/clean-up/plans/": ("state", "page", "count"),
    "/clean-up/prices": ("provider", "price", "currency", "as_of"),
    "/operations": (*ACTING, "ref", "row_action"),
    "/triage": ("reason", "organization", "provider", "assignee", "muted", "size", "after"),
    "/triage/all": ("reason", "organization", "provider", "muted", *ACTING, "count", "selection_hash"),
    "/confirm": ("password", "next"),
    "/links": ("email", "name", "password"),
    "/api-keys": ("name", "organizations", "expires"),
    "/providers": ("organization",),
    "/people": ("email", "organization", "role"),
    "/sign-in": ("email", "password", "next"),
    **dict.fromkeys(("/", "/healthz", "/readyz", "/session", "/sign-out", "/voices", "/invitations"), ()),
}


def fields(path: str) -> dict[str, Any]:
    """Schemas of what a form of this address takes: words that it knows, or any text."""
    found = max((beginning for beginning in FIELDS if path.startswith(beginning)), key=len)
    names = FIELDS[found] if found != "/" or path == "/" else tuple(WORDS)
    return {name: {"anyOf": [{"type": "string", "enum": WORDS[name]}, {"type": "string"}]} for name in names}


OPERATIONS = [
    pytest.param(rule, method, id=f"{method} {rule.rule}")
    for rule in RULES
    if rule.endpoint != "static"
    and not rule.rule.startswith("/api/")  # the JSON routes have a description of their own
    for method in sorted((rule.methods or set()) & {"GET", "POST"})
]


def document(rule: Rule, method: str) -> dict[str, Any]:
    """A description of one method of one page or form, made from its route."""
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
    paths = {path: {method.lower(): operation(rule, method)}}
    return {"openapi": "3.1.0", "info": {"title": "pages", "version": "1"}, "paths": paths}


def operation(rule: Rule, method: str) -> dict[str, Any]:
    """One method of one route."""
    words = {"format": {"enum": ["csv", "ndjson", "json"]}, "token": {"type": "string", "enum": ["TOKEN", "x"]}}
    described: dict[str, Any] = {
        "responses": {"default": {"description": "Any"}},
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": words.get(name, IDS)} for name in rule.arguments
        ],
    }
    known = fields(rule.rule)
    if method == "GET":
        described["parameters"] += [{"name": name, "in": "query", "schema": one} for name, one in known.items()]
    else:
        form = {"schema": {"type": "object", "properties": known}}
        described["requestBody"] = {"content": {"application/x-www-form-urlencoded": form}}
    return described


def refill(people: dict[Role, Account], acme: Organization) -> dict[Role, str]:
    """Everybody as they were, nobody throttled, and a new session for each; the token of each cookie."""
    with write_transaction():
        db.session.execute(delete(TokenBucket))
        db.session.execute(update(Account).values(disabled_at=None))
        db.session.execute(text("DELETE FROM membership"))
        for role, account in people.items():
            if role in GRANTABLE_ROLES:
                values = {"account": account.id, "organization": acme.id, "role": int(role)}
                db.session.execute(text("INSERT INTO membership VALUES (:account, :organization, :role)"), values)
            db.session.execute(update(Account).where(Account.id == account.id).values(platform=role is Role.PLATFORM))
        return {
            role: create_session(account.id, address="", user_agent="", now=NOW) for role, account in people.items()
        }


@pytest.mark.fuzz
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("rule", "method"), OPERATIONS)
def test_nothing_that_anybody_sends_breaks_a_page(
    store: Flask, stranger: FlaskClient, rule: Rule, method: str, long: bool
) -> None:
    acme, globex = make_organization("Acme"), make_organization("Globex")
    make_assistant(acme, id=31)
    make_voice(acme, id=3)
    make_voice(globex, id=4)
    people = {
        role: make_account(f"{role.slug}@example.com")
        for role in (Role.PLATFORM, Role.ADMIN, Role.OPERATOR, Role.VIEWER)
    }
    make_account("person@example.com", roles={acme: Role.VIEWER})
    create_api_key(EVERYTHING, "poller", frozenset([acme.id]), expires_at=None, by=SHELL, now=NOW)
    link = create_invitation(EVERYTHING, "new@example.com", Grant(acme.id, Role.VIEWER), by=SHELL, now=NOW)
    schema = schemathesis.openapi.from_dict(document(rule, method))
    schema.app = store
    (found,) = schema.get_all_operations()
    assert isinstance(found, Ok)
    strategy = found.ok().as_strategy()
    # What a form knows, in every field or in some: the fuzzer alone seldom gets past one that has many.
    known = st.fixed_dictionaries({}, optional={name: st.sampled_from(WORDS[name]) for name in fields(rule.rule)})
    cookie = cookie_name(store.config["VOICEADMIN"])
    tokens, changed, let_in = refill(people, acme), list[Any](), list[Any]()

    @settings(max_examples=2000 if long else 15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def each(data: st.DataObject) -> None:
        case = data.draw(strategy)
        role = data.draw(st.sampled_from([*people, Role.ANYONE]))
        sent = data.draw(st.just(case.body if isinstance(case.body, dict) else {}) | known)
        if changed:
            tokens.update(refill(people, acme))
            changed.clear()
        case.path_parameters = {k: link if v == "TOKEN" else v for k, v in (case.path_parameters or {}).items()}
        stranger.set_cookie(cookie, tokens.get(role, ""))
        response = stranger.open(case.formatted_path, method=method, query_string=case.query, data=sent)
        let_in.extend([case] if role is Role.PLATFORM and response.status_code != 403 else [])
        changed.extend([case] if method == "POST" and response.status_code < 400 else [])
        assert response.status_code < 500, f"{role.slug}: {case.as_curl_command()}"

    each()

    assert let_in
