"""The page of the own account, and everything that ends a session."""

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
    audit_event_types,
    build_two_tenants,
    cookie_of,
    dump,
    is_redirected_to_sign_in,
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
def tenants(app: Flask, now: Any) -> Iterator[TwoTenants]:
    """Return two organizations with an account of every role."""
    with build_two_tenants(app) as tenants:
        yield tenants


def session_of(tenants: TwoTenants, who: str) -> int:
    return last_id(AccountSession, AccountSession.account_id == tenants.people[who].id)


def use_reset_link(tenants: TwoTenants) -> None:
    token = create_reset_link(EVERYTHING, tenants.people["operator"].id, by=SHELL, now=NOW)
    tenants.browser("anonymous").post(f"/links/{token}", data={"password": NEW})


def post(who: str, path: str, **form: Any) -> Callable[[TwoTenants], None]:
    """Return a function that submits a form as a person in a new browser."""

    def submit(tenants: TwoTenants) -> None:
        victim, newest = tenants.people["operator"].id, session_of(tenants, "operator")
        browser = tenants.browser(who)
        sent = {name: value(tenants) if callable(value) else value for name, value in form.items()}
        assert browser.post(path.format(id=victim, session=newest), data=sent).status_code == 303

    return submit


def acme(tenants: TwoTenants) -> int:
    return tenants.acme.id


ENDS: dict[str, Callable[[TwoTenants], None]] = {
    "a higher role": post("platform", "/people/{id}/role", organization=acme, role="admin"),
    "a lower role": post("admin", "/people/{id}/role", organization=acme, role="viewer"),
    "no role": post("admin", "/people/{id}/role", organization=acme, role="none"),
    "a role from the CLI": lambda tenants: _from_cli(tenants, change_role, tenants.acme.id, Role.VIEWER),
    "platform admin": post("platform", "/people/{id}/platform"),
    "disabled": post("admin", "/people/{id}/disable"),
    "disabled from the CLI": lambda tenants: _from_cli(tenants, disable_account),
    "ended by an admin": post("admin", "/people/{id}/sessions/end"),
    "ended from the CLI": lambda tenants: _from_cli(tenants, end_account_sessions),
    "all users signed out": post("platform", "/people/sessions/end"),
    "a new password": post("operator", "/account/password", old=PASSWORD, new=NEW),
    "a new password by a link": use_reset_link,
    "ended by the account": post("operator", "/account/sessions/{session}/end"),
    "all others ended by the account": post("operator", "/account/sessions/end"),
}


def _from_cli(tenants: TwoTenants, action: Callable[..., object], *more: Any) -> None:
    action(EVERYTHING, tenants.people["operator"].id, *more, by=SHELL, now=NOW)


@pytest.mark.parametrize("change", ENDS)
def test_an_ended_session_is_refused_from_the_next_request_on(tenants: TwoTenants, change: str) -> None:
    browser, colleague = tenants.browser("operator"), tenants.browser("viewer")
    copy = with_cookie(tenants.app, cookie_of(browser))
    assert [one.get("/assistants").status_code for one in (browser, copy)] == [200, 200]

    ENDS[change](tenants)

    for one in (browser, copy):
        assert is_redirected_to_sign_in(one.get("/assistants"))
        assert is_redirected_to_sign_in(one.post("/session"))
        assert one.get(JSON_ROUTE).status_code == 401
        assert one.get("/session").get_json() == {"seconds_left": None}
    if change != "all users signed out":
        assert colleague.get("/assistants").status_code == 200, "sessions of others continue"


def test_signing_out_ends_the_session_for_copies_of_its_cookie(tenants: TwoTenants) -> None:
    browser, other = tenants.browser("operator"), tenants.browser("operator")
    copy = with_cookie(tenants.app, cookie_of(browser))

    response = browser.post("/sign-out")

    assert response.headers["Location"] == "/sign-in"
    assert browser.get_cookie("__Host-voiceadmin") is None
    assert is_redirected_to_sign_in(copy.get("/assistants"))
    assert other.get("/assistants").status_code == 200
    assert audit_event_types()[-1] == "signed-out"
    assert "You are signed out" in browser.get("/sign-in").text


def test_changing_the_password_starts_a_new_session_in_the_browser(tenants: TwoTenants) -> None:
    browser = tenants.browser("operator")
    old = cookie_of(browser)

    response = browser.post("/account/password", data={"old": PASSWORD, "new": NEW})

    assert response.headers["Location"] == "/account"
    assert cookie_of(browser) != old
    assert browser.get("/assistants").status_code == 200
    assert is_redirected_to_sign_in(with_cookie(tenants.app, old).get("/assistants"))
    assert audit_event_types()[-1] == "password-changed"


@pytest.mark.parametrize(
    ("old", "new"),
    [("wrong", NEW), ("", NEW), (PASSWORD, ""), (PASSWORD, "short"), (PASSWORD, "operator@acme.example")],
)
def test_a_password_is_not_changed_without_the_old_one_or_to_a_weak_one(
    tenants: TwoTenants, old: str, new: str
) -> None:
    browser = tenants.browser("operator")
    accounts, sessions = rows_of("account"), rows_of("account_session")

    response = browser.post("/account/password", data={"old": old, "new": new})

    assert response.status_code == 422
    assert len(Page(response.text).root.all("div", role="alert")) == 1
    assert (rows_of("account"), rows_of("account_session")) == (accounts, sessions)


def test_an_account_cannot_end_a_session_of_another_account(tenants: TwoTenants) -> None:
    victim, browser = tenants.browser("viewer"), tenants.browser("platform")
    session_id = session_of(tenants, "viewer")
    before = dump()

    foreign = browser.post(f"/account/sessions/{session_id}/end")
    missing = browser.post("/account/sessions/999999/end")

    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert dump() == before
    assert victim.get("/assistants").status_code == 200


def test_ending_the_current_session_signs_out(tenants: TwoTenants) -> None:
    browser = tenants.browser("viewer")

    response = browser.post(f"/account/sessions/{session_of(tenants, 'viewer')}/end")

    assert response.headers["Location"] == "/sign-in"
    assert browser.get_cookie("__Host-voiceadmin") is None
    assert is_redirected_to_sign_in(browser.get("/account"))


def test_the_account_page_shows_roles_and_sessions(tenants: TwoTenants) -> None:
    tenants.browser("both")
    browser = tenants.browser("both")

    page = Page(browser.get("/account").text)

    assert {"Acme Telecom", "Globex Holdings"} <= {node.text for node in page.root.all("span", **{"class": "truncate"})}
    assert len(page.rows()) == 2
    assert "This session" in page.rows()[0][0]


def test_an_account_without_a_role_sees_only_its_own_page(tenants: TwoTenants) -> None:
    change_role(EVERYTHING, tenants.people["viewer"].id, tenants.acme.id, None, by=SHELL, now=NOW)
    browser = tenants.browser("viewer")

    assert browser.get("/account").status_code == 200
    assert browser.get("/assistants").status_code == 403
    assert browser.get(JSON_ROUTE).status_code == 403
