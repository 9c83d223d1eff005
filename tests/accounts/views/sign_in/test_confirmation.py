"""Password confirmation before sensitive changes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from werkzeug.routing import Rule

from tests.accounts.views.sign_in.scenario import move_clock, sign_in_by_form
from tests.factories import PASSWORD
from tests.page import Page
from tests.two_tenants import RULES, TwoTenants, audit_event_types, dump, name_of, requirement_of
from voiceadmin.accounts.types import REAUTH_TTL

REAUTHENTICATED_ROUTES = [rule for rule in RULES if requirement_of(rule).recently_authenticated]


@pytest.mark.slow
@pytest.mark.parametrize("rule", REAUTHENTICATED_ROUTES, ids=name_of)
def test_a_sensitive_route_requires_a_recent_password_confirmation(
    tenants: TwoTenants, rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, address, form = tenants.browser("platform"), tenants.address(rule), tenants.form(rule)
    move_clock(monkeypatch, REAUTH_TTL - timedelta(seconds=1))
    if "GET" in (rule.methods or ()):
        assert browser.get(address, query_string=form).status_code == 200
    move_clock(monkeypatch, REAUTH_TTL)
    browser.get("/assistants")  # activity does not reauthenticate
    before = dump()

    for method in sorted((rule.methods or set()) - {"OPTIONS"}):
        redirect = browser.open(f"{address}?a=b", method=method, data=form if method == "POST" else None)
        assert redirect.status_code == 303, method
        expected = {"next": f"{address}?a=b"} if method != "POST" else {}
        path, _, query = redirect.headers["Location"].partition("?")
        assert path == "/confirm"
        page = Page(browser.get(redirect.headers["Location"]).text)
        assert {
            node.attributes["name"]: node.attributes["value"] for node in page.root.all("input", name="next")
        } == expected
        assert bool(query) == bool(expected)
    assert dump() == before

    assert browser.post("/confirm", data={"password": "wrong"}).status_code == 422
    assert browser.open(address, method=method, data=form).headers["Location"].startswith("/confirm")
    assert browser.post("/confirm", data={"password": PASSWORD}).status_code == 303
    assert audit_event_types()[-2:] == ["password-confirmation-failed", "password-confirmed"]
    for method in sorted((rule.methods or set()) - {"OPTIONS"}):
        is_post = method == "POST"
        response = browser.open(
            address, method=method, data=form if is_post else None, query_string=None if is_post else form
        )
        assert response.status_code in (200, 303, 409), method
        assert not response.headers.get("Location", "").startswith("/confirm"), method


def test_a_confirmation_reauthenticates_only_its_own_session(
    sqlite_tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = sqlite_tenants.browser("platform"), sqlite_tenants.browser("platform")
    move_clock(monkeypatch, REAUTH_TTL)

    one.post("/confirm", data={"password": PASSWORD})

    assert one.get("/api-keys/new").status_code == 200
    assert other.get("/api-keys/new").status_code == 303


def test_password_confirmations_are_rate_limited_like_sign_ins(
    tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tenants.browser("platform")

    statuses = [browser.post("/confirm", data={"password": "wrong"}).status_code for _ in range(6)]
    right = browser.post("/confirm", data={"password": PASSWORD})

    assert statuses == [422] * 5 + [429]
    assert right.status_code == 429
    assert right.headers["Retry-After"] == "30"
    assert sign_in_by_form(tenants.browser("anonymous"), tenants.people["platform"].email).status_code == 303
    assert audit_event_types()[-3:] == ["password-confirmation-failed", "rate-limited", "signed-in"]
    move_clock(monkeypatch, timedelta(seconds=30))
    assert browser.post("/confirm", data={"password": PASSWORD}).status_code == 303
