"""The requester and the scope that a view gets."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.two_tenants import (
    JSON_ROUTE,
    TwoTenants,
    bearer,
    rows_of,
)
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Requester, Role, Scope, anonymous_requester
from voiceadmin.web import access
from voiceadmin.web.access import require_role


def record_requesters(app: Flask, role: Role = Role.ANYONE) -> list[tuple[Requester, Scope | None]]:
    """Add a view at /who and at /api/v1/who that appends its requester and scope to the returned list."""
    recorded: list[tuple[Requester, Scope | None]] = []

    def view() -> str:
        recorded.append((access.requester(), access.scope() if role else None))
        return access.remote_address()

    for address in ("/who", "/api/v1/who"):
        app.add_url_rule(address, address.strip("/").replace("/", "_"), require_role(role)(view))
    return recorded


FROM = {"REMOTE_ADDR": "203.0.113.7"}


def test_a_view_gets_the_api_key_with_its_address_and_scope(sqlite_tenants: TwoTenants) -> None:
    app = sqlite_tenants.app_with()
    recorded = record_requesters(app, Role.VIEWER)
    ids = {key["name"]: key["id"] for key in rows_of("api_key")}
    client = app.test_client()

    for key in ("acme", "all"):
        response = client.get("/api/v1/who", headers=bearer(sqlite_tenants.keys[key]), environ_base=FROM)
        assert (response.status_code, response.text) == (200, "203.0.113.7")

    acme, name = sqlite_tenants.acme.id, "Key of all organizations"
    assert recorded == [
        (
            Requester(Actor(ActorKind.KEY, ids["Key of Acme"], "Key of Acme", "203.0.113.7"), {acme: Role.VIEWER}),
            Scope(frozenset({acme})),
        ),
        (
            Requester(Actor(ActorKind.KEY, ids[name], name, "203.0.113.7"), global_role=Role.VIEWER),
            EVERYTHING,
        ),
    ]


def test_a_view_gets_the_account_with_its_address_and_scope(sqlite_tenants: TwoTenants) -> None:
    app, both = sqlite_tenants.app_with(), sqlite_tenants.people["both"]
    recorded = record_requesters(app, Role.VIEWER)

    assert sqlite_tenants.browser("both", app).get("/who", environ_base=FROM).status_code == 200

    ((requester, scope),) = recorded
    assert requester.actor == Actor(ActorKind.ACCOUNT, both.id, "both@example.com", "203.0.113.7")
    assert requester.account_id == both.id
    assert scope == Scope(frozenset({sqlite_tenants.acme.id, sqlite_tenants.globex.id}))


@pytest.mark.parametrize("address", ["/who", "/api/v1/who"])
@pytest.mark.parametrize("role", [Role.ANYONE, Role.VIEWER])
def test_a_view_gets_an_anonymous_requester_with_the_configured_role(
    sqlite_tenants: TwoTenants, role: Role, address: str
) -> None:
    app = sqlite_tenants.app_with(anonymous_role=role)
    recorded = record_requesters(app)

    assert app.test_client().get(address, environ_base=FROM).text == "203.0.113.7"

    assert recorded == [(anonymous_requester("203.0.113.7", role), None)]


def test_a_forgotten_requester_is_anonymous_with_the_same_address(sqlite_tenants: TwoTenants) -> None:
    with sqlite_tenants.app.test_request_context("/", environ_base=FROM):
        access.forget_requester()

        assert access.requester() == anonymous_requester("203.0.113.7")


def test_a_request_without_a_remote_address_has_an_empty_address(sqlite_tenants: TwoTenants) -> None:
    with sqlite_tenants.app.test_request_context("/", environ_overrides={"REMOTE_ADDR": None}):
        assert access.remote_address() == ""


def test_a_refused_api_request_explains_what_to_send(sqlite_tenants: TwoTenants) -> None:
    client = sqlite_tenants.app.test_client()

    refused = client.get(JSON_ROUTE, headers=bearer("va_wrong"))
    unknown = client.get(JSON_ROUTE)

    assert refused.get_json() == {"detail": "This API key is not valid, or not any more."}
    assert unknown.get_json() == {"detail": "Send an API key: Authorization: Bearer va_…"}
