"""The door: who may enter where, by session, by key, and by neither."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g
from flask.wrappers import Request
from werkzeug.routing import Rule
from werkzeug.test import create_environ

from tests.conftest import NOW, Client
from tests.two_tenants import (
    OWNED,
    POSTS,
    ROLES,
    ROUTES_APP,
    RULES,
    Dump,
    TwoTenants,
    build_two_tenants,
    cookie_of,
    dump,
    is_turned_away,
    mark_of,
    method_of,
    name_of,
    rows_of,
    with_cookie,
)
from voiceadmin import clock, create_app
from voiceadmin.accounts.types import REAUTH_TTL
from voiceadmin.audit.types import AuditEventType
from voiceadmin.config import Settings
from voiceadmin.database.schema import dispose_engine
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Requester, Role, Scope, SessionRow, anonymous_requester
from voiceadmin.text import MAX_ID
from voiceadmin.web import access
from voiceadmin.web.access import OPEN_UNTIL_FIRST_ACCOUNT, AccessRequirement, require_role
from voiceadmin.web.errors import FORM_TOO_OLD

JSON_ROUTE = "/api/v1/assistants/31/cloned-voices"
OPEN_TO_ANYONE = {
    *("static", "openapi.openapi", "health.healthz", "health.readyz"),
    *("sign_in.sign_in", "sign_in.accept_link", "sign_in.show_session"),
}
MISSING = 999_999


@pytest.fixture
def tenants(store: Flask, now: Any) -> Iterator[TwoTenants]:
    """Two organizations and somebody of every role, on both databases."""
    with build_two_tenants(store) as tenants:
        yield tenants


@pytest.fixture
def small_town(sqlite_store: Flask, now: Any) -> Iterator[TwoTenants]:
    """The same in SQLite alone."""
    with build_two_tenants(sqlite_store) as tenants:
        yield tenants


def move_clock(monkeypatch: pytest.MonkeyPatch, **later: float) -> None:
    """Let it be so much later than the beginning of the test."""
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(**later))


# Marks


def test_every_view_names_what_it_asks_of_its_visitor() -> None:
    marks = {name: getattr(view, "access_requirement", None) for name, view in ROUTES_APP.view_functions.items()}

    assert all(isinstance(mark, AccessRequirement) for mark in marks.values()), marks
    assert {name for name, mark in marks.items() if mark == AccessRequirement(Role.ANYONE)} == OPEN_TO_ANYONE


def test_whatever_changes_people_or_keys_asks_for_the_password() -> None:
    dangerous = {
        rule.rule: mark_of(rule).recently_authenticated
        for rule in POSTS
        if rule.endpoint.startswith(("people.", "api_keys."))
    }

    assert dangerous
    assert {name for name, sure in dangerous.items() if not sure} == set()


def test_a_view_without_a_mark_is_shut_even_for_an_admin_of_the_platform(small_town: TwoTenants) -> None:
    app = small_town.app_with()
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")

    for who in ROLES:
        response = small_town.browser(who, app).get("/forgotten")

        assert response.status_code == 403
        assert "secret" not in response.text


def test_a_view_above_every_role_is_shut(small_town: TwoTenants) -> None:
    def above() -> str:
        return "secret"

    app = small_town.app_with()
    app.add_url_rule("/above", "above", require_role(Role.ADMIN)(above))
    above.access_requirement = AccessRequirement(99)  # type: ignore[attr-defined, arg-type]

    assert small_town.browser("platform", app).get("/above").status_code == 403


# Every route and every requester


def expected(address: str, method: str, who: str) -> int:
    """401 for who is not known, 403, 404, or 200 for in."""
    rule, _ = ROUTES_APP.url_map.bind("localhost").match(address, method, return_rule=True)
    mark = mark_of(rule)
    if mark.role is Role.ANYONE and not mark.signed_in:
        return 200
    if who == "nobody":
        return 401
    if ROLES[who] < mark.role:
        return 403
    foreign = rule.arguments & OWNED or (rule.endpoint == "operations.create" and method == "POST")
    if who == "zebra" and foreign and method != "OPTIONS":
        return 404
    return 200


def without_refusals(store: Dump) -> Dump:
    """A store without the lines that say that somebody was refused, which is all that a refusal writes."""
    lines = [line for line in store["audit_event"] if line["event_type"] != AuditEventType.OPERATION_REFUSED.value]
    return store | {"audit_event": lines}


@pytest.mark.databases("sqlite", "postgresql")  # so that every route is tried on both
@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_every_route_lets_in_whom_it_should_and_nobody_else(tenants: TwoTenants, rule: Rule) -> None:
    for method in sorted(rule.methods or ()):
        for who in ROLES:
            address = tenants.address(rule, who)
            browser, before = tenants.browser(who), dump()

            response = browser.open(address, method=method, data=tenants.form(rule) if method == "POST" else None)

            case, hoped = (method, address, who, response.status), expected(address, method, who)
            if hoped == 401 and address.startswith("/api/"):
                assert response.status_code == 401, case
                assert response.headers["WWW-Authenticate"].startswith("Bearer "), case
                assert method == "HEAD" or set(response.get_json()) == {"detail"}, case
            elif hoped == 401:
                assert response.status_code == 303, case
                assert is_turned_away(response), case
            elif hoped != 200:
                assert response.status_code == hoped, case
            else:
                assert response.status_code < 500, case
                assert response.status_code not in (400, 401, 403, 404, 405), case
                assert not is_turned_away(response), case
            if hoped != 200:
                assert without_refusals(dump()) == without_refusals(before), case


def test_the_marks_are_what_the_table_says() -> None:
    """Lest a mark is loosened unseen."""
    assert {
        rule.endpoint: (mark_of(rule).role.slug, mark_of(rule).recently_authenticated)
        for rule in RULES
        if mark_of(rule).role
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
    }


# Other organizations


def answer(response: Any, number: str) -> tuple[int, str, list[tuple[str, str]]]:
    """An answer, as it would be had one asked for this id instead of the missing one."""
    body = re.sub(r'name="csrf_token" value="[^"]*"', "", response.text.replace(str(MISSING), number))
    headers = [(name, value) for name, value in response.headers if name != "Content-Length"]
    return response.status_code, body, sorted(headers)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.arguments & OWNED], ids=name_of)
def test_what_belongs_to_others_is_as_if_it_were_not_there(tenants: TwoTenants, rule: Rule) -> None:
    browser = tenants.browser("admin")
    browser.get("/account")  # lets the browser have a form's token
    for method in sorted((rule.methods or set()) - {"OPTIONS"}):
        address = tenants.address(rule, "admin", tenants.zebra)
        (number,) = re.findall(r"\d+", address.replace("/v1/", "/"))

        theirs = browser.open(address, method=method, data=tenants.form(rule))
        missing = browser.open(address.replace(number, str(MISSING)), method=method, data=tenants.form(rule))

        assert theirs.status_code == (403 if mark_of(rule).role is Role.PLATFORM else 404), method
        assert answer(theirs, number) == answer(missing, number), method


def test_the_json_of_another_organization_is_a_missing_one_for_a_key_too(tenants: TwoTenants) -> None:
    browser = tenants.browser("nobody")
    bearer = {"Authorization": f"Bearer {tenants.keys['acme']}"}

    theirs = browser.get(JSON_ROUTE.replace("31", "62"), headers=bearer)
    missing = browser.get(JSON_ROUTE.replace("31", str(MISSING)), headers=bearer)

    budget = {"RateLimit-Remaining", "RateLimit-Reset"}
    (status, body, headers), other = answer(theirs, "62"), answer(missing, "62")
    assert (status, body) == other[:2] == (404, '{"detail":"Assistant with ID 62 not found"}\n')
    assert {name for name, _ in set(headers) ^ set(other[2])} <= budget


def walk(tenants: TwoTenants, who: str) -> Iterator[tuple[str, str]]:
    """Every address that can be fetched, with its text."""
    browser = tenants.browser(who)
    more = [f"/assistants?organization={tenants.zebra.id}", f"/activity?voice={tenants.voices[tenants.zebra.id]}"]
    for address in [*(tenants.address(rule, who) for rule in RULES if "GET" in (rule.methods or ())), *more]:
        response = browser.get(address)
        assert response.status_code < 500, address
        yield address, response.text + str(response.headers)


def test_no_page_names_anything_of_another_organization(tenants: TwoTenants) -> None:
    for who in ("viewer", "operator", "admin"):
        for address, text in walk(tenants, who):
            assert "zebra" not in text.lower(), (who, address)

    assert sum("zebra" in text.lower() for _, text in walk(tenants, "platform")) >= 8, "nothing could have been seen"


def test_a_colleague_with_a_role_elsewhere_does_not_tell_where(tenants: TwoTenants) -> None:
    page = tenants.browser("admin").get(f"/people/{tenants.people['both'].id}")

    assert page.status_code == 200
    assert "zebra" not in page.text.lower()


# Programs


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


API = [rule for rule in RULES if rule.rule.startswith("/api/") and mark_of(rule).role]


@pytest.mark.parametrize("rule", API, ids=name_of)
def test_a_key_opens_what_it_is_for(tenants: TwoTenants, rule: Rule) -> None:
    tenants.revoke("Shared key")
    client, address = tenants.app.test_client(), tenants.address(rule)
    expired = tenants.create_api_key(tenants.acme, "Short-lived")
    good, garbage = tenants.keys["acme"], "va_" + "x" * 43
    cases: list[tuple[str | None, int]] = [
        (f"Bearer {good}", 200),
        (f"bearer {good}", 200),
        (f"Bearer  {good} ", 200),
        (f"Bearer {tenants.keys['all']}", 200),
        (f"Bearer {tenants.keys['zebra']}", 404 if rule.arguments & OWNED else 200),
        (f"Bearer {tenants.keys['both']}", 401),  # revoked
        (f"Bearer {garbage}", 401),
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
        patch.setattr(clock, "now", lambda: NOW.replace(month=12))  # to the moment
        assert client.get(address, headers=bearer(expired)).status_code == 401


def test_a_key_is_no_use_elsewhere_than_in_the_header_of_the_api(small_town: TwoTenants) -> None:
    key = small_town.keys["all"]
    client = with_cookie(small_town.app, key)

    assert client.get(JSON_ROUTE).status_code == 401
    assert client.get(f"{JSON_ROUTE}?access_token={key}&key={key}", headers={"X-Api-Key": key}).status_code == 401
    for rule in RULES:
        mark = mark_of(rule)
        if (mark.role or mark.signed_in) and rule not in API:
            response = client.open(small_town.address(rule), method=method_of(rule), headers=bearer(key))
            assert is_turned_away(response), rule.rule


def test_a_bad_key_is_refused_though_a_session_would_do(small_town: TwoTenants) -> None:
    browser = small_town.browser("admin")

    assert browser.get(JSON_ROUTE).status_code == 200
    assert browser.get(JSON_ROUTE, headers=bearer("va_wrong")).status_code == 401


def test_a_key_that_is_too_small_is_told_so(small_town: TwoTenants) -> None:
    app = small_town.app_with()
    app.add_url_rule("/api/v1/more", "more", require_role(Role.OPERATOR)(lambda: "secret"))

    response = app.test_client().get("/api/v1/more", headers=bearer(small_town.keys["all"]))

    assert response.status_code == 403
    assert response.get_json() == {"detail": "Forbidden"}
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="voiceadmin", error="insufficient_scope"'


def test_a_key_is_told_its_budget_slowed_down_and_let_on(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    client = tenants.app_with(key_burst=5, key_rate=2.0).test_client()

    answers = [client.get(JSON_ROUTE, headers=bearer(tenants.keys["acme"])) for _ in range(7)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0", "0"]
    assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"5"}
    assert [answer.headers["RateLimit-Reset"] for answer in answers] == ["1", "1", "2", "2", "3", "3", "3"]
    assert [answer.headers.get("Retry-After") for answer in answers] == [None] * 5 + ["1"] * 2
    assert set(answers[-1].get_json()) == {"detail"}
    assert client.get(JSON_ROUTE, headers=bearer(tenants.keys["all"])).status_code == 200, (
        "each has a budget of its own"
    )

    move_clock(monkeypatch, seconds=1)
    answers = [client.get(JSON_ROUTE, headers=bearer(tenants.keys["acme"])) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]

    move_clock(monkeypatch, hours=1)
    assert client.get(JSON_ROUTE, headers=bearer(tenants.keys["acme"])).headers["RateLimit-Remaining"] == "4"


def test_a_budget_is_told_with_every_answer_to_a_key(small_town: TwoTenants) -> None:
    client, key = small_town.app.test_client(), bearer(small_town.keys["acme"])
    etag = client.get(JSON_ROUTE, headers=key).headers["ETag"]

    for address, headers, status in (
        (JSON_ROUTE, {"If-None-Match": etag}, 304),
        (JSON_ROUTE.replace("31", "9"), {}, 404),
        (JSON_ROUTE + "?status=x", {}, 422),
    ):
        response = client.get(address, headers=key | headers)
        assert response.status_code == status
        assert response.headers["RateLimit-Limit"] == "50"
    assert "RateLimit-Limit" not in small_town.browser("viewer").get(JSON_ROUTE).headers


# Sessions: how long they last


def test_a_session_ends_when_nothing_happens(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tenants.browser("viewer")

    move_clock(monkeypatch, minutes=29, seconds=59)
    copy = with_cookie(tenants.app, cookie_of(browser))
    assert copy.get("/session").get_json() == {"seconds_left": 1}
    move_clock(monkeypatch, minutes=30)

    assert is_turned_away(copy.get("/assistants"))
    assert copy.get(JSON_ROUTE).status_code == 401
    assert copy.get("/session").get_json() == {"seconds_left": None}


def test_activity_prolongs_a_session_until_its_end(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tenants.browser("viewer")

    for minutes in range(20, 12 * 60, 20):
        move_clock(monkeypatch, minutes=minutes)
        assert browser.get("/assistants").status_code == 200, minutes
    assert browser.get("/session").get_json() == {"seconds_left": 20 * 60}
    move_clock(monkeypatch, hours=12)

    assert is_turned_away(browser.get("/assistants"))


def test_both_limits_are_settings(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tenants.browser("viewer", tenants.app_with(session_idle_minutes=100, session_hours=2))

    move_clock(monkeypatch, minutes=99)
    assert browser.get("/assistants").status_code == 200
    move_clock(monkeypatch, minutes=119)
    assert browser.get("/assistants").status_code == 200
    move_clock(monkeypatch, minutes=120)
    assert is_turned_away(browser.get("/assistants"))

    short = tenants.browser("viewer", tenants.app_with(session_idle_minutes=1))
    move_clock(monkeypatch, minutes=121)
    assert is_turned_away(short.get("/assistants"))


SIGNS_OF_A_PERSON = [
    ("GET", "/assistants", {}, True),
    ("GET", "/account", {}, True),
    ("POST", "/session", {}, True),
    ("GET", "/people", {}, False),  # refused, so nothing was done
    ("GET", "/assistants", {"X-Background": "1"}, False),
    ("POST", "/session", {"X-Background": "1"}, False),
    ("GET", "/session", {}, False),
    ("GET", JSON_ROUTE, {}, False),
    ("GET", "/static/mark.svg", {}, False),
    ("GET", "/healthz", {}, False),
    ("GET", "/nothing", {}, False),
]


@pytest.mark.parametrize(("method", "address", "headers", "counts"), SIGNS_OF_A_PERSON)
def test_only_what_a_person_does_is_activity(
    tenants: TwoTenants,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    address: str,
    headers: dict[str, str],
    counts: bool,
) -> None:
    browser = tenants.browser("viewer")
    move_clock(monkeypatch, minutes=20)

    browser.open(address, method=method, headers=headers)
    left = browser.get("/session").get_json()["seconds_left"]

    assert left == (30 * 60 if counts else 10 * 60)


def test_activity_is_written_once_a_minute_at_most(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, seen = tenants.browser("viewer"), []

    for seconds in (0, 1, 59, 60, 61, 119, 120):
        move_clock(monkeypatch, seconds=seconds)
        browser.get("/assistants")
        seen.append((rows_of("account_session")[0]["last_active_at"] - NOW).total_seconds())

    assert seen == [0, 0, 0, 60, 60, 60, 120]


@pytest.mark.parametrize("token", ["", "x", "\xff", "a" * 100_000, "' OR '1'='1", "%00", "None", "0" * 64])
def test_a_cookie_that_is_none_is_nobody(small_town: TwoTenants, token: str) -> None:
    small_town.browser("platform")
    client = small_town.app.test_client()

    response = client.get("/assistants", headers={"Cookie": f"__Host-voiceadmin={token}"})

    assert is_turned_away(response)


def test_the_hash_of_a_token_is_no_token(small_town: TwoTenants) -> None:
    small_town.browser("platform")

    for session in rows_of("account_session"):
        assert is_turned_away(with_cookie(small_town.app, session["token_hash"]).get("/assistants"))
    for key in rows_of("api_key"):
        assert small_town.app.test_client().get(JSON_ROUTE, headers=bearer(key["token_hash"])).status_code == 401


# What other sites send


def token_in(html: str) -> str:
    """The token of the forms of a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("rule", POSTS, ids=name_of)
