"""A tenants for tests of the door: two organizations, somebody of every role, and every route filled in.

Whatever belongs to the organization that the visitors are not of has "Zebra" in its name.
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
from sqlalchemy import select
from werkzeug.routing import Rule

from tests.conftest import NOW, SHELL, Client
from tests.factories import PASSWORD, make_account, make_assistant, make_organization, make_voice, sign_in
from voiceadmin import create_app
from voiceadmin.accounts.actions.links import create_invitation
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
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.types import ActionRequest
from voiceadmin.organizations.models import Organization
from voiceadmin.triage.types import TriageAction
from voiceadmin.web.access import AccessRequirement, cookie_name

Dump = dict[str, list[dict[str, Any]]]

EXPIRES = NOW.replace(month=12)
ROUTES_APP = create_app(Settings())  # asked for its rules alone
RULES = sorted(ROUTES_APP.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))
POSTS = [rule for rule in RULES if (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}]

ROLES = {  # those who act come after those who are refused
    "nobody": Role.ANYONE,
    "viewer": Role.VIEWER,
    "operator": Role.OPERATOR,
    "zebra": Role.ADMIN,
    "admin": Role.ADMIN,
    "platform": Role.PLATFORM,
}
# Parameters that name an organization's things.
OWNED = {"assistant_id", "voice_id", "account_id", "link_id", "key_id", "operation_id", "plan_id"}
ALL_KEY = "Key of everything"


def mark_of(rule: Rule) -> AccessRequirement:
    """What a route asks of its visitors."""
    found: AccessRequirement = vars(ROUTES_APP.view_functions[rule.endpoint])["access_requirement"]
    return found


def method_of(rule: Rule) -> str:
    """GET if it takes that, else POST."""
    return "GET" if "GET" in (rule.methods or ()) else "POST"


def name_of(rule: Rule) -> str:
    """A route's name in the title of a test."""
    return str(rule.endpoint)


class TwoTenants:
    """The tenants, as it stands in the store of an app."""

    def __init__(self, app: Flask) -> None:
        app.test_client_class = Client
        self.app = app
        self.settings: Settings = app.config["VOICEADMIN"]
        self._apps: list[Flask] = []
        self.numbers = itertools.count(1)
        self.acme = make_organization("Acme Telecom")
        self.zebra = make_organization("Zebra Holdings")
        self.assistants = {self.acme.id: 31, self.zebra.id: 62}
        self.voices = {self.acme.id: 3, self.zebra.id: 6}
        make_assistant(self.acme, id=31, name="Front desk")
        make_assistant(self.zebra, id=62, name="Zebra desk")
        make_voice(self.acme, id=3, name="Anna", provider_voice_id="pv3")
        make_voice(self.zebra, id=6, name="Zebra voice", provider_voice_id="zebra-pv6")
        acme, zebra = self.acme, self.zebra
        self.people: dict[str, Account] = {
            "viewer": make_account("viewer@acme.example", roles={acme: Role.VIEWER}),
            "operator": make_account("operator@acme.example", roles={acme: Role.OPERATOR}),
            "admin": make_account("admin@acme.example", roles={acme: Role.ADMIN}),
            "zebra": make_account("admin@zebra.example", roles={zebra: Role.ADMIN}),
            "platform": make_account("root@example.com", platform=True),
            "both": make_account("both@example.com", roles={acme: Role.VIEWER, zebra: Role.VIEWER}),
        }
        self.keys = {
            "acme": self.create_api_key(acme, "Key of Acme"),
            "zebra": self.create_api_key(zebra, "Key of Zebra"),
            "both": self.create_api_key(acme, "Shared key", zebra),
            "all": create_api_key(EVERYTHING, ALL_KEY, None, expires_at=EXPIRES, by=SHELL, now=NOW),
        }
        self.invite(acme)
        self.invite(zebra)

    def create_api_key(self, of: Organization, name: str, *more: Organization) -> str:
        """A new key of an organization."""
        ids = frozenset(organization.id for organization in (of, *more))
        return create_api_key(EVERYTHING, name, ids, expires_at=EXPIRES, by=SHELL, now=NOW)

    def invite(self, of: Organization) -> str:
        """The token of a new invitation."""
        return create_invitation(EVERYTHING, self._email("guest", of), Grant(of.id, Role.VIEWER), by=SHELL, now=NOW)

    def colleague(self, of: Organization) -> Account:
        """Somebody else of an organization."""
        return make_account(self._email("colleague", of), roles={of: Role.VIEWER})

    def revoke(self, name: str) -> None:
        """Revoke the key of this name."""
        revoke_api_key(EVERYTHING, last_id(ApiKey, ApiKey.name == name), by=SHELL, now=NOW)

    def _email(self, who: str, of: Organization) -> str:
        return f"{who}{next(self.numbers)}@{'zebra' if of.id == self.zebra.id else 'acme'}.example"

    def browser(self, who: str, app: Flask | None = None) -> FlaskClient:
        """A new browser in which somebody has just signed in, or nobody."""
        client = (app or self.app).test_client()
        return client if who == "nobody" else sign_in(client, self.people[who])

    def app_with(self, *, csrf: bool = False, **settings: Any) -> Flask:
        """Another app over the same store, with other settings."""
        app = create_app(replace(self.settings, **settings), **({} if csrf else {"WTF_CSRF_ENABLED": False}))
        app.test_client_class = Client
        self._apps.append(app)
        return app

    def address(self, rule: Rule, who: str = "platform", of: Organization | None = None) -> str:
        """A route's address, with things of an organization that nobody has used yet."""
        values = {}
        for name in rule.arguments:
            if name not in PARAMETERS:
                pytest.fail(f"How to fill in <{name}> of {rule.rule}? Say so in PARAMETERS of tests/tenants.py.")
            values[name] = PARAMETERS[name](self, of or self.acme, who)
        return self.at(rule, values)

    def at(self, rule: Rule, values: Mapping[str, Any]) -> str:
        """A route's address with these parameters."""
        return self.app.url_map.bind("localhost").build(rule.endpoint, values)

    def form(self, rule: Rule) -> dict[str, Any]:
        """What a route takes when all is well."""
        return FORMS[rule.endpoint](self) if rule.endpoint in FORMS else {}

    def close(self) -> None:
        """Let go of the store."""
        for app in self._apps:
            with app.app_context():
                dispose_engine()


