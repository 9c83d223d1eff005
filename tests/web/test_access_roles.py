"""Access by role: every view declares a role, and every route refuses requesters who do not have it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.conftest import Client
from tests.two_tenants import (
    JSON_ROUTE,
    OWNED,
    POSTS,
    ROLES,
    ROUTES_APP,
    RULES,
    Dump,
    TwoTenants,
    bearer,
    build_two_tenants,
    dump,
    is_redirected_to_sign_in,
    method_of,
    name_of,
    requirement_of,
)
from voiceadmin.audit.types import AuditEventType
from voiceadmin.identity import Role
from voiceadmin.web import access
from voiceadmin.web.access import OPEN_UNTIL_FIRST_ACCOUNT, AccessRequirement, require_role

OPEN_TO_ANYONE = {
    *("static", "openapi.openapi", "health.healthz", "health.readyz"),
    *("sign_in.sign_in", "sign_in.accept_link", "sign_in.show_session"),
}


def test_every_view_declares_an_access_requirement() -> None:
    requirements = {name: getattr(view, "access_requirement", None) for name, view in ROUTES_APP.view_functions.items()}

    assert all(isinstance(requirement, AccessRequirement) for requirement in requirements.values()), requirements
    public = AccessRequirement(Role.ANYONE)
    assert {name for name, requirement in requirements.items() if requirement == public} == OPEN_TO_ANYONE


def test_changes_of_people_api_keys_and_sources_require_the_password() -> None:
    recently_authenticated = {
        rule.rule: requirement_of(rule).recently_authenticated
        for rule in POSTS
        if rule.endpoint.startswith(("people.", "api_keys.", "sources.")) and rule.endpoint != "sources.sync"
    }

    assert recently_authenticated
    assert {name for name, is_required in recently_authenticated.items() if not is_required} == set()


def test_a_view_without_a_requirement_refuses_even_a_platform_admin(sqlite_tenants: TwoTenants) -> None:
    app = sqlite_tenants.app_with()
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")

    for who in ROLES:
        response = sqlite_tenants.browser(who, app).get("/forgotten")

        assert response.status_code == 403
        assert "secret" not in response.text


def test_a_view_with_an_unreachable_role_refuses_every_requester(sqlite_tenants: TwoTenants) -> None:
    def view() -> str:
        return "secret"

    app = sqlite_tenants.app_with()
    app.add_url_rule("/unreachable", "unreachable", require_role(Role.ADMIN)(view))
    view.access_requirement = AccessRequirement(99)  # type: ignore[attr-defined, arg-type]

    assert sqlite_tenants.browser("platform", app).get("/unreachable").status_code == 403


# Every route and every requester


def expected_status(address: str, method: str, who: str) -> int:
    """401 for an anonymous requester, 403, 404, or 200 if the request is accepted."""
    rule, _ = ROUTES_APP.url_map.bind("localhost").match(address, method, return_rule=True)
    requirement = requirement_of(rule)
    if requirement.role is Role.ANYONE and not requirement.signed_in:
        return 200
    if who == "anonymous":
        return 401
    if ROLES[who] < requirement.role:
        return 403
    is_foreign = rule.arguments & OWNED or (rule.endpoint == "operations.create" and method == "POST")
    if who == "globex" and is_foreign and method != "OPTIONS":
        return 404
    return 200


def without_refusals(rows: Dump) -> Dump:
    """The rows without audit events of refused operations, the only rows that a refused request adds."""
    refused = AuditEventType.OPERATION_REFUSED.value
    events = [event for event in rows["audit_event"] if event["event_type"] != refused]
    return rows | {"audit_event": events}


@pytest.mark.databases("sqlite", "postgresql")  # every route is tested on both
@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_every_route_accepts_only_the_requesters_of_its_role(tenants: TwoTenants, rule: Rule) -> None:
    for method in sorted(rule.methods or ()):
        for who in ROLES:
            address = tenants.address(rule, who)
            browser, expected = tenants.browser(who), expected_status(address, method, who)
            before = dump() if expected != 200 else None

            response = browser.open(address, method=method, data=tenants.form(rule) if method == "POST" else None)

            case = (method, address, who, response.status)
            if expected == 401 and address.startswith("/api/"):
                assert response.status_code == 401, case
                assert response.headers["WWW-Authenticate"].startswith("Bearer "), case
                assert method == "HEAD" or set(response.get_json()) == {"detail"}, case
            elif expected == 401:
                assert response.status_code == 303, case
                assert is_redirected_to_sign_in(response), case
            elif expected != 200:
                assert response.status_code == expected, case
            else:
                assert response.status_code < 500, case
                assert response.status_code not in (400, 401, 403, 404, 405), case
                assert not is_redirected_to_sign_in(response), case
            if before is not None:
                assert without_refusals(dump()) == without_refusals(before), case


def test_the_requirements_are_those_of_the_table() -> None:
    """A role that is lowered by accident fails this test."""
    assert {
        rule.endpoint: (requirement_of(rule).role.slug, requirement_of(rule).recently_authenticated)
        for rule in RULES
        if requirement_of(rule).role
    } == {
        "voices_api.cloned_voices": ("viewer", False),
        "triage_api.attention": ("viewer", False),
        "overview.home": ("viewer", False),
        "triage.index": ("viewer", False),
        "triage.export": ("viewer", False),
        "triage.all_matching": ("operator", False),
        "operations.create": ("operator", False),
        "operations.show": ("viewer", False),
        "operations.undo": ("operator", False),
        "providers.index": ("viewer", False),
        "providers.export": ("viewer", False),
        "cleanup.index": ("viewer", False),
        "cleanup.plan": ("operator", False),
        "cleanup.show": ("viewer", False),
        "cleanup.check": ("viewer", False),
        "cleanup.run": ("admin", True),
        "cleanup.retry": ("admin", True),
        "cleanup.undo": ("admin", True),
        "deletions.show": ("viewer", False),
        "deletions.new": ("admin", True),
        "deletions.check": ("admin", True),
        "deletions.cancel": ("admin", False),
        "orphans.index": ("admin", False),
        "orphans.export": ("admin", False),
        "orphans.new": ("admin", True),
        "orphans.check": ("admin", True),
        "orphans.cancel": ("admin", False),
        "orphans.results": ("admin", False),
        "cleanup.sheet": ("viewer", False),
        "cleanup.prices": ("viewer", False),
        "cleanup.change_price": ("platform", False),
        "voices.export": ("viewer", False),
        "assistants.export": ("viewer", False),
        "cleanup.export": ("viewer", False),
        "people.export": ("admin", False),
        "api_keys.export": ("admin", False),
        "assistants.index": ("viewer", False),
        "voices.index": ("viewer", False),
        "voices.show": ("viewer", False),
        "voices.code": ("viewer", False),
        "voices.all_matching": ("operator", False),
        "activity.index": ("viewer", False),
        "activity.export": ("viewer", False),
        "people.index": ("admin", False),
        "people.invite": ("admin", True),
        "people.revoke": ("admin", True),
        "people.show": ("admin", True),
        "people.change_role": ("admin", True),
        "people.make_platform": ("platform", True),
        "people.unmake_platform": ("platform", True),
        "people.disable": ("admin", True),
        "people.enable": ("admin", True),
        "people.reset": ("admin", True),
        "people.end_sessions": ("admin", True),
        "people.end_all_sessions": ("platform", True),
        "api_keys.index": ("admin", False),
        "api_keys.new": ("admin", True),
        "api_keys.revoke": ("admin", True),
        "sources.index": ("admin", False),
        "sources.new": ("admin", True),
        "sources.show": ("admin", False),
        "sources.show_run": ("admin", False),
        "sources.check": ("admin", True),
        "sources.sync": ("admin", False),
        "sources.disable": ("admin", True),
        "sources.enable": ("admin", True),
        "sources.allow": ("admin", True),
        "sources.forbid": ("admin", True),
        "sources.remove": ("admin", True),
        "management.index": ("admin", False),
        "management.organization": ("admin", False),
        "management.rename": ("admin", False),
        "management.preview": ("platform", True),
        "management.merge": ("platform", True),
        "management.undo": ("platform", True),
        "management.remove": ("platform", True),
        "management.assistant": ("admin", False),
        "management.rename_one_assistant": ("admin", False),
        "management.move": ("admin", True),
        "management.remove_one_assistant": ("admin", True),
        "sources.accept": ("admin", True),
        "sources.believe": ("admin", True),
    }


# Anonymous requesters


def test_an_anonymous_requester_has_the_configured_role(tenants: TwoTenants) -> None:
    client = tenants.app_with(anonymous_role=Role.OPERATOR).test_client()

    for rule in RULES:
        requirement = requirement_of(rule)
        response = client.open(tenants.address(rule), method=method_of(rule))
        if requirement.signed_in or requirement.role > Role.OPERATOR:
            assert is_redirected_to_sign_in(response), rule.rule
        else:
            assert response.status_code in (200, 303, 409, 422), rule.rule
            assert not is_redirected_to_sign_in(response), rule.rule
    assert client.get(JSON_ROUTE).get_json()["cloned_voices"][0]["id"] == tenants.voices[tenants.acme.id]
    assert client.get(JSON_ROUTE, headers=bearer("va_wrong")).status_code == 401


def test_an_anonymous_viewer_is_not_an_operator(sqlite_tenants: TwoTenants) -> None:
    app = sqlite_tenants.app_with(anonymous_role=Role.VIEWER)
    app.add_url_rule("/operate", "operate", require_role(Role.OPERATOR)(lambda: "secret"))

    assert is_redirected_to_sign_in(app.test_client().get("/operate"))


def test_an_open_database_requires_signing_in_once_an_account_exists(app: Flask, now: Any) -> None:
    app.config[OPEN_UNTIL_FIRST_ACCOUNT] = True
    app.test_client_class = Client
    client = app.test_client()
    assert client.get("/assistants").status_code == 200
    assert client.get("/people").status_code == 303

    with build_two_tenants(app):
        assert is_redirected_to_sign_in(client.get("/assistants"))
        assert client.get(JSON_ROUTE).status_code == 401


def test_the_database_is_asked_for_accounts_until_one_exists(
    sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def has_any_account() -> bool:
        calls.append(1)
        return len(calls) == 3

    monkeypatch.setattr(access, "has_any_account", has_any_account)
    settings = sqlite_app.config["VOICEADMIN"]
    assert (access.anonymous_role(), calls) == (Role.ANYONE, [])

    sqlite_app.config[OPEN_UNTIL_FIRST_ACCOUNT] = True
    roles = [access.anonymous_role() for _ in range(5)]

    assert roles == [Role.OPERATOR, Role.OPERATOR, Role.ANYONE, Role.ANYONE, Role.ANYONE]
    assert len(calls) == 3
    assert sqlite_app.config["VOICEADMIN"] is settings
