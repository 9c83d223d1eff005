"""One's own account, and everything that ends a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD
from tests.page import Page
from tests.two_tenants import Town, audit_words, cookie_of, dump, is_turned_away, last_id, rows_of, town_in, with_cookie
from voiceadmin.accounts.actions.accounts import change_role, disable_account, end_sessions_of, make_reset_link
from voiceadmin.accounts.models import AccountSession
from voiceadmin.identity import EVERYTHING, Role

JSON_ROUTE = "/api/v1/assistants/31/cloned-voices"
NEW = "another battery staple"


@pytest.fixture
def town(store: Flask, now: Any) -> Iterator[Town]:
    """Two organizations and somebody of every role, on both databases."""
    with town_in(store) as town:
        yield town


def session_of(town: Town, who: str) -> int:
    return last_id(AccountSession, AccountSession.account_id == town.people[who].id)


def use_reset_link(town: Town) -> None:
    token = make_reset_link(EVERYTHING, town.people["operator"].id, by=SHELL, now=NOW)
    town.browser("nobody").post(f"/join/{token}", data={"password": NEW})


def post(who: str, path: str, **form: Any) -> Callable[[Town], None]:
    """Somebody sends a form, in a browser of their own."""

    def act(town: Town) -> None:
        victim, newest = town.people["operator"].id, session_of(town, "operator")
        browser = town.browser(who)
        sent = {name: value(town) if callable(value) else value for name, value in form.items()}
        assert browser.post(path.format(id=victim, session=newest), data=sent).status_code == 303

    return act


def acme(town: Town) -> int:
    return town.acme.id


ENDS: dict[str, Callable[[Town], None]] = {
    "a greater role": post("platform", "/people/{id}/role", organization=acme, role="admin"),
    "a smaller role": post("admin", "/people/{id}/role", organization=acme, role="viewer"),
    "no role": post("admin", "/people/{id}/role", organization=acme, role="none"),
    "a role from the shell": lambda town: _from_shell(town, change_role, town.acme.id, Role.VIEWER),
    "an admin of the platform": post("platform", "/people/{id}/platform"),
    "disabled": post("admin", "/people/{id}/disable"),
    "disabled from the shell": lambda town: _from_shell(town, disable_account),
    "ended by an admin": post("admin", "/people/{id}/sessions/end"),
    "ended from the shell": lambda town: _from_shell(town, end_sessions_of),
    "everybody signed out": post("platform", "/people/sessions/end"),
    "another password": post("operator", "/account/password", old=PASSWORD, new=NEW),
    "another password by a link": use_reset_link,
    "ended by oneself": post("operator", "/account/sessions/{session}/end"),
    "all others ended by oneself": post("operator", "/account/sessions/end"),
}


def _from_shell(town: Town, act: Callable[..., object], *more: Any) -> None:
    act(EVERYTHING, town.people["operator"].id, *more, by=SHELL, now=NOW)


@pytest.mark.parametrize("how", ENDS)
def test_a_session_that_is_ended_opens_nothing_from_the_next_request_on(town: Town, how: str) -> None:
    browser, colleague = town.browser("operator"), town.browser("viewer")
    copy = with_cookie(town.app, cookie_of(browser))
    assert [one.get("/assistants").status_code for one in (browser, copy)] == [200, 200]

    ENDS[how](town)

    for one in (browser, copy):
        assert is_turned_away(one.get("/assistants"))
        assert is_turned_away(one.post("/session"))
        assert one.get(JSON_ROUTE).status_code == 401
        assert one.get("/session").get_json() == {"left": None}
    if how != "everybody signed out":
        assert colleague.get("/assistants").status_code == 200, "others go on"


def test_signing_out_ends_the_session_also_for_who_copied_its_cookie(town: Town) -> None:
    browser, other = town.browser("operator"), town.browser("operator")
    copy = with_cookie(town.app, cookie_of(browser))

    response = browser.post("/sign-out")

    assert response.headers["Location"] == "/sign-in"
    assert browser.get_cookie("__Host-voiceadmin") is None
    assert is_turned_away(copy.get("/assistants"))
    assert other.get("/assistants").status_code == 200
    assert audit_words()[-1] == "signed-out"
    assert "You are signed out" in browser.get("/sign-in").text


def test_a_new_password_moves_this_browser_to_a_new_session(town: Town) -> None:
    browser = town.browser("operator")
    old = cookie_of(browser)

    response = browser.post("/account/password", data={"old": PASSWORD, "new": NEW})

    assert response.headers["Location"] == "/account"
    assert cookie_of(browser) != old
    assert browser.get("/assistants").status_code == 200
    assert is_turned_away(with_cookie(town.app, old).get("/assistants"))
    assert audit_words()[-1] == "password-changed"


@pytest.mark.parametrize(
    ("old", "new"),
    [("wrong", NEW), ("", NEW), (PASSWORD, ""), (PASSWORD, "short"), (PASSWORD, "operator@acme.example")],
)
def test_a_password_is_not_changed_without_the_old_one_or_for_a_bad_one(town: Town, old: str, new: str) -> None:
    browser = town.browser("operator")
    accounts, sessions = rows_of("account"), rows_of("account_session")

    response = browser.post("/account/password", data={"old": old, "new": new})

    assert response.status_code == 422
    assert len(Page(response.text).root.all("div", role="alert")) == 1
    assert (rows_of("account"), rows_of("account_session")) == (accounts, sessions)


def test_nobody_ends_the_session_of_somebody_else(town: Town) -> None:
    victim, browser = town.browser("viewer"), town.browser("platform")
    number = session_of(town, "viewer")
    before = dump()

    theirs = browser.post(f"/account/sessions/{number}/end")
    missing = browser.post("/account/sessions/999999/end")

    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert dump() == before
    assert victim.get("/assistants").status_code == 200


def test_ending_the_session_one_is_in_is_signing_out(town: Town) -> None:
    browser = town.browser("viewer")

    response = browser.post(f"/account/sessions/{session_of(town, 'viewer')}/end")

    assert response.headers["Location"] == "/sign-in"
    assert browser.get_cookie("__Host-voiceadmin") is None
    assert is_turned_away(browser.get("/account"))


def test_an_account_s_page_shows_its_roles_and_sessions(town: Town) -> None:
    town.browser("both")
    browser = town.browser("both")

    page = Page(browser.get("/account").text)

    assert {"Acme Telecom", "Zebra Holdings"} <= {node.text for node in page.root.all("span", **{"class": "name"})}
    assert len(page.rows()) == 2
    assert "this one" in page.rows()[0][0]


def test_somebody_without_a_role_sees_their_account_and_no_more(town: Town) -> None:
    change_role(EVERYTHING, town.people["viewer"].id, town.acme.id, None, by=SHELL, now=NOW)
    browser = town.browser("viewer")

    assert browser.get("/account").status_code == 200
    assert browser.get("/assistants").status_code == 403
    assert browser.get(JSON_ROUTE).status_code == 403