def test_a_form_that_is_not_from_our_page_does_nothing(small_town: TwoTenants, rule: Rule) -> None:
    app = small_town.app_with(csrf=True)
    browser, other = small_town.browser("platform", app), small_town.browser("platform", app)
    address, form = small_town.address(rule), small_town.form(rule)
    token, others = (token_in(one.get("/account").text) for one in (browser, other))
    here = {"Origin": "http://localhost"}
    cases: list[tuple[str | None, dict[str, str]]] = [
        (None, {}),
        (None, here),
        ("", here),
        ("wrong", here),
        (token[:-1], here),
        (others, here),
        (None, here | {"X-CSRF-Token": others}),
        (token, {"Origin": "https://evil.example"}),
        (token, {"Origin": "http://localhost.evil.example"}),
        (token, {"Origin": "http://localhost@evil.example"}),
        (token, {"Origin": "http://localhost:8001"}),
        (token, {"Origin": "https://localhost"}),
        (token, {"Origin": "http://["}),
        (token, {"Origin": "null"}),
        (token, {"Referer": "https://evil.example/http://localhost/"}),
        (token, {"Origin": "null", "Referer": "http://localhost/"}),
    ]
    before = dump()
    for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}):
        for sent, headers in cases:
            response = browser.open(address, method=method, data=form | {"csrf_token": sent or ""}, headers=headers)

            assert response.status_code == 400, (sent, headers)
        assert dump() == before

        assert browser.open(address, method=method, data=form | {"csrf_token": token}, headers=here).status_code in (
            *(200, 303, 409),
        )


