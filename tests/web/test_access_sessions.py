"""Sessions: expiry, activity, and how long the confirmed password counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import g
from flask.testing import FlaskClient

from tests.accounts.views.sign_in.scenario import sign_in_by_form
from tests.conftest import NOW
from tests.page import Page
from tests.two_tenants import (
    JSON_ROUTE,
    TwoTenants,
    bearer,
    cookie_of,
    is_redirected_to_sign_in,
    rows_of,
    with_cookie,
)
from tests.web.conftest import move_clock
from voiceadmin import clock
from voiceadmin.accounts.types import REAUTH_TTL
from voiceadmin.identity import SessionRow
from voiceadmin.web import access


def test_a_session_expires_without_activity(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tenants.browser("viewer")

    move_clock(monkeypatch, minutes=29, seconds=59)
    copy = with_cookie(tenants.app, cookie_of(browser))
    assert copy.get("/session").get_json() == {"seconds_left": 1}
    move_clock(monkeypatch, minutes=30)

    assert is_redirected_to_sign_in(copy.get("/assistants"))
    assert copy.get(JSON_ROUTE).status_code == 401
    assert copy.get("/session").get_json() == {"seconds_left": None}


def test_activity_extends_a_session_up_to_its_absolute_limit(
    tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tenants.browser("viewer")

    for minutes in range(20, 12 * 60, 20):
        move_clock(monkeypatch, minutes=minutes)
        assert browser.get("/assistants").status_code == 200, minutes
    assert browser.get("/session").get_json() == {"seconds_left": 20 * 60}
    move_clock(monkeypatch, hours=12)

    assert is_redirected_to_sign_in(browser.get("/assistants"))


def test_both_session_limits_can_be_configured(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tenants.browser("viewer", tenants.app_with(session_idle_minutes=100, session_hours=2))

    move_clock(monkeypatch, minutes=99)
    assert browser.get("/assistants").status_code == 200
    move_clock(monkeypatch, minutes=119)
    assert browser.get("/assistants").status_code == 200
    move_clock(monkeypatch, minutes=120)
    assert is_redirected_to_sign_in(browser.get("/assistants"))

    short = tenants.browser("viewer", tenants.app_with(session_idle_minutes=1))
    move_clock(monkeypatch, minutes=121)
    assert is_redirected_to_sign_in(short.get("/assistants"))


ACTIVITY_CASES = [
    ("GET", "/assistants", {}, True),
    ("GET", "/account", {}, True),
    ("POST", "/session", {}, True),
    ("GET", "/people", {}, False),  # a refused request is not activity
    ("GET", "/assistants", {"X-Background": "1"}, False),
    ("POST", "/session", {"X-Background": "1"}, False),
    ("GET", "/session", {}, False),
    ("GET", JSON_ROUTE, {}, False),
    ("GET", "/static/mark.svg", {}, False),
    ("GET", "/healthz", {}, False),
    ("GET", "/nothing", {}, False),
]


@pytest.mark.parametrize(("method", "address", "headers", "is_activity"), ACTIVITY_CASES)
def test_only_actions_of_a_person_count_as_activity(
    tenants: TwoTenants,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    address: str,
    headers: dict[str, str],
    is_activity: bool,
) -> None:
    browser = tenants.browser("viewer")
    move_clock(monkeypatch, minutes=20)

    browser.open(address, method=method, headers=headers)
    seconds_left = browser.get("/session").get_json()["seconds_left"]

    assert seconds_left == (30 * 60 if is_activity else 10 * 60)


def test_activity_is_recorded_at_most_once_a_minute(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, recorded = tenants.browser("viewer"), []

    for seconds in (0, 1, 59, 60, 61, 119, 120):
        move_clock(monkeypatch, seconds=seconds)
        browser.get("/assistants")
        recorded.append((rows_of("account_session")[0]["last_active_at"] - NOW).total_seconds())

    assert recorded == [0, 0, 0, 60, 60, 60, 120]


@pytest.mark.parametrize("token", ["", "x", "\xff", "a" * 100_000, "' OR '1'='1", "%00", "None", "0" * 64])
def test_an_invalid_session_cookie_is_anonymous(sqlite_tenants: TwoTenants, token: str) -> None:
    sqlite_tenants.browser("platform")
    client = sqlite_tenants.app.test_client()

    response = client.get("/assistants", headers={"Cookie": f"__Host-voiceadmin={token}"})

    assert is_redirected_to_sign_in(response)


def test_the_hash_of_a_token_is_not_accepted_as_token(sqlite_tenants: TwoTenants) -> None:
    sqlite_tenants.browser("platform")

    for session in rows_of("account_session"):
        assert is_redirected_to_sign_in(with_cookie(sqlite_tenants.app, session["token_hash"]).get("/assistants"))
    for key in rows_of("api_key"):
        assert sqlite_tenants.app.test_client().get(JSON_ROUTE, headers=bearer(key["token_hash"])).status_code == 401


# Recently confirmed passwords


def test_a_confirmed_password_counts_until_the_reauthentication_expires(
    sqlite_tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, microsecond = sqlite_tenants.browser("admin"), timedelta(microseconds=1)
    monkeypatch.setattr(clock, "now", lambda: NOW + REAUTH_TTL - microsecond)
    copy = with_cookie(sqlite_tenants.app, cookie_of(browser))
    assert copy.get("/api-keys/new").status_code == 200

    monkeypatch.setattr(clock, "now", lambda: NOW + REAUTH_TTL)

    refused = copy.get("/api-keys/new")
    assert refused.status_code == 303
    assert refused.headers["Location"].startswith("/confirm")


def test_an_anonymous_requester_is_not_recently_authenticated(sqlite_tenants: TwoTenants) -> None:
    with sqlite_tenants.app.test_request_context("/"):
        assert not access.is_recently_authenticated(NOW)
        assert access.session_seconds_left() is None


def test_the_remaining_time_of_a_session_is_never_negative(
    sqlite_tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = SessionRow(1, 1, NOW, NOW, NOW, "", "")
    with sqlite_tenants.app.test_request_context("/"):
        access.forget_requester()
        g.requester = replace(g.requester, session=session)
        for elapsed, remaining in ((0, 1800), (0.5, 1799), (1799, 1), (1799.5, 0), (1800, 0), (1801.5, 0)):
            move_clock(monkeypatch, seconds=elapsed)
            assert access.session_seconds_left() == remaining, elapsed


# Sessions that an admin has ended in one organization


def test_an_ended_session_works_in_other_organizations_and_asks_for_a_new_sign_in(tenants: TwoTenants) -> None:
    both = tenants.people["both"]
    browser = tenants.browser("both")
    paths = [f"/assistants/{id}/voices" for id in (31, 62)]
    notice = "Your access to an organization has changed. Sign out and sign in again to use it."
    assert [browser.get(path).status_code for path in paths] == [200, 200]
    assert notice not in read(browser, "/account")

    tenants.browser("admin").post(f"/people/{both.id}/sessions/end")

    assert [browser.get(path).status_code for path in paths] == [404, 200]
    assert notice in read(browser, "/account")
    assert notice in read(browser, paths[0])
    sign_in_by_form(browser, both.email)
    assert [browser.get(path).status_code for path in paths] == [200, 200]
    assert notice not in read(browser, "/account")


def read(browser: FlaskClient, address: str) -> str:
    """The text of a page with its header."""
    return Page(browser.get(address).text).root.text
