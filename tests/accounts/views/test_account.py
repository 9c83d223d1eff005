"""One's own account, and everything that ends a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD
from tests.page import Page
from tests.two_tenants import (
    TwoTenants,
    audit_words,
    build_two_tenants,
    cookie_of,
    dump,
    is_turned_away,
    last_id,
    rows_of,
    with_cookie,
)
from voiceadmin.accounts.actions.links import create_reset_link
from voiceadmin.accounts.actions.roles import change_role
from voiceadmin.accounts.actions.state import disable_account, end_account_sessions
from voiceadmin.accounts.models import AccountSession
from voiceadmin.identity import EVERYTHING, Role

JSON_ROUTE = "/api/v1/assistants/31/cloned-voices"
NEW = "another battery staple"


@pytest.fixture
def tenants(store: Flask, now: Any) -> Iterator[TwoTenants]:
    """Two organizations and somebody of every role, on both databases."""
    with build_two_tenants(store) as tenants:
        yield tenants


def session_of(tenants: TwoTenants, who: str) -> int:
    return last_id(AccountSession, AccountSession.account_id == tenants.people[who].id)


def use_reset_link(tenants: TwoTenants) -> None:
    token = create_reset_link(EVERYTHING, tenants.people["operator"].id, by=SHELL, now=NOW)
    tenants.browser("nobody").post(f"/links/{token}", data={"password": NEW})


def post(who: str, path: str, **form: Any) -> Callable[[TwoTenants], None]:
    """Somebody sends a form, in a browser of their own."""

    def act(tenants: TwoTenants) -> None:
        victim, newest = tenants.people["operator"].id, session_of(tenants, "operator")
        browser = tenants.browser(who)
        sent = {name: value(tenants) if callable(value) else value for name, value in form.items()}
        assert browser.post(path.format(id=victim, session=newest), data=sent).status_code == 303

    return act


def acme(tenants: TwoTenants) -> int:
    return tenants.acme.id


ENDS: dict[str, Callable[[TwoTenants], None]] = {
    "a greater role": post("platform", "/people/{id}/role", organization=acme, role="admin"),
    "a smaller role": post("admin", "/people/{id}/role", organization=acme, role="viewer"),
    "no role": post("admin", "/people/{id}/role", organization=acme, role="none"),
    "a role from the shell": lambda tenants: _from_shell(tenants, change_role, tenants.acme.id, Role.VIEWER),
    "an admin of the platform": post("platform", "/people/{id}/platform"),
    "disabled": post("admin", "/people/{id}/disable"),
    "disabled from the shell": lambda tenants: _from_shell(tenants, disable_account),
    "ended by an admin": post("admin", "/people/{id}/sessions/end"),
    "ended from the shell": lambda tenants: _from_shell(tenants, end_account_sessions),
    "everybody signed out": post("platform", "/people/sessions/end"),
    "another password": post("operator", "/account/password", old=PASSWORD, new=NEW),
    "another password by a link": use_reset_link,
    "ended by oneself": post("operator", "/account/sessions/{session}/end"),
    "all others ended by oneself": post("operator", "/account/sessions/end"),
}


def _from_shell(tenants: TwoTenants, act: Callable[..., object], *more: Any) -> None:
    act(EVERYTHING, tenants.people["operator"].id, *more, by=SHELL, now=NOW)


@pytest.mark.parametrize("how", ENDS)
def test_a_session_that_is_ended_opens_nothing_from_the_next_request_on(tenants: TwoTenants, how: str) -> None:
    browser, colleague = tenants.browser("operator"), tenants.browser("viewer")
    copy = with_cookie(tenants.app, cookie_of(browser))
    assert [one.get("/assistants").status_code for one in (browser, copy)] == [200, 200]

    ENDS[how](tenants)

    for one in (browser, copy):
        assert is_turned_away(one.get("/assistants"))
        assert is_turned_away(one.post("/session"))
        assert one.get(JSON_ROUTE).status_code == 401
        assert one.get("/session").get_json() == {"seconds_left": None}
    if how != "everybody signed out":
        assert colleague.get("/assistants").status_code == 200, "others go on"


def test_signing_out_ends_the_session_also_for_who_copied_its_cookie(tenants: TwoTenants) -> None:
    browser, other = tenants.browser("operator"), tenants.browser("operator")
    copy = with_cookie(tenants.app, cookie_of(browser))

    response = browser.post("/sign-out")

    assert response.headers["Location"] == "/sign-in"
    assert browser.get_cookie("__Host-voiceadmin") is None
    assert is_turned_away(copy.get("/assistants"))
    assert other.get("/assistants").status_code == 200
    assert audit_words()[-1] == "signed-out"
    assert "You are signed out" in browser.get("/sign-in").text


def test_a_new_password_moves_this_browser_to_a_new_session(tenants: TwoTenants) -> None:
    browser = tenants.browser("operator")
    old = cookie_of(browser)

    response = browser.post("/account/password", data={"old": PASSWORD, "new": NEW})

    assert response.headers["Location"] == "/account"
    assert cookie_of(browser) != old
    assert browser.get("/assistants").status_code == 200
    assert is_turned_away(with_cookie(tenants.app, old).get("/assistants"))
    assert audit_words()[-1] == "password-changed"


@pytest.mark.parametrize(
    ("old", "new"),
    [("wrong", NEW), ("", NEW), (PASSWORD, ""), (PASSWORD, "short"), (PASSWORD, "operator@acme.example")],
)
def test_a_password_is_not_changed_without_the_old_one_or_for_a_bad_one(
    tenants: TwoTenants, old: str, new: str
) -> None:
    browser = tenants.browser("operator")
    accounts, sessions = rows_of("account"), rows_of("account_session")

    response = browser.post("/account/password", data={"old": old, "new": new})

    assert response.status_code == 422
    assert len(Page(response.text).root.all("div", role="alert")) == 1
    assert (rows_of("account"), rows_of("account_session")) == (accounts, sessions)


def test_nobody_ends_the_session_of_somebody_else(tenants: TwoTenants) -> None:
    victim, browser = tenants.browser("viewer"), tenants.browser("platform")
    number = session_of(tenants, "viewer")
    before = dump()

    theirs = browser.post(f"/account/sessions/{number}/end")
    missing = browser.post("/account/sessions/999999/end")

    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert dump() == before
    assert victim.get("/assistants").status_code == 200


def test_ending_the_session_one_is_in_is_signing_out(tenants: TwoTenants) -> None:
    browser = tenants.browser("viewer")

    response = browser.post(f"/account/sessions/{session_of(tenants, 'viewer')}/end")

    assert response.headers["Location"] == "/sign-in"
    assert browser.get_cookie("__Host-voiceadmin") is None
    assert is_turned_away(browser.get("/account"))


def test_an_account_s_page_shows_its_roles_and_sessions(tenants: TwoTenants) -> None:
    tenants.browser("both")
    browser = tenants.browser("both")

    page = Page(browser.get("/account").text)

    assert {"Acme Telecom", "Zebra Holdings"} <= {node.text for node in page.root.all("span", **{"class": "truncate"})}
    assert len(page.rows()) == 2
    assert "This session" in page.rows()[0][0]


def test_somebody_without_a_role_sees_their_account_and_no_more(tenants: TwoTenants) -> None:
    change_role(EVERYTHING, tenants.people["viewer"].id, tenants.acme.id, None, by=SHELL, now=NOW)
    browser = tenants.browser("viewer")

    assert browser.get("/account").status_code == 200
    assert browser.get("/assistants").status_code == 403
    assert browser.get(JSON_ROUTE).status_code == 403