def test_a_program_of_ours_may_send_the_token_in_a_header(small_town: TwoTenants) -> None:
    browser = small_town.browser("viewer", small_town.app_with(csrf=True))
    token = token_in(browser.get("/account").text)

    assert browser.post("/session").status_code == 400
    assert browser.post("/session", headers={"X-CSRF-Token": token}).status_code == 200


def test_a_token_of_before_is_of_no_use_after_signing_in(small_town: TwoTenants) -> None:
    browser = small_town.browser("nobody", small_town.app_with(csrf=True))
    before = token_in(browser.get("/sign-in").text)
    form = small_town.form(next(rule for rule in POSTS if rule.endpoint == "sign_in.sign_in"))

    assert browser.post("/sign-in", data=form | {"csrf_token": before}).status_code == 303

    assert browser.post("/session", data={"csrf_token": before}).status_code == 400


# Reading writes nothing


HOSTILE = [
    *("", "x", "0", "-1", "1", "31", str(MAX_ID), str(MAX_ID + 1), "1e9", "NaN", "%00", "%FF", "%0d%0aX: y", "é", "😀"),
    *("' OR '1'='1", "'; DROP TABLE account; --", "<script>", "{{7*7}}", "2026-13-45", "2026-01-01", "9999-12-31"),
    *("signed-in", "role-changed", "//evil.example", "/people", "ready", "true", "a" * 5000),
]
ARGUMENTS = [
    *("q", "status", "provider", "sort", "size", "page", "organization", "skip", "limit", "who", "kind", "voice"),
    *("since", "until", "older", "next", "email", "password", "name", "role", "token", "csrf_token", "_method", "v"),
]


