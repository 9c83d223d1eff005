"""Test data for access control: two organizations, an account of every role, and arguments for every route.

The accounts belong to Acme. Everything that belongs to the other organization has "Globex" in its name.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.routing import Rule

from tests.conftest import NOW, SHELL, Client
from tests.factories import (
    PASSWORD,
    create_invitation,
    make_account,
    make_assistant,
    make_organization,
    make_voice,
    sign_in,
)
from voiceadmin import clock, create_app
from voiceadmin.accounts.models import Account, AccountSession, OneTimeLink
from voiceadmin.accounts.types import Grant
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.api_keys.models import ApiKey
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.plans import create_plan
from voiceadmin.cleanup.types.candidates import CleanUpFilters
from voiceadmin.config import AttentionThresholds, Settings
from voiceadmin.database.base import Base, db
from voiceadmin.database.schema import dispose_engine
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.management.actions.merging import merge_organizations
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.managing import create_source
from voiceadmin.sources.models import Source, SyncRun
from voiceadmin.sources.types import NewSource, SourceKind
from voiceadmin.triage.types import TriageAction
from voiceadmin.web.access import AccessRequirement, cookie_name

Dump = dict[str, list[dict[str, Any]]]

EXPIRES = NOW.replace(month=12)
JSON_ROUTE = "/api/v1/assistants/31/cloned-voices"  # of the assistant of Acme
ROUTES_APP = create_app(Settings())  # used for its routes only
RULES = sorted(ROUTES_APP.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))
ROWS = {name: select(table).order_by(*table.primary_key) for name, table in Base.metadata.tables.items()}
FILLED_TABLES = text(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in ROWS))
POSTS = [rule for rule in RULES if (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}]

ROLES = {  # refused requesters come before those whose requests change data
    "anonymous": Role.ANYONE,
    "viewer": Role.VIEWER,
    "operator": Role.OPERATOR,
    "globex": Role.ADMIN,
    "admin": Role.ADMIN,
    "platform": Role.PLATFORM,
}
# Route parameters with the id of an object that belongs to an organization.
OWNED = {
    *("assistant_id", "voice_id", "account_id", "link_id", "key_id", "operation_id", "plan_id"),
    *("organization_id", "merge_id", "source_id"),
}
LOOPBACK_ADDRESS = "http://127.0.0.1:9"  # nothing listens there
ALL_KEY = "Key of all organizations"


def requirement_of(rule: Rule) -> AccessRequirement:
    """The access requirement of a route."""
    requirement: AccessRequirement = vars(ROUTES_APP.view_functions[rule.endpoint])["access_requirement"]
    return requirement


def method_of(rule: Rule) -> str:
    """GET if the route accepts it, else POST."""
    return "GET" if "GET" in (rule.methods or ()) else "POST"


def name_of(rule: Rule) -> str:
    """The endpoint of a route, used as a test id."""
    return str(rule.endpoint)


def bearer(key: str) -> dict[str, str]:
    """The request header with an API key."""
    return {"Authorization": f"Bearer {key}"}


class TwoTenants:
    """The two organizations in the database of an application, with their accounts, keys and invitations."""

    def __init__(self, app: Flask) -> None:
        app.test_client_class = Client
        self.app = app
        self.settings: Settings = app.config["VOICEADMIN"]
        self._apps: list[Flask] = []
        self.counter = itertools.count(1)
        self.acme = make_organization("Acme Telecom")
        self.globex = make_organization("Globex Holdings")
        self.assistants = {self.acme.id: 31, self.globex.id: 62}
        self.voices = {self.acme.id: 3, self.globex.id: 6}
        make_assistant(self.acme, id=31, name="Front desk")
        make_assistant(self.globex, id=62, name="Globex desk")
        make_voice(self.acme, id=3, name="Anna", provider_voice_id="pv3")
        make_voice(self.globex, id=6, name="Globex voice", provider_voice_id="globex-pv6")
        acme, globex = self.acme, self.globex
        self.people: dict[str, Account] = {
            "viewer": make_account("viewer@acme.example", roles={acme: Role.VIEWER}),
            "operator": make_account("operator@acme.example", roles={acme: Role.OPERATOR}),
            "admin": make_account("admin@acme.example", roles={acme: Role.ADMIN}),
            "globex": make_account("admin@globex.example", roles={globex: Role.ADMIN}),
            "platform": make_account("root@example.com", platform=True),
            "both": make_account("both@example.com", roles={acme: Role.VIEWER, globex: Role.VIEWER}),
        }
        self.keys = {
            "acme": self.create_api_key(acme, "Key of Acme"),
            "globex": self.create_api_key(globex, "Key of Globex"),
            "both": self.create_api_key(acme, "Shared key", globex),
            "all": create_api_key(EVERYTHING, ALL_KEY, None, expires_at=EXPIRES, by=SHELL, now=NOW),
        }
        self.invite(acme)
        self.invite(globex)

    def create_api_key(self, of: Organization, name: str, *more: Organization) -> str:
        """Create an API key that can read one or more organizations, and return the key."""
        ids = frozenset(organization.id for organization in (of, *more))
        return create_api_key(EVERYTHING, name, ids, expires_at=EXPIRES, by=SHELL, now=NOW)

    def invite(self, of: Organization) -> str:
        """Create an invitation to an organization, and return its token."""
        return create_invitation(EVERYTHING, self._email("guest", of), Grant(of.id, Role.VIEWER), by=SHELL, now=NOW)

    def create_colleague(self, of: Organization) -> Account:
        """Create another viewer of an organization."""
        return make_account(self._email("colleague", of), roles={of: Role.VIEWER})

    def revoke(self, name: str) -> None:
        """Revoke the API key with this name."""
        revoke_api_key(EVERYTHING, last_id(ApiKey, ApiKey.name == name), by=SHELL, now=NOW)

    def _email(self, user: str, of: Organization) -> str:
        return f"{user}{next(self.counter)}@{'globex' if of.id == self.globex.id else 'acme'}.example"

    def browser(self, user: str, app: Flask | None = None) -> FlaskClient:
        """A new test client, signed in as one of the people, or anonymous."""
        client = (app or self.app).test_client()
        return client if user == "anonymous" else sign_in(client, self.people[user])

    def app_with(self, *, csrf: bool = False, **settings: Any) -> Flask:
        """Another application on the same database, with other settings."""
        app = create_app(replace(self.settings, **settings), **({} if csrf else {"WTF_CSRF_ENABLED": False}))
        app.test_client_class = Client
        self._apps.append(app)
        return app

    def address(self, rule: Rule, user: str = "platform", of: Organization | None = None) -> str:
        """The address of a route, filled in with objects of an organization that no other test step has used."""
        values = {}
        for name in sorted(rule.arguments, reverse=True):  # the source before its run
            if name not in PARAMETERS:
                pytest.fail(f"Add <{name}> of {rule.rule} to PARAMETERS in tests/two_tenants.py.")
            values[name] = PARAMETERS[name](self, of or self.acme, user)
        return self.at(rule, values)

    def at(self, rule: Rule, values: Mapping[str, Any]) -> str:
        """The address of a route with these parameters."""
        return self.app.url_map.bind("localhost").build(rule.endpoint, values)

    def form(self, rule: Rule) -> dict[str, Any]:
        """Valid form data for a route."""
        return FORMS[rule.endpoint](self) if rule.endpoint in FORMS else {}

    def close(self) -> None:
        """Dispose of the database engines of the additional applications."""
        for app in self._apps:
            with app.app_context():
                dispose_engine()


@contextmanager
def build_two_tenants(app: Flask) -> Iterator[TwoTenants]:
    """Create the test data in the database of an application."""
    tenants = TwoTenants(app)
    yield tenants
    tenants.close()


def _session_of(tenants: TwoTenants, _: Organization, user: str) -> int:
    account = tenants.people.get(user, tenants.people["viewer"])
    sign_in(tenants.app.test_client(), account)
    return last_id(AccountSession, AccountSession.account_id == account.id)


def _link_of(tenants: TwoTenants, of: Organization, _: str) -> int:
    tenants.invite(of)
    return last_id(OneTimeLink, OneTimeLink.organization_id == of.id)


def _key_of(tenants: TwoTenants, of: Organization, _: str) -> int:
    tenants.create_api_key(of, f"One more key of {of.name}")
    return last_id(ApiKey, ApiKey.name == f"One more key of {of.name}")


def _operation_of(tenants: TwoTenants, of: Organization, _: str) -> int:
    ref = ObjectRef(ObjectKind.VOICE, tenants.voices[of.id])
    request = ActionRequest(TriageAction.NOTE, (ref,), f"note {next(tenants.counter)}", 0, "Looked at it.")
    return apply_action(EVERYTHING, request, AttentionThresholds(), by=SHELL, now=NOW).id


def _plan_of(tenants: TwoTenants, of: Organization, _: str) -> int:
    number = next(tenants.counter)
    provider = f"{of.name.split()[0].lower()}-{number}"
    make_voice(of, name=f"{of.name} {number}", provider=provider)
    return create_plan(
        EVERYTHING, CleanUpFilters(of.id, (provider,)), AttentionThresholds(), f"plan {number}", by=SHELL, now=NOW
    )


def _merge_of(tenants: TwoTenants, of: Organization, _: str) -> int:
    merged = make_organization(f"{of.name.split()[0]} {next(tenants.counter)}")
    return merge_organizations(EVERYTHING, merged.id, of.id, by=SHELL, now=clock.now())


def _source_of(tenants: TwoTenants, of: Organization, _: str) -> int:
    name, variable = f"Source of {of.name} {next(tenants.counter)}", "UPSTREAM_KEY_OF_NO_TEST"
    new = NewSource(of.id, SourceKind.ELEVENLABS, name, LOOPBACK_ADDRESS, variable)
    return create_source(EVERYTHING, new, tenants.settings, by=SHELL, now=NOW)


def _run_of(tenants: TwoTenants, of: Organization, _: str) -> int:
    source_id = last_id(Source, Source.organization_id == of.id)
    with write_transaction():
        db.session.add(SyncRun(source_id=source_id, started_at=NOW, started_by=of.name))
    return last_id(SyncRun, SyncRun.source_id == source_id)


PARAMETERS: dict[str, Callable[[TwoTenants, Organization, str], Any]] = {
    "assistant_id": lambda tenants, of, _: tenants.assistants[of.id],
    "voice_id": lambda tenants, of, _: tenants.voices[of.id],
    "account_id": lambda tenants, of, _: tenants.create_colleague(of).id,
    "link_id": _link_of,
    "key_id": _key_of,
    "operation_id": _operation_of,
    "plan_id": _plan_of,
    "organization_id": lambda tenants, of, _: of.id,
    "merge_id": _merge_of,
    "source_id": _source_of,
    "run_id": _run_of,
    "session_id": _session_of,
    "token": lambda tenants, of, _: tenants.invite(of),
    "format": lambda *_: "csv",
    "filename": lambda *_: "mark.svg",
}


def _note_form(_: TwoTenants) -> dict[str, Any]:
    return {"action": "note", "note": "Looked at it.", "count": "1", "selection_hash": "outdated"}


FORMS: dict[str, Callable[[TwoTenants], dict[str, Any]]] = {
    "sign_in.sign_in": lambda tenants: {"email": tenants.people["viewer"].email, "password": PASSWORD},
    "sign_in.confirm": lambda _: {"password": PASSWORD},
    "sign_in.accept_link": lambda _: {"name": "Guest", "password": "a horse of my own"},
    "account.password": lambda _: {"old": PASSWORD, "new": "another battery staple"},
    "people.invite": lambda tenants: {"emails": "new@example.com", "roles": f"{tenants.acme.id}:viewer"},
    "people.change_role": lambda tenants: {"organization": tenants.acme.id, "role": "operator"},
    "operations.create": lambda tenants: {
        "action": "note",
        "note": "Looked at it.",
        "ref": f"voice-{tenants.voices[tenants.acme.id]}",
    },
    "triage.all_matching": _note_form,
    "voices.all_matching": _note_form,
    "cleanup.run": lambda _: {"count": "1"},
    "cleanup.change_price": lambda _: {"provider": "resemble", "price": "2", "currency": "USD", "as_of": "2026-05-01"},
    "management.rename": lambda _: {"name": "Another name"},
    "management.rename_one_assistant": lambda _: {"name": "Another name"},
    "management.move": lambda tenants: {"organization": tenants.acme.id},
    "management.preview": lambda tenants: {"organization": tenants.globex.id},
    "management.merge": lambda tenants: {"organization": tenants.globex.id},
    "sources.new": lambda tenants: {
        "kind": "elevenlabs",
        "name": "A new source",
        "organization": tenants.acme.id,
        "key": "",
        "key_variable": "UPSTREAM_KEY_OF_NO_TEST",
    },
    "api_keys.new": lambda tenants: {"name": "A new key", "organizations": [tenants.acme.id], "expires": "30"},
}


def last_id(model: Any, *conditions: Any) -> int:
    """The id of the newest row."""
    db.session.rollback()
    found = db.session.scalar(select(model.id).where(*conditions).order_by(model.id.desc()).limit(1))
    assert found is not None
    db.session.rollback()
    return int(found)


def rows_of(name: str) -> list[dict[str, Any]]:
    """All rows of a table in their current state."""
    db.session.rollback()
    found = _read(name)
    db.session.rollback()
    return found


def dump() -> Dump:
    """All rows of all tables in their current state."""
    db.session.rollback()
    filled = set(db.session.scalars(FILLED_TABLES))
    found = {name: _read(name) if name in filled else [] for name in Base.metadata.tables}
    db.session.rollback()
    return found


def _read(name: str) -> list[dict[str, Any]]:
    return [dict(row) for row in db.session.execute(ROWS[name]).mappings()]


def audit_event_types() -> list[str]:
    """The types of all audit events, oldest first."""
    return [event["event_type"] for event in rows_of(AuditEvent.__tablename__)]


def cookie_of(browser: FlaskClient) -> str:
    """The session token of a test client."""
    cookie = browser.get_cookie(cookie_name(browser.application.config["VOICEADMIN"]))
    assert cookie is not None
    return cookie.value


def with_cookie(app: Flask, token: str) -> FlaskClient:
    """A test client with this session token."""
    client = app.test_client()
    client.set_cookie(cookie_name(app.config["VOICEADMIN"]), token)
    return client


def is_redirected_to_sign_in(response: Any) -> bool:
    """Whether the response redirects to the sign-in page, except after signing out, which deletes the cookie."""
    location = response.headers.get("Location", "").partition("?")[0]
    return location == "/sign-in" and "Max-Age=0" not in str(response.headers.getlist("Set-Cookie"))
