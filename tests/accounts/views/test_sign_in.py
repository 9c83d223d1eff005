"""Signing in and out, coming in by a link, giving the password again."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.routing import Rule

from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD
from tests.page import Page
from tests.two_tenants import (
    RULES,
    TwoTenants,
    audit_words,
    build_two_tenants,
    cookie_of,
    dump,
    is_turned_away,
    mark_of,
    name_of,
    rows_of,
    with_cookie,
)
from voiceadmin import clock
from voiceadmin.accounts.actions.links import create_reset_link, revoke_invitation
from voiceadmin.accounts.models import Account
from voiceadmin.accounts.types import REAUTH_TTL
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.web.access import SETUP_LINK_PRINTED, cookie_name

SURE = [rule for rule in RULES if mark_of(rule).recently_authenticated]


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


def move_clock(monkeypatch: pytest.MonkeyPatch, later: timedelta) -> None:
    """Let it be so much later than the beginning of the test."""
    monkeypatch.setattr(clock, "now", lambda: NOW + later)


def sign_in_by_form(client: FlaskClient, email: str, password: str = PASSWORD, **more: str) -> Any:
    """What a person does."""
    return client.post("/sign-in", data={"email": email, "password": password} | more)


# Signing in


def test_signing_in_leads_to_where_one_was_going(tenants: TwoTenants) -> None:
    client = tenants.browser("nobody")
    wanted = "/assistants/31/voices?status=ready&page=2"
    led = client.get(wanted)
    assert is_turned_away(led)
    page = Page(client.get(led.headers["Location"]).text)
    page.check()

    response = sign_in_by_form(
        client, " Viewer@ACME.example ", next=page.root.one("input", name="next").attributes["value"]
    )

    assert response.status_code == 303
    assert response.headers["Location"] == wanted
    assert client.get("/assistants").status_code == 200
    assert audit_words()[-1] == "signed-in"


def test_who_is_signed_in_already_goes_straight_on(small_town: TwoTenants) -> None:
    browser = small_town.browser("viewer")

    assert browser.get("/sign-in").headers["Location"] == "/"
    assert browser.get("/sign-in?next=/voices/3").headers["Location"] == "/voices/3"


def test_every_refusal_is_the_same(tenants: TwoTenants) -> None:
    with write_transaction():
        disabled = tenants.people["operator"].id
        db.session.execute(update(Account).where(Account.id == disabled).values(disabled_at=NOW))
    answers = []
    for email, password in (
        (tenants.people["viewer"].email, "wrong password"),
        ("nobody@acme.example", PASSWORD),
        (tenants.people["operator"].email, PASSWORD),
        (tenants.people["operator"].email, "wrong password"),
        (tenants.people["viewer"].email, PASSWORD.upper()),
        (tenants.people["viewer"].email, PASSWORD + " "),
    ):
        response = sign_in_by_form(tenants.browser("nobody"), email, password)
        answers.append((response.status_code, re.sub(r'value="[^"]*"', "", response.text)))
        assert "Set-Cookie" not in response.headers or cookie_name(tenants.settings) + "=" not in str(response.headers)

    assert answers[0][0] == 422
    assert set(answers) == {answers[0]}
    assert audit_words()[-6:] == ["sign-in-failed"] * 6


@pytest.mark.parametrize(
    "form", [{}, {"email": "viewer@acme.example"}, {"password": "x"}, {"email": "x", "password": "y"}]
)
def test_a_form_with_gaps_is_shown_again(small_town: TwoTenants, form: dict[str, str]) -> None:
    response = small_town.browser("nobody").post("/sign-in", data=form)

    assert response.status_code == 422
    Page(response.text).check()


def test_a_password_that_was_given_is_never_shown_again(small_town: TwoTenants) -> None:
    secret = "mute-mute-mute"
    client = small_town.browser("nobody")

    assert secret not in sign_in_by_form(client, "viewer@acme.example", secret).text
    assert secret not in sign_in_by_form(client, "no e-mail", secret).text
    assert secret not in client.get(f"/sign-in?password={secret}").text
    assert secret not in small_town.browser("viewer").post("/confirm", data={"password": secret}).text


def test_who_tries_too_often_has_to_wait(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    client, email = tenants.browser("nobody"), tenants.people["viewer"].email

    statuses = [sign_in_by_form(client, email, "wrong").status_code for _ in range(10)]
    refused = sign_in_by_form(client, email)
    again = sign_in_by_form(client, email)

    assert statuses == [422] * 10
    assert (refused.status_code, again.status_code) == (429, 429)
    assert refused.headers["Retry-After"] == "30"
    Page(refused.text).check()
    assert audit_words()[-2:] == ["sign-in-failed", "rate-limited"], "told once"
    assert sign_in_by_form(client, tenants.people["operator"].email).status_code == 303, "others are not kept out"
    move_clock(monkeypatch, timedelta(seconds=30))
    assert sign_in_by_form(client, email).status_code == 303


# The token


def test_a_session_gets_a_new_token_of_256_bits_of_which_only_the_hash_is_kept(tenants: TwoTenants) -> None:
    client, tokens = tenants.app.test_client(), []
    for _ in range(3):
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


def test_a_token_that_was_put_into_a_browser_gets_no_rights_by_signing_in(tenants: TwoTenants) -> None:
    planted = "x" * 43
    victim = with_cookie(tenants.app, planted)

    sign_in_by_form(victim, tenants.people["platform"].email)

    assert cookie_of(victim) != planted
    assert is_turned_away(with_cookie(tenants.app, planted).get("/assistants"))


def test_signing_in_over_somebody_else_leaves_nothing_of_them(tenants: TwoTenants) -> None:
    browser = tenants.browser("platform")
    root = cookie_of(browser)

    sign_in_by_form(browser, tenants.people["viewer"].email)

    assert cookie_of(browser) != root
    assert browser.get("/people").status_code == 403


@pytest.mark.parametrize(
    ("plain", "name", "words"),
    [
        (False, "__Host-voiceadmin", ["Secure", "HttpOnly", "Path=/", "SameSite=Lax"]),
        (True, "voiceadmin", ["HttpOnly", "Path=/", "SameSite=Lax"]),
    ],
)
def test_cookies_say_no_more_than_they_must(small_town: TwoTenants, plain: bool, name: str, words: list[str]) -> None:
    client = small_town.app_with(csrf=True, plain_cookies=plain).test_client()
    page = client.get("/sign-in")
    token = Page(page.text).root.one("input", name="csrf_token").attributes["value"]
    signed_in = sign_in_by_form(client, small_town.people["viewer"].email, csrf_token=token)
    account = client.get("/account")
    token = Page(account.text).root.all("input", name="csrf_token")[0].attributes["value"]
    signed_out = client.post("/sign-out", data={"csrf_token": token})

    lines = [
        (page, line) for page in (page, signed_in, account, signed_out) for line in page.headers.getlist("Set-Cookie")
    ]
    seen = set()
    for answer, line in lines:
        (key, value), attributes = line.split(";")[0].split("=", 1), [word.strip() for word in line.split(";")[1:]]
        gone = {word for word in attributes if word.startswith(("Expires=Thu, 01 Jan 1970", "Max-Age=0"))}
        assert sorted(set(attributes) - gone) == sorted(words), line
        assert len(line) < 4096
        seen.add((key, bool(value), answer is signed_in))
    assert {key for key, _, _ in seen} == {name, f"{name}-form"}
    assert (f"{name}-form", False, True) in seen, "signing in empties the form's cookie"
    assert (name, True, True) in seen


def test_a_form_s_cookie_holds_no_secret(small_town: TwoTenants) -> None:
    browser = small_town.browser("viewer", small_town.app_with(csrf=True))
    browser.get("/account")
    cookie = browser.get_cookie("__Host-voiceadmin-form")

    assert cookie is not None
    assert cookie_of(browser) not in cookie.value


# Where to go on to


ELSEWHERE = [
    *("//e.example", "///e.example", "////e.example", "\\\\e.example", "/\\e.example", "\\/e.example", "/\\/e.example"),
    *("https:e.example", "https://e.example", "http:/e.example", "https:///e.example", "HTTPS://e.example"),
    *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "mailto:a@e.example", "vbscript:x"),
    *("%09//e.example", "\t//e.example", "/\t/e.example", "/\n/e.example", "/\r/e.example", "\n//e.example"),
    *(" //e.example", "/ /e.example", "\x00//e.example", "/\x0b/e.example", "\u2028//e.example", "\ufeff//e.example"),
    *("@e.example", "//@e.example", "//localhost@e.example", "localhost@e.example", "/@e.example", "e.example"),
    *("/%5ce.example", "/%2fe.example", "%2f%2fe.example", "/%0d%0aLocation:https://e.example"),
    *("/\r\nLocation: https://e.example", "/x\r\nSet-Cookie: a=b", "\r\n\r\n<script>"),
    *("／／e.example", "/／e.example", "/．/e.example", "//ｅ.example", "/\u2044e.example", "/\u200b/e.example"),
    *("/.//e.example", "/./\u200be.example", "/..//e.example", "/../..//e.example", ".//e.example", "?//e.example"),
    *(
        "//[::1]",
        "//e.example:80",
        "//e.example\\@localhost",
        "//localhost.e.example",
        "/" + "a" * 5000,
        "#//e.example",
    ),
]


def lands(location: str) -> str:
    """The origin to which a browser would go: it drops tabs and line ends, and takes a backslash for a slash."""
    read = re.sub(r"[\t\r\n]", "", location).strip("\x00 ").replace("\\", "/")
    there = urlsplit(urljoin("http://localhost/sign-in", read))
    return f"{there.scheme}://{there.netloc}"


@pytest.mark.parametrize("path", ELSEWHERE)
def test_nothing_leads_to_another_site(small_town: TwoTenants, path: str) -> None:
    viewer = small_town.people["viewer"].email
    browser, guest = small_town.browser("viewer"), small_town.browser("nobody")

    answers = [
        sign_in_by_form(guest, viewer, next=path),
        browser.post("/confirm", data={"password": PASSWORD, "next": path}),
        browser.get("/sign-in", query_string={"next": path}),
    ]
    pages = [browser.get("/confirm", query_string={"next": path})]
    pages += [small_town.browser("nobody").get("/sign-in", query_string={"next": path})]

    for response in answers:
        assert response.status_code == 303
        assert lands(response.headers["Location"]) == "http://localhost", response.headers["Location"]
        assert "a=b" not in str(response.headers.getlist("Set-Cookie"))
    for page in pages:
        assert page.status_code == 200
        for field in Page(page.text).root.all("input", name="next"):
            assert lands(field.attributes["value"]) == "http://localhost"


@pytest.mark.parametrize(
    "path", ["/", "/voices/3", "/assistants?q=%C3%A9&sort=-name&x=//y", "/people/3?a=b#c", "/a//b"]
)
def test_a_path_of_this_site_is_followed(small_town: TwoTenants, path: str) -> None:
    guest, browser = small_town.browser("nobody"), small_town.browser("viewer")

    assert sign_in_by_form(guest, small_town.people["viewer"].email, next=path).headers["Location"] == path
    assert browser.post("/confirm", data={"password": PASSWORD, "next": path}).headers["Location"] == path


@pytest.mark.parametrize(
    "address", ["//e.example/", "//e.example/assistants", "//assistants", "/\\e.example", "/assistants//e.example", ""]
)
def test_an_address_that_somebody_made_up_does_not_lead_away_either(small_town: TwoTenants, address: str) -> None:
    response = small_town.browser("nobody").get("/", environ_overrides={"PATH_INFO": address})

    assert response.status_code in (303, 308, 404)
    assert lands(response.headers.get("Location", "/")) == "http://localhost"


def test_bytes_that_are_no_text_in_a_query_lead_to_sign_in_all_the_same(small_town: TwoTenants) -> None:
    response = small_town.browser("nobody").get("/assistants", environ_overrides={"QUERY_STRING": "q=\xff\xfe"})

    assert is_turned_away(response)


# Giving the password again


@pytest.mark.parametrize("rule", SURE, ids=name_of)
def test_what_is_dangerous_asks_for_the_password_again(
    tenants: TwoTenants, rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, address, form = tenants.browser("platform"), tenants.address(rule), tenants.form(rule)
    move_clock(monkeypatch, REAUTH_TTL - timedelta(seconds=1))
    if "GET" in (rule.methods or ()):
        assert browser.get(address).status_code == 200
    move_clock(monkeypatch, REAUTH_TTL)
    browser.get("/assistants")  # activity is no password
    before = dump()

    for method in sorted((rule.methods or set()) - {"OPTIONS"}):
        led = browser.open(f"{address}?a=b", method=method, data=form if method == "POST" else None)
        assert led.status_code == 303, method
        here = {"next": f"{address}?a=b"} if method != "POST" else {}
        path, _, query = led.headers["Location"].partition("?")
        assert path == "/confirm"
        page = Page(browser.get(led.headers["Location"]).text)
        assert {
            node.attributes["name"]: node.attributes["value"] for node in page.root.all("input", name="next")
        } == here
        assert bool(query) == bool(here)
    assert dump() == before

    assert browser.post("/confirm", data={"password": "wrong"}).status_code == 422
    assert browser.open(address, method=method, data=form).headers["Location"].startswith("/confirm")
    assert browser.post("/confirm", data={"password": PASSWORD}).status_code == 303
    assert audit_words()[-2:] == ["password-confirmation-failed", "password-confirmed"]
    for method in sorted((rule.methods or set()) - {"OPTIONS"}):
        response = browser.open(address, method=method, data=form if method == "POST" else None)
        assert response.status_code in (200, 303, 409), method
        assert not response.headers.get("Location", "").startswith("/confirm"), method


def test_only_the_session_that_gave_the_password_is_sure(
    small_town: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = small_town.browser("platform"), small_town.browser("platform")
    move_clock(monkeypatch, REAUTH_TTL)

    one.post("/confirm", data={"password": PASSWORD})

    assert one.get("/api-keys/new").status_code == 200
    assert other.get("/api-keys/new").status_code == 303


def test_giving_the_password_again_is_slowed_down_like_signing_in(
    tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tenants.browser("platform")

    statuses = [browser.post("/confirm", data={"password": "wrong"}).status_code for _ in range(11)]
    right = browser.post("/confirm", data={"password": PASSWORD})

    assert statuses == [422] * 10 + [429]
    assert right.status_code == 429
    assert right.headers["Retry-After"] == "30"
    assert sign_in_by_form(tenants.browser("nobody"), tenants.people["platform"].email).status_code == 429
    assert audit_words()[-2:] == ["password-confirmation-failed", "rate-limited"]
    move_clock(monkeypatch, timedelta(seconds=30))
    assert browser.post("/confirm", data={"password": PASSWORD}).status_code == 303


# Links


def test_an_invitation_is_good_once_and_for_what_it_says(tenants: TwoTenants) -> None:
    token = tenants.invite(tenants.acme)
    guest = tenants.browser("nobody")
    page = guest.get(f"/links/{token}")
    Page(page.text).check()

    joined = guest.post(
        f"/links/{token}", data={"name": "Gus", "password": "a horse of my own", "email": "evil@e.example"}
    )

    assert joined.status_code == 303
    assert guest.get("/assistants").status_code == 200
    assert guest.get("/people").status_code == 403
    account, role = rows_of("account")[-1], rows_of("membership")[-1]
    assert account["email"].endswith("@acme.example")
    assert not account["platform"]
    assert (role["organization_id"], role["role"]) == (tenants.acme.id, Role.VIEWER)
    again = tenants.browser("nobody")
    assert again.get(f"/links/{token}").status_code == 410
    assert again.post(f"/links/{token}", data={"password": "a horse of my own"}).status_code == 410


def test_a_link_that_is_none_any_more_lets_nobody_in(tenants: TwoTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    late, revoked = tenants.invite(tenants.acme), tenants.invite(tenants.acme)
    revoke_invitation(EVERYTHING, rows_of("one_time_link")[-1]["id"], by=SHELL, now=NOW)
    guest, form = tenants.browser("nobody"), {"password": "a horse of my own"}
    move_clock(monkeypatch, timedelta(days=7))
    before = dump()

    for token in (late, revoked, "x", late + "x", late.swapcase(), "%00", "é", "x" * 3000, tenants.keys["all"]):
        for method in ("GET", "HEAD", "POST"):
            response = guest.open(f"/links/{token}", method=method, data=form if method == "POST" else None)
            assert response.status_code == 410, (method, token)
    assert dump() == before


def test_an_invitation_for_somebody_who_is_here_takes_their_password(tenants: TwoTenants) -> None:
    viewer = tenants.people["viewer"]
    guest = tenants.browser("nobody")
    tenants.browser("platform").post(
        "/people/invite", data={"email": viewer.email, "organization": str(tenants.zebra.id), "role": "operator"}
    )
    token = tenants.browser("platform").post(
        "/people/invite", data={"email": viewer.email, "organization": str(tenants.zebra.id), "role": "operator"}
    )
    link = re.search(r"/links/([\w-]{43})", token.text)
    assert link is not None

    wrong = guest.post(link[0], data={"password": "a horse of my own"})
    right = guest.post(link[0], data={"password": PASSWORD})

    assert (wrong.status_code, right.status_code) == (422, 303)
    assert len([row for row in rows_of("membership") if row["account_id"] == viewer.id]) == 2


def test_a_link_for_a_new_password_ends_all_sessions_and_works_once(tenants: TwoTenants) -> None:
    viewer = tenants.people["viewer"]
    browser = tenants.browser("viewer")
    token = create_reset_link(EVERYTHING, viewer.id, by=SHELL, now=NOW)

    assert tenants.browser("nobody").post(f"/links/{token}", data={"password": "a horse of my own"}).status_code == 303

    assert is_turned_away(browser.get("/assistants"))
    assert sign_in_by_form(tenants.browser("nobody"), viewer.email).status_code == 422
    assert sign_in_by_form(tenants.browser("nobody"), viewer.email, "a horse of my own").status_code == 303
    assert tenants.browser("nobody").get(f"/links/{token}").status_code == 410


def test_a_link_does_not_tell_its_address_to_other_sites(small_town: TwoTenants) -> None:
    response = small_town.browser("nobody").get(f"/links/{small_town.invite(small_town.acme)}")

    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("is_printed", [False, True])
def test_without_accounts_the_page_names_the_printed_link_only_if_there_is_one(
    stranger: FlaskClient, is_printed: bool
) -> None:
    stranger.application.config[SETUP_LINK_PRINTED] = is_printed

    text = Page(stranger.get("/sign-in").text).text

    assert ("link that the server printed" in text) is is_printed
    assert "account add YOU@EXAMPLE.COM --platform" in text