def domain_data() -> dict[str, Any]:
    """All that reading must not change."""
    exports = {word.value for word in AuditEventType if word.value.endswith("-exported")}
    found = dump()
    del found["token_bucket"]
    found["audit_event"] = [line for line in found["audit_event"] if line["event_type"] not in exports]
    for table, column in (("account_session", "last_active_at"), ("api_key", "last_used_at")):
        for row in found[table]:
            del row[column]
    return found


def test_reading_changes_nothing_whatever_is_asked(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(7)
    addresses = [(rule, tenants.address(rule, "admin")) for rule in RULES]
    browsers = [tenants.browser(who) for who in ("nobody", "admin", "platform")]
    before, statuses = domain_data(), set()

    for number in range(300):
        move_clock(monkeypatch, seconds=number * 2)
        rule, address = addresses[number % len(addresses)]
        reading = sorted({"GET", "HEAD", "OPTIONS"} & (rule.methods or set()))
        query = [(dice.choice(ARGUMENTS), dice.choice(HOSTILE)) for _ in range(dice.randrange(5))]
        headers = dice.choice([{}, bearer(tenants.keys["all"]), {"X-HTTP-Method-Override": "POST"}])
        response = dice.choice(browsers).open(address, method=dice.choice(reading), query_string=query, headers=headers)
        assert response.status_code < 500, (address, query)
        statuses.add(response.status_code)

    assert domain_data() == before
    assert {200, 303, 422} <= statuses


def test_what_takes_get_takes_no_other_method_than_post(small_town: TwoTenants) -> None:
    methods = {method for rule in RULES for method in rule.methods or ()}

    assert methods == {"GET", "HEAD", "OPTIONS", "POST"}


# Where a request comes from


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "127.0.0.2", "a b"]
)
def test_a_foreign_host_is_refused_everywhere(small_town: TwoTenants, host: str) -> None:
    browser = small_town.browser("platform")
    addresses = [(rule, small_town.address(rule)) for rule in RULES]
    before = dump()

    for rule, address in addresses:
        for method in sorted(rule.methods or ()):
            response = browser.open(address, method=method, headers={"Host": host})

            assert response.status_code == 400, (method, address)
            assert "evil" not in response.text
    assert dump() == before


FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "voices.example",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Port": "99",
    "Forwarded": "for=203.0.113.9;host=evil.example;proto=https",
    "X-Real-IP": "203.0.113.9",
}


@pytest.mark.parametrize(("proxies", "address"), [(0, "127.0.0.1"), (1, "203.0.113.9")])
def test_a_proxy_is_believed_when_there_is_one(tenants: TwoTenants, proxies: int, address: str) -> None:
    hosts = ("localhost",) if proxies == 0 else ("voices.example",)
    client = tenants.app_with(proxies=proxies, hosts=hosts).test_client()
    form = tenants.form(next(rule for rule in POSTS if rule.endpoint == "sign_in.sign_in"))

    response = client.post("/sign-in", data=form, headers=FORWARDED)

    assert response.status_code == 303
    assert response.headers["Location"] == "/"
    assert ("Strict-Transport-Security" in response.headers) == bool(proxies)
    assert rows_of("account_session")[-1]["address"] == address
    assert rows_of("audit_event")[-1]["address"] == address


def test_a_proxy_hands_on_no_foreign_host_and_only_the_last_address_counts(tenants: TwoTenants) -> None:
    client = tenants.app_with(proxies=1).test_client()
    form = tenants.form(next(rule for rule in POSTS if rule.endpoint == "sign_in.sign_in"))

    assert client.get("/sign-in", headers={"X-Forwarded-Host": "evil.example"}).status_code == 400
    client.post("/sign-in", data=form, headers={"X-Forwarded-For": "1.1.1.1, 203.0.113.9"})

    assert rows_of("account_session")[-1]["address"] == "203.0.113.9"


