"""API keys: where they are accepted, and the rate limit."""

from __future__ import annotations

import pytest
from werkzeug.routing import Rule

from tests.conftest import NOW
from tests.two_tenants import (
    JSON_ROUTE,
    OWNED,
    RULES,
    TwoTenants,
    bearer,
    is_redirected_to_sign_in,
    method_of,
    name_of,
    requirement_of,
    with_cookie,
)
from tests.web.conftest import move_clock
from voiceadmin import clock
from voiceadmin.identity import Role
from voiceadmin.web.access import require_role

API = [rule for rule in RULES if rule.rule.startswith("/api/") and requirement_of(rule).role]


@pytest.mark.parametrize("rule", API, ids=name_of)
def test_the_api_accepts_only_an_active_api_key_of_the_organization(tenants: TwoTenants, rule: Rule) -> None:
    tenants.revoke("Shared key")
    client, address = tenants.app.test_client(), tenants.address(rule)
    expired = tenants.create_api_key(tenants.acme, "Short-lived")
    good, unknown = tenants.keys["acme"], "va_" + "x" * 43
    cases: list[tuple[str | None, int]] = [
        (f"Bearer {good}", 200),
        (f"bearer {good}", 200),
        (f"Bearer  {good} ", 200),
        (f"Bearer {tenants.keys['all']}", 200),
        (f"Bearer {tenants.keys['globex']}", 404 if rule.arguments & OWNED else 200),
        (f"Bearer {tenants.keys['both']}", 401),  # revoked
        (f"Bearer {unknown}", 401),
        (f"Bearer {good[:-1]}", 401),
        (f"Bearer {good}x", 401),
        (f"Bearer {good.upper()}", 401),
        ("Bearer schlüssel\xff\x80", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Bearer " + "x" * 100_000, 401),
        ("Bearer ' OR 1=1 --", 401),
        (f"Basic {good}", 401),
        ("Basic cm9vdDpyb290", 401),
        (f"Token {good}", 401),
        (good, 401),
        ("", 401),
        (None, 401),
    ]
    for header, status in cases:
        response = client.get(address, headers={} if header is None else {"Authorization": header})

        assert response.status_code == status, header
        if status == 401:
            challenge = response.headers["WWW-Authenticate"]
            assert challenge.startswith('Bearer realm="voiceadmin"'), header
            assert ("invalid_token" in challenge) == (header or "").lower().startswith("bearer"), header
            assert set(response.get_json()) == {"detail"}, header
            assert "RateLimit-Limit" not in response.headers, header
    with pytest.MonkeyPatch.context() as patch:
        assert client.get(address, headers=bearer(expired)).status_code == 200
        patch.setattr(clock, "now", lambda: NOW.replace(month=12))  # exactly when it expires
        assert client.get(address, headers=bearer(expired)).status_code == 401


def test_an_api_key_is_accepted_only_in_the_authorization_header_of_the_api(sqlite_tenants: TwoTenants) -> None:
    key = sqlite_tenants.keys["all"]
    client = with_cookie(sqlite_tenants.app, key)

    assert client.get(JSON_ROUTE).status_code == 401
    assert client.get(f"{JSON_ROUTE}?access_token={key}&key={key}", headers={"X-Api-Key": key}).status_code == 401
    for rule in RULES:
        requirement = requirement_of(rule)
        if (requirement.role or requirement.signed_in) and rule not in API:
            response = client.open(sqlite_tenants.address(rule), method=method_of(rule), headers=bearer(key))
            assert is_redirected_to_sign_in(response), rule.rule


def test_an_invalid_api_key_is_refused_even_with_a_valid_session(sqlite_tenants: TwoTenants) -> None:
    browser = sqlite_tenants.browser("admin")

    assert browser.get(JSON_ROUTE).status_code == 200
    assert browser.get(JSON_ROUTE, headers=bearer("va_wrong")).status_code == 401


def test_an_api_key_without_the_required_role_gets_insufficient_scope(sqlite_tenants: TwoTenants) -> None:
    app = sqlite_tenants.app_with()
    app.add_url_rule("/api/v1/more", "more", require_role(Role.OPERATOR)(lambda: "secret"))

    response = app.test_client().get("/api/v1/more", headers=bearer(sqlite_tenants.keys["all"]))

    assert response.status_code == 403
    assert response.get_json() == {"detail": "Forbidden"}
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="voiceadmin", error="insufficient_scope"'


def test_an_api_key_is_limited_and_accepted_again_after_a_wait(
    tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = tenants.app_with(key_burst=5, key_rate=2.0).test_client()

    responses = [client.get(JSON_ROUTE, headers=bearer(tenants.keys["acme"])) for _ in range(7)]

    assert [response.status_code for response in responses] == [200] * 5 + [429] * 2
    assert [response.headers["RateLimit-Remaining"] for response in responses] == ["4", "3", "2", "1", "0", "0", "0"]
    assert {response.headers["RateLimit-Limit"] for response in responses} == {"5"}
    assert [response.headers["RateLimit-Reset"] for response in responses] == ["1", "1", "2", "2", "3", "3", "3"]
    assert [response.headers.get("Retry-After") for response in responses] == [None] * 5 + ["1"] * 2
    assert set(responses[-1].get_json()) == {"detail"}
    assert client.get(JSON_ROUTE, headers=bearer(tenants.keys["all"])).status_code == 200, "each key has its own limit"

    move_clock(monkeypatch, seconds=1)
    responses = [client.get(JSON_ROUTE, headers=bearer(tenants.keys["acme"])) for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]

    move_clock(monkeypatch, hours=1)
    assert client.get(JSON_ROUTE, headers=bearer(tenants.keys["acme"])).headers["RateLimit-Remaining"] == "4"


def test_every_response_to_an_api_key_has_rate_limit_headers(sqlite_tenants: TwoTenants) -> None:
    client, key = sqlite_tenants.app.test_client(), bearer(sqlite_tenants.keys["acme"])
    etag = client.get(JSON_ROUTE, headers=key).headers["ETag"]

    for address, headers, status in (
        (JSON_ROUTE, {"If-None-Match": etag}, 304),
        (JSON_ROUTE.replace("31", "9"), {}, 404),
        (JSON_ROUTE + "?status=x", {}, 422),
    ):
        response = client.get(address, headers=key | headers)
        assert response.status_code == status
        assert response.headers["RateLimit-Limit"] == "50"
    assert "RateLimit-Limit" not in sqlite_tenants.browser("viewer").get(JSON_ROUTE).headers
