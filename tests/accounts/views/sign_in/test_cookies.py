"""Session tokens and cookies."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.accounts.views.sign_in.scenario import sign_in_by_form
from tests.page import Page
from tests.two_tenants import (
    TwoTenants,
    audit_event_types,
    cookie_of,
    dump,
    is_redirected_to_sign_in,
    rows_of,
    with_cookie,
)


def test_each_session_has_a_new_token_of_256_bits_that_is_stored_as_a_hash(tenants: TwoTenants) -> None:
    tokens = []
    for _ in range(3):
        client = tenants.app.test_client()
        assert sign_in_by_form(client, tenants.people["viewer"].email).status_code == 303
        tokens.append(cookie_of(client))
    key, link = tenants.keys["acme"], tenants.invite(tenants.acme)
    everything = repr(dump())

    for token in (*tokens, key.removeprefix("va_"), link):
        assert len(base64.urlsafe_b64decode(token + "=")) * 8 == 256
        assert token not in everything
    for token in (*tokens, key, link):
        assert hashlib.sha256(token.encode()).hexdigest() in everything
    assert len(set(tokens)) == 3


def test_signing_in_replaces_a_token_planted_in_the_browser(tenants: TwoTenants) -> None:
    planted = "x" * 43
    victim = with_cookie(tenants.app, planted)

    sign_in_by_form(victim, tenants.people["platform"].email)

    assert cookie_of(victim) != planted
    assert is_redirected_to_sign_in(with_cookie(tenants.app, planted).get("/assistants"))


def test_signing_in_as_another_account_replaces_the_session(tenants: TwoTenants) -> None:
    browser = tenants.browser("platform")
    root = cookie_of(browser)

    sign_in_by_form(browser, tenants.people["viewer"].email)

    assert cookie_of(browser) != root
    assert browser.get("/people").status_code == 403


@pytest.mark.parametrize(
    ("plain", "name", "expected"),
    [
        (False, "__Host-voiceadmin", ["Secure", "HttpOnly", "Path=/", "SameSite=Lax"]),
        (True, "voiceadmin", ["HttpOnly", "Path=/", "SameSite=Lax"]),
    ],
)
def test_cookies_have_only_the_required_attributes(
    sqlite_tenants: TwoTenants, plain: bool, name: str, expected: list[str]
) -> None:
    client = sqlite_tenants.app_with(csrf=True, plain_cookies=plain).test_client()
    page = client.get("/sign-in")
    token = Page(page.text).root.one("input", name="csrf_token").attributes["value"]
    signed_in = sign_in_by_form(client, sqlite_tenants.people["viewer"].email, csrf_token=token)
    account = client.get("/account")
    token = Page(account.text).root.all("input", name="csrf_token")[0].attributes["value"]
    signed_out = client.post("/sign-out", data={"csrf_token": token})

    lines = [
        (page, line) for page in (page, signed_in, account, signed_out) for line in page.headers.getlist("Set-Cookie")
    ]
    seen = set()
    for answer, line in lines:
        (key, value), attributes = (
            line.split(";")[0].split("=", 1),
            [text.strip() for text in line.split(";")[1:]],
        )
        lasting = ("Expires=", "Max-Age=15552000") if key.endswith("-device") else ()
        expiry = {text for text in attributes if text.startswith(("Expires=Thu, 01 Jan 1970", "Max-Age=0", *lasting))}
        assert sorted(set(attributes) - expiry) == sorted(expected), line
        assert len(line) < 4096
        seen.add((key, bool(value), answer is signed_in))
    assert {key for key, _, _ in seen} == {name, f"{name}-form", f"{name}-device"}
    assert (f"{name}-form", False, True) in seen, "signing in empties the form's cookie"
    assert (name, True, True) in seen


def test_the_form_cookie_contains_no_session_token(sqlite_tenants: TwoTenants) -> None:
    browser = sqlite_tenants.browser("viewer", sqlite_tenants.app_with(csrf=True))
    browser.get("/account")
    cookie = browser.get_cookie("__Host-voiceadmin-form")

    assert cookie is not None
    assert cookie_of(browser) not in cookie.value


def test_signing_in_ends_the_former_session_of_the_browser(tenants: TwoTenants) -> None:
    browser = tenants.browser("viewer")
    former = {row["id"] for row in rows_of("account_session")}
    other = tenants.browser("viewer")
    kept = {row["id"] for row in rows_of("account_session")} - former

    sign_in_by_form(browser, "operator@acme.example")

    sessions = {row["id"] for row in rows_of("account_session")}
    assert kept <= sessions
    assert len(sessions) == len(former | kept)  # one ended, and one began
    assert other.get("/assistants").status_code == 200
    assert audit_event_types()[-2:] == ["signed-in", "signed-out"]