# Open to all


def test_somebody_who_did_not_sign_in_may_look_where_it_is_so_set(tenants: TwoTenants) -> None:
    client = tenants.app_with(anonymous_role=Role.OPERATOR).test_client()

    for rule in RULES:
        mark = mark_of(rule)
        response = client.open(tenants.address(rule), method=method_of(rule))
        if mark.signed_in or mark.role > Role.OPERATOR:
            assert is_turned_away(response), rule.rule
        else:
            assert response.status_code in (200, 303, 409, 422), rule.rule
            assert not is_turned_away(response), rule.rule
    assert client.get(JSON_ROUTE).get_json()["cloned_voices"][0]["id"] == tenants.voices[tenants.acme.id]
    assert client.get(JSON_ROUTE, headers=bearer("va_wrong")).status_code == 401


def test_a_viewer_who_is_nobody_does_not_operate(small_town: TwoTenants) -> None:
    app = small_town.app_with(anonymous_role=Role.VIEWER)
    app.add_url_rule("/operate", "operate", require_role(Role.OPERATOR)(lambda: "secret"))

    assert is_turned_away(app.test_client().get("/operate"))


def test_a_store_that_was_open_until_there_are_accounts_is_shut_by_the_first(store: Flask, now: Any) -> None:
    store.config[OPEN_UNTIL_FIRST_ACCOUNT] = True
    store.test_client_class = Client
    client = store.test_client()
    assert client.get("/assistants").status_code == 200
    assert client.get("/people").status_code == 303

    with build_two_tenants(store):
        assert is_turned_away(client.get("/assistants"))
        assert client.get(JSON_ROUTE).status_code == 401


# Fields that no form has


GUESSED: dict[str, Any] = {
    "organizations": ["all"],
    "purpose": "setup",
    "_method": "DELETE",
    **dict.fromkeys(("role", "roles", "account[role]"), "admin"),
    **dict.fromkeys(("platform", "is_platform", "is_admin", "admin", "superuser", "everywhere", "sure"), "1"),
    **dict.fromkeys(("id", "account_id", "account", "user_id", "organization_id", "link_id", "key_id"), "1"),
    **dict.fromkeys(("scope", "permissions", "organization"), "all"),
    **dict.fromkeys(("highest", "grant.role"), "4"),
    **dict.fromkeys(("email", "email_key", "actor", "maker"), "evil@e.example"),
    **dict.fromkeys(("password_hash", "token", "token_hash", "key", "__class__"), "x"),
    **dict.fromkeys(
        ("disabled_at", "created_at", "expires_at", "revoked_at", "used_at", "reauthenticated_at"), "2099-01-01"
    ),
}
FILTERED = {"triage.all_matching", "cleanup.plan"}  # they have a field for an organization, by its id
DRAWN = {"token_hash", "password_hash", "hint"}  # at random
WATCHED = ("account", "membership", "api_key", "api_key_organization", "account_session", "one_time_link")


@contextmanager
def fresh_town(template: Path, folder: Path) -> Iterator[TwoTenants]:
    """The tenants in a store of its own, where everything has the same ids as in the next one."""
    folder.mkdir()
    shutil.copy(template, folder / "voiceadmin.sqlite")
    app = create_app(Settings(instance=folder), WTF_CSRF_ENABLED=False)
    with app.app_context():
        with build_two_tenants(app) as tenants:
            yield tenants
        dispose_engine()


@pytest.mark.parametrize("rule", POSTS, ids=name_of)
def test_a_field_that_a_form_does_not_have_counts_for_nothing(
    rule: Rule, sqlite_template: Path, tmp_path: Path, now: Any
) -> None:
    """In the form, in the address and as JSON."""
    role, kept = mark_of(rule).role, []
    who = {Role.PLATFORM: "platform", Role.ADMIN: "admin", Role.OPERATOR: "operator"}.get(role, "viewer")
    for number, guessed in enumerate((False, True)):
        with fresh_town(sqlite_template, tmp_path / str(number)) as tenants:
            browser, form = tenants.browser(who), tenants.form(rule)
            more = {name: value for name, value in GUESSED.items() if name not in form}
            if rule.endpoint in FILTERED:
                del more["organization"]
            answer = browser.post(
                tenants.address(rule, who), data=form | (more if guessed else {}), query_string=more if guessed else {}
            )
            assert answer.status_code in (200, 303, 409), f"Say in FORMS of tests/tenants.py what {rule.rule} takes."
            browser.post("/assistants", json=more)
            rows = {name: rows_of(name) for name in WATCHED}
            kept.append(
                {name: [{key: row[key] for key in row.keys() - DRAWN} for row in rows[name]] for name in WATCHED}
            )

    assert kept[0] == kept[1]