@contextmanager
def build_two_tenants(app: Flask) -> Iterator[TwoTenants]:
    """Build the tenants in the store of an app."""
    tenants = TwoTenants(app)
    yield tenants
    tenants.close()


def _session_of(tenants: TwoTenants, _: Organization, who: str) -> int:
    account = tenants.people.get(who, tenants.people["viewer"])
    sign_in(tenants.app.test_client(), account)
    return last_id(AccountSession, AccountSession.account_id == account.id)


def _link_of(tenants: TwoTenants, of: Organization, _: str) -> int:
    tenants.invite(of)
    return last_id(OneTimeLink, OneTimeLink.organization_id == of.id)


def _key_of(tenants: TwoTenants, of: Organization, _: str) -> int:
    tenants.create_api_key(of, f"One more key of {of.name}")
    return last_id(ApiKey, ApiKey.name == f"One more key of {of.name}")


def _deed_of(tenants: TwoTenants, of: Organization, _: str) -> int:
    ref = ObjectRef(ObjectKind.VOICE, tenants.voices[of.id])
    order = ActionRequest(TriageAction.NOTE, (ref,), f"note {next(tenants.numbers)}", 0, "Looked at it.")
    return apply_action(EVERYTHING, order, AttentionThresholds(), by=SHELL, now=NOW).id


def _plan_of(tenants: TwoTenants, of: Organization, _: str) -> int:
    number = next(tenants.numbers)
    provider = f"{of.name.split()[0].lower()}-{number}"
    make_voice(of, name=f"{of.name} {number}", provider=provider)
    return create_plan(
        EVERYTHING, CleanUpFilters(of.id, (provider,)), AttentionThresholds(), f"plan {number}", by=SHELL, now=NOW
    )


PARAMETERS: dict[str, Callable[[TwoTenants, Organization, str], Any]] = {
    "assistant_id": lambda tenants, of, _: tenants.assistants[of.id],
    "voice_id": lambda tenants, of, _: tenants.voices[of.id],
    "account_id": lambda tenants, of, _: tenants.colleague(of).id,
    "link_id": _link_of,
    "key_id": _key_of,
    "operation_id": _deed_of,
    "plan_id": _plan_of,
    "session_id": _session_of,
    "token": lambda tenants, of, _: tenants.invite(of),
    "format": lambda *_: "csv",
    "filename": lambda *_: "mark.svg",
}


def _on_all(_: TwoTenants) -> dict[str, Any]:
    return {"action": "note", "note": "Looked at it.", "count": "1", "selection_hash": "of another time"}


FORMS: dict[str, Callable[[TwoTenants], dict[str, Any]]] = {
    "sign_in.sign_in": lambda tenants: {"email": tenants.people["viewer"].email, "password": PASSWORD},
    "sign_in.confirm": lambda _: {"password": PASSWORD},
    "sign_in.accept_link": lambda _: {"name": "Guest", "password": "a horse of my own"},
    "account.password": lambda _: {"old": PASSWORD, "new": "another battery staple"},
    "people.invite": lambda tenants: {"email": "new@example.com", "organization": tenants.acme.id, "role": "viewer"},
    "people.change_role": lambda tenants: {"organization": tenants.acme.id, "role": "operator"},
    "operations.create": lambda tenants: {
        "action": "note",
        "note": "Looked at it.",
        "ref": f"voice-{tenants.voices[tenants.acme.id]}",
    },
    "triage.all_matching": _on_all,
    "voices.all_matching": _on_all,
    "cleanup.run": lambda _: {"count": "1"},
    "cleanup.change_price": lambda _: {"provider": "resemble", "price": "2", "currency": "USD", "as_of": "2026-05-01"},
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
    """All rows of a table, as they are now."""
    db.session.rollback()
    table = Base.metadata.tables[name]
    found = [dict(row) for row in db.session.execute(select(table).order_by(*table.primary_key)).mappings()]
    db.session.rollback()
    return found


def dump() -> Dump:
    """All rows of all tables, as they are now."""
    return {name: rows_of(name) for name in Base.metadata.tables}


def audit_words() -> list[str]:
    """The words of the audit trail, the oldest first."""
    return [line["event_type"] for line in rows_of(AuditEvent.__tablename__)]


def cookie_of(browser: FlaskClient) -> str:
    """The token of a browser's session."""
    cookie = browser.get_cookie(cookie_name(browser.application.config["VOICEADMIN"]))
    assert cookie is not None
    return cookie.value


def with_cookie(app: Flask, token: str) -> FlaskClient:
    """A browser into which somebody put this token."""
    client = app.test_client()
    client.set_cookie(cookie_name(app.config["VOICEADMIN"]), token)
    return client


def is_turned_away(response: Any) -> bool:
    """Whether somebody was led to where one signs in, and not because their cookie was just taken back."""
    location = response.headers.get("Location", "").partition("?")[0]
    return location == "/sign-in" and "Max-Age=0" not in str(response.headers.getlist("Set-Cookie"))
