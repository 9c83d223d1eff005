"""The security headers stand on every answer, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from tests.factories import make_assistant, make_organization, make_voice
from tests.two_tenants import RULES, TwoTenants, build_two_tenants, method_of, name_of
from voiceadmin.identity import Role
from voiceadmin.web.access import require_role
from voiceadmin.web.headers import CONTENT_SECURITY_POLICY, SECURITY_HEADERS

ANSWERS = {
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
@pytest.mark.parametrize(("address", "status"), ANSWERS.items())
def test_every_answer_has_every_header_once(client: FlaskClient, address: str, status: int) -> None:
    response = client.get(address)

    assert response.status_code == status
    for name, value in SECURITY_HEADERS.items():
        assert response.headers.getlist(name) == [value], name
    assert len(response.headers.getlist("Cache-Control")) == 1


@pytest.mark.usefixtures("acme")
def test_refusals_and_breakdowns_have_them_too(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError

    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr("voiceadmin.assistants.views.list_assistants", fail)

    answers = [
        client.post("/assistants"),
        client.get("/assistants", headers={"Host": "evil.example"}),
        client.get("/assistants"),
        client.get("/api/v1/assistants/31/cloned-voices", headers={"If-None-Match": "*"}),
        client.head("/voices/3"),
        client.options("/voices/3"),
    ]

    assert [answer.status_code for answer in answers] == [405, 400, 500, 304, 200, 200]
    for answer in answers:
        assert SECURITY_HEADERS.items() <= dict(answer.headers).items()


def test_the_policy_allows_nothing_that_is_not_ours() -> None:
    assert CONTENT_SECURITY_POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def test_pages_are_not_kept_and_files_are_kept_under_their_hash(client: FlaskClient) -> None:
    page = client.get("/assistants")
    (styles,) = [word for word in page.text.split('"') if word.startswith("/static/base.css?v=")]

    assert page.headers["Cache-Control"] == "no-store"
    assert client.get(styles).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert client.get("/static/base.css").headers["Cache-Control"] == "no-cache"


# Every route, whoever asks


@pytest.fixture
def tenants(sqlite_store: Flask, now: Any) -> Iterator[TwoTenants]:
    """Two organizations and somebody of every role."""
    with build_two_tenants(sqlite_store) as tenants:
        yield tenants


def assert_secured(answer: Any, case: object) -> None:
    """Every header once, and no more to say how long it may be kept than one."""
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers.getlist(name) == [value], (case, name)
    assert len(answer.headers.getlist("Cache-Control")) == 1, case
    assert "Server" not in answer.headers


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_every_route_answers_with_every_header(tenants: TwoTenants, rule: Rule) -> None:
    for who in ("nobody", "viewer", "platform"):
        for method in sorted({*(rule.methods or ()), "DELETE"}):
            address = tenants.address(rule, who)
            form = tenants.form(rule) if method == "POST" else None
            answer = tenants.browser(who).open(address, method=method, data=form)

            assert_secured(answer, (who, method, address))
            if rule.endpoint != "static" and not address.startswith("/api/"):
                assert answer.headers["Cache-Control"] == "no-store", (who, method, address)
            assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_over_tls_every_route_tells_browsers_to_stay_there(tenants: TwoTenants, rule: Rule) -> None:
    for who in ("nobody", "platform"):
        browser, address = tenants.browser(who), tenants.address(rule, who)
        answer = browser.open(address, method=method_of(rule), base_url="https://localhost")

        assert answer.headers.getlist("Strict-Transport-Security") == ["max-age=31536000; includeSubDomains"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 414, 415, 422, 429, 431, 500, 501, 503])
def test_every_refusal_has_them(tenants: TwoTenants, status: int) -> None:
    app, paths = tenants.app_with(), ("/failing", "/api/failing")
    for path in paths:
        app.add_url_rule(path, path, require_role(Role.ANYONE)(lambda: abort(status)))
    for path in paths:
        answer = tenants.browser("viewer", app).get(path)

        assert answer.status_code == status
        assert_secured(answer, path)
        assert answer.headers["Cache-Control"] == "no-store"


def test_refusals_of_keys_and_of_what_is_too_large_have_them(tenants: TwoTenants) -> None:
    app = tenants.app_with(key_burst=1, csrf=True)
    client, key = app.test_client(), {"Authorization": f"Bearer {tenants.keys['acme']}"}
    large = {"password": "x" * (1 << 20)}
    answers = {
        "key": (client.get("/api/v1/assistants/31/cloned-voices", headers=key), 200),
        "rate-limited": (client.get("/api/v1/assistants/31/cloned-voices", headers=key), 429),
        "wrong": (client.get("/api/v1/assistants/31/cloned-voices", headers={"Authorization": "Bearer x"}), 401),
        "forged": (client.post("/sign-in", data={"email": "a@b.example"}), 400),
        "large": (client.post("/sign-in", data=large), 413),
        "foreign": (client.get("/sign-in", headers={"Host": "evil.example"}), 400),
        "file": (tenants.browser("admin").get("/activity.csv"), 200),
        "lines": (tenants.browser("admin").get("/activity.ndjson"), 200),
        "unknown": (tenants.browser("admin").get("/activity.exe"), 404),
    }

    for case, (answer, status) in answers.items():
        assert answer.status_code == status, case
        assert_secured(answer, case)