# Who it is, as a view is told


def seen_by_a_view(app: Flask, role: Role = Role.ANYONE) -> list[tuple[Requester, Scope | None]]:
    """Add a view at /who and at /api/v1/who; what it is told comes into this list."""
    seen: list[tuple[Requester, Scope | None]] = []

    def who() -> str:
        seen.append((access.requester(), access.scope() if role else None))
        return access.remote_address()

    for address in ("/who", "/api/v1/who"):
        app.add_url_rule(address, address.strip("/").replace("/", "_"), require_role(role)(who))
    return seen


FROM = {"REMOTE_ADDR": "203.0.113.7"}


def test_a_view_is_told_which_key_came_from_where_and_what_it_reads(small_town: TwoTenants) -> None:
    app = small_town.app_with()
    seen = seen_by_a_view(app, Role.VIEWER)
    ids = {key["name"]: key["id"] for key in rows_of("api_key")}
    client = app.test_client()

    for key in ("acme", "all"):
        response = client.get("/api/v1/who", headers=bearer(small_town.keys[key]), environ_base=FROM)
        assert (response.status_code, response.text) == (200, "203.0.113.7")

    acme, name = small_town.acme.id, "Key of everything"
    assert seen == [
        (
            Requester(Actor(ActorKind.KEY, ids["Key of Acme"], "Key of Acme", "203.0.113.7"), {acme: Role.VIEWER}),
            Scope(frozenset({acme})),
        ),
        (
            Requester(Actor(ActorKind.KEY, ids[name], name, "203.0.113.7"), global_role=Role.VIEWER),
            EVERYTHING,
        ),
    ]


def test_a_view_is_told_which_person_came_from_where_and_where_they_may(small_town: TwoTenants) -> None:
    app, both = small_town.app_with(), small_town.people["both"]
    seen = seen_by_a_view(app, Role.VIEWER)

    assert small_town.browser("both", app).get("/who", environ_base=FROM).status_code == 200

    ((requester, scope),) = seen
    assert requester.actor == Actor(ActorKind.ACCOUNT, both.id, "both@example.com", "203.0.113.7")
    assert requester.account_id == both.id
    assert scope == Scope(frozenset({small_town.acme.id, small_town.zebra.id}))


@pytest.mark.parametrize("address", ["/who", "/api/v1/who"])
@pytest.mark.parametrize("role", [Role.ANYONE, Role.VIEWER])
def test_a_view_is_told_that_it_is_nobody_and_what_all_may(small_town: TwoTenants, role: Role, address: str) -> None:
    app = small_town.app_with(anonymous_role=role)
    seen = seen_by_a_view(app)

    assert app.test_client().get(address, environ_base=FROM).text == "203.0.113.7"

    assert seen == [(anonymous_requester("203.0.113.7", role), None)]


def test_who_is_forgotten_is_nobody_from_the_same_place(small_town: TwoTenants) -> None:
    with small_town.app.test_request_context("/", environ_base=FROM):
        access.forget_requester()

        assert access.requester() == anonymous_requester("203.0.113.7")


def test_a_request_from_nowhere_has_an_empty_address(small_town: TwoTenants) -> None:
    with small_town.app.test_request_context("/", environ_overrides={"REMOTE_ADDR": None}):
        assert access.remote_address() == ""


def test_who_is_turned_away_is_told_what_to_do(small_town: TwoTenants) -> None:
    client = small_town.app.test_client()

    refused = client.get(JSON_ROUTE, headers=bearer("va_wrong"))
    unknown = client.get(JSON_ROUTE)

    assert refused.get_json() == {"detail": "This API key is not valid, or not any more."}
    assert unknown.get_json() == {"detail": "Send an API key: Authorization: Bearer va_…"}


# What an app is made of


@pytest.mark.parametrize(("plain", "name"), [(False, "__Host-voiceadmin"), (True, "voiceadmin")])
def test_cookies_are_kept_to_this_host_and_to_tls_unless_they_are_plain(
    small_town: TwoTenants, plain: bool, name: str
) -> None:
    app = small_town.app_with(plain_cookies=plain)

    assert access.cookie_name(app.config["VOICEADMIN"]) == name
    assert {key: app.config[f"SESSION_COOKIE_{key}"] for key in ("NAME", "SECURE", "SAMESITE", "PATH")} == {
        "NAME": f"{name}-form",
        "SECURE": not plain,
        "SAMESITE": "Lax",
        "PATH": "/",
    }


def test_an_app_signs_with_the_key_it_is_given_or_with_one_of_its_own(small_town: TwoTenants) -> None:
    assert small_town.app_with(secret_key="given" * 8).config["SECRET_KEY"] == "given" * 8
    first, second = (small_town.app_with(secret_key="").config["SECRET_KEY"] for _ in range(2))
    assert len({first, second}) == 2
    assert min(len(first), len(second)) >= 43


