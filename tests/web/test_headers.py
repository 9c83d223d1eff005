"""Every response has the security headers."""

from __future__ import annotations

from typing import Any

import pytest
from flask import abort
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from tests.factories import make_assistant, make_organization, make_voice
from tests.two_tenants import RULES, TwoTenants, method_of, name_of
from voiceadmin.identity import Role
from voiceadmin.web.access import require_role
from voiceadmin.web.headers import CONTENT_SECURITY_POLICY, SECURITY_HEADERS

STATUSES = {
    "/": 200,
    "/assistants": 200,
    "/assistants/31/voices": 200,
    "/assistants/31/voices?status=x": 422,
    "/voices/3": 200,
    "/nothing": 404,
    "/static/base.css": 200,
    "/static/nothing": 404,
    "/healthz": 200,
    "/readyz": 200,
    "/api/v1/openapi.json": 200,
    "/api/v1/assistants/31/cloned-voices": 200,
    "/api/v1/assistants/9/cloned-voices": 404,
    "/api/v1/assistants/31/cloned-voices?status=x": 422,
    "/api/v1/attention": 200,
    "/api/v1/attention?organization=9": 404,
    "/api/v1/attention?reason=x": 422,
}


@pytest.fixture
def acme(client: FlaskClient) -> None:
    """An assistant 31 and a voice 3."""
    acme = make_organization()
    make_assistant(acme, id=31)
    make_voice(acme, id=3)


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(("address", "status"), STATUSES.items())
def test_every_response_has_every_header_once(client: FlaskClient, address: str, status: int) -> None:
    response = client.get(address)

    assert response.status_code == status
    for name, value in SECURITY_HEADERS.items():
        assert response.headers.getlist(name) == [value], name
    assert len(response.headers.getlist("Cache-Control")) == 1


@pytest.mark.usefixtures("acme")
def test_refusals_and_errors_have_every_header(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError

    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr("voiceadmin.assistants.views.list_assistants", fail)

    responses = [
        client.post("/assistants"),
        client.get("/assistants", headers={"Host": "evil.example"}),
        client.get("/assistants"),
        client.get("/api/v1/assistants/31/cloned-voices", headers={"If-None-Match": "*"}),
        client.head("/voices/3"),
        client.options("/voices/3"),
    ]

    assert [response.status_code for response in responses] == [405, 400, 500, 304, 200, 200]
    for response in responses:
        assert SECURITY_HEADERS.items() <= dict(response.headers).items()


def test_the_content_security_policy_allows_this_site_only() -> None:
    assert CONTENT_SECURITY_POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def test_pages_are_not_cached_and_static_files_are_cached_by_their_hash(client: FlaskClient) -> None:
    page = client.get("/assistants")
    (styles,) = [word for word in page.text.split('"') if word.startswith("/static/base.css?v=")]

    assert page.headers["Cache-Control"] == "no-store"
    assert client.get(styles).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert client.get("/static/base.css").headers["Cache-Control"] == "no-cache"


def test_a_missing_static_file_is_not_cached(client: FlaskClient) -> None:
    response = client.get("/static/nothing.css?v=0")

    assert (response.status_code, response.headers["Cache-Control"]) == (404, "no-store")


# Every route with several requesters


def assert_headers(response: Any, case: object) -> None:
    """Check that every security header and Cache-Control occur once."""
    for name, value in SECURITY_HEADERS.items():
        assert response.headers.getlist(name) == [value], (case, name)
    assert len(response.headers.getlist("Cache-Control")) == 1, case
    assert "Server" not in response.headers


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_every_route_responds_with_every_header(sqlite_tenants: TwoTenants, rule: Rule) -> None:
    for who in ("anonymous", "viewer", "platform"):
        for method in sorted({*(rule.methods or ()), "DELETE"}):
            address = sqlite_tenants.address(rule, who)
            form = sqlite_tenants.form(rule) if method == "POST" else None
            response = sqlite_tenants.browser(who).open(address, method=method, data=form)

            assert_headers(response, (who, method, address))
            if rule.endpoint != "static" and not address.startswith("/api/"):
                assert response.headers["Cache-Control"] == "no-store", (who, method, address)
            assert "Strict-Transport-Security" not in response.headers


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_every_route_over_tls_enables_strict_transport_security(sqlite_tenants: TwoTenants, rule: Rule) -> None:
    for who in ("anonymous", "platform"):
        browser, address = sqlite_tenants.browser(who), sqlite_tenants.address(rule, who)
        response = browser.open(address, method=method_of(rule), base_url="https://localhost")

        assert response.headers.getlist("Strict-Transport-Security") == ["max-age=31536000; includeSubDomains"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 414, 415, 422, 429, 431, 500, 501, 503])
def test_every_error_status_has_every_header(sqlite_tenants: TwoTenants, status: int) -> None:
    app, paths = sqlite_tenants.app_with(), ("/failing", "/api/failing")
    for path in paths:
        app.add_url_rule(path, path, require_role(Role.ANYONE)(lambda: abort(status)))
    for path in paths:
        response = sqlite_tenants.browser("viewer", app).get(path)

        assert response.status_code == status
        assert_headers(response, path)
        assert response.headers["Cache-Control"] == "no-store"


def test_exports_and_refused_requests_have_every_header(sqlite_tenants: TwoTenants) -> None:
    app = sqlite_tenants.app_with(key_burst=1, csrf=True)
    client, key = app.test_client(), {"Authorization": f"Bearer {sqlite_tenants.keys['acme']}"}
    large = {"password": "x" * (1 << 20)}
    responses = {
        "key": (client.get("/api/v1/assistants/31/cloned-voices", headers=key), 200),
        "rate-limited": (client.get("/api/v1/assistants/31/cloned-voices", headers=key), 429),
        "wrong": (client.get("/api/v1/assistants/31/cloned-voices", headers={"Authorization": "Bearer x"}), 401),
        "forged": (client.post("/sign-in", data={"email": "a@b.example"}), 400),
        "large": (client.post("/sign-in", data=large), 413),
        "foreign": (client.get("/sign-in", headers={"Host": "evil.example"}), 400),
        "file": (sqlite_tenants.browser("admin").get("/activity.csv"), 200),
        "lines": (sqlite_tenants.browser("admin").get("/activity.ndjson"), 200),
        "unknown": (sqlite_tenants.browser("admin").get("/activity.exe"), 404),
    }

    for case, (response, status) in responses.items():
        assert response.status_code == status, case
        assert_headers(response, case)