def test_a_form_is_good_for_as_long_as_its_page(small_town: TwoTenants) -> None:
    config = small_town.app_with(csrf=True).config

    assert (config["WTF_CSRF_TIME_LIMIT"], config["WTF_CSRF_HEADERS"]) == (None, ["X-CSRF-Token"])


def test_templates_can_ask_who_it_is_and_how_open_the_store_is(small_town: TwoTenants) -> None:
    app = small_town.app
    known = app.jinja_env.globals

    assert (known["requester"], known["session_seconds_left"]) == (access.requester, access.session_seconds_left)
    asked: Any = known["is_open_until_first_account"]
    with app.app_context():
        assert not asked()
        app.config[OPEN_UNTIL_FIRST_ACCOUNT] = True
        assert asked() is True


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://localhost/", True),
        ("http://localhost:8000/", True),
        ("http://127.0.0.1/", True),
        ("http://127.0.0.1:8000/", True),
        ("http://127.8.9.1/", True),
        ("http://[::1]/", True),
        ("http://[::1]:8000/", True),
        ("https://voices.example/", True),
        ("http://voices.example/", False),
        ("http://voices.example:8000/", False),
        ("http://localhost.example/", False),
        ("http://10.0.0.1/", False),
        ("http://10.0.0.1:8000/", False),
        ("http://[2001:db8::1]/", False),
        ("http://[2001:db8::1]:8000/", False),
    ],
)
def test_a_browser_keeps_our_cookies_over_tls_or_on_the_machine_itself(
    small_town: TwoTenants, url: str, private: bool
) -> None:
    request = Request(create_environ(base_url=url))

    with small_town.app.app_context():
        assert access.keeps_cookies(request) is private
    with small_town.app_with(plain_cookies=True).app_context():
        assert access.keeps_cookies(request) is True


# How sure it is that it is them


def test_the_password_counts_as_given_for_so_long(small_town: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, instant = small_town.browser("admin"), timedelta(microseconds=1)
    monkeypatch.setattr(clock, "now", lambda: NOW + REAUTH_TTL - instant)
    copy = with_cookie(small_town.app, cookie_of(browser))
    assert copy.get("/api-keys/new").status_code == 200

    monkeypatch.setattr(clock, "now", lambda: NOW + REAUTH_TTL)

    refused = copy.get("/api-keys/new")
    assert refused.status_code == 303
    assert refused.headers["Location"].startswith("/confirm")


def test_nobody_is_sure(small_town: TwoTenants) -> None:
    with small_town.app.test_request_context("/"):
        assert not access.is_recently_authenticated(NOW)
        assert access.session_seconds_left() is None


def test_what_is_left_of_a_session_is_never_less_than_nothing(
    small_town: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = SessionRow(1, 1, NOW, NOW, NOW, "", "")
    with small_town.app.test_request_context("/"):
        access.forget_requester()
        g.requester = replace(g.requester, session=ada)
        for late, left in ((0, 1800), (0.5, 1799), (1799, 1), (1799.5, 0), (1800, 0), (1801.5, 0)):
            move_clock(monkeypatch, seconds=late)
            assert access.session_seconds_left() == left, late


def test_whether_there_are_accounts_is_asked_until_there_is_one(
    sqlite_store: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def has_any_account() -> bool:
        asked.append(1)
        return len(asked) == 3

    monkeypatch.setattr(access, "has_any_account", has_any_account)
    settings = sqlite_store.config["VOICEADMIN"]
    assert (access.anonymous_role(), asked) == (Role.ANYONE, [])

    sqlite_store.config[OPEN_UNTIL_FIRST_ACCOUNT] = True
    roles = [access.anonymous_role() for _ in range(5)]

    assert roles == [Role.OPERATOR, Role.OPERATOR, Role.ANYONE, Role.ANYONE, Role.ANYONE]
    assert len(asked) == 3
    assert sqlite_store.config["VOICEADMIN"] is settings


# What other sites send, header by header


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Referer": "http://localhost/assistants?q=x"}, 200),
        ({"Origin": "", "Referer": "http://localhost/"}, 200),
        ({"Origin": "", "Referer": "http://evil.example/"}, 400),
        ({"Origin": "http://localhost", "Referer": "http://evil.example/"}, 200),
        ({"Origin": "http://["}, 400),
        ({"Origin": "https://localhost"}, 400),
        ({"Origin": "http://localhost:1"}, 400),
    ],
)
def test_what_another_site_sends_is_refused_for_what_it_is(
    small_town: TwoTenants, headers: dict[str, str], status: int
) -> None:
    browser = small_town.browser("viewer")

    response = browser.post("/session", headers=headers)

    assert response.status_code == status
    assert (FORM_TOO_OLD in response.text) == (status == 400)
    for method in ("GET", "HEAD", "OPTIONS"):
        assert browser.open("/session", method=method, headers=headers).status_code == 200
