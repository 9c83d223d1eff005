"""Signing in, expiring sessions and signing out: with the keyboard, password managers, and without JavaScript."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.accounts import INVITED, RESET, ROOT, SETUP, VIEWER, set_newest_link_token
from tests.browser.conftest import Serve, Visit
from tests.conftest import NOW, SHELL
from tests.factories import PASSWORD
from voiceadmin import clock
from voiceadmin.accounts.actions.links import create_setup_link
from voiceadmin.sample.actions import add_sample

FRONT_DESK = "/api/v1/assistants/123/cloned-voices"

Wait = Callable[..., None]


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(120):
        if target.evaluate("(node) => node === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not reach {target}")


def type_into(page: Page, **fields: str) -> None:
    """Fill in fields by their labels with the keyboard, and press Enter. An underscore in a label means a space."""
    for label, value in fields.items():
        tab_to(page, page.get_by_label(label.replace("_", " "), exact=True))
        page.keyboard.type(value)
    page.keyboard.press("Enter")


def follow(page: Page, name: str) -> None:
    """Move the focus to a link or a button, and press Enter."""
    tab_to(page, page.get_by_role("link", name=name, exact=True).or_(page.get_by_role("button", name=name, exact=True)))
    page.keyboard.press("Enter")


def request_voices(address: str, key: str) -> tuple[int, list[int]]:
    """Request an address with an API key, and return the status and the ids of the voices."""
    request = Request(address, headers={"Authorization": f"Bearer {key}"})
    try:
        with build_opener(ProxyHandler({})).open(request) as response:
            return response.status, [voice["id"] for voice in json.load(response)["cloned_voices"]]
    except HTTPError as refused:
        return refused.code, []


@pytest.fixture
def own_server(serve: Serve) -> str:
    """The address of a server with the sample data, no account and a set-up link, which the test may change."""

    def fill() -> None:
        add_sample(NOW, by=SHELL, now=NOW)
        create_setup_link(by=SHELL, now=NOW)
        set_newest_link_token(SETUP)

    return serve(fill, root=False)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_set_up_invitation_and_api_key_work_with_the_keyboard(visit: Visit, own_server: str, script: bool) -> None:
    ada = visit(f"{own_server}/links/{SETUP}", fresh=True, token="", script=script)

    type_into(ada, **{"E-mail": "ada@example.com", "Your name": "Ada", "Password": PASSWORD})
    expect(ada.get_by_role("heading", level=1)).to_have_text("99+ voices, assistants and sources need attention")
    expect(ada.get_by_role("banner")).to_contain_text("Signed in as ada@example.com")

    follow(ada, "People")
    follow(ada, "Invite people")
    tab_to(ada, ada.get_by_label("E-mail addresses"))
    ada.keyboard.type("bao@example.com")
    tab_to(ada, ada.get_by_label("Harbor View Inn"))
    ada.keyboard.type("Viewer")
    follow(ada, "Create invitations")
    link = ada.get_by_role("code").inner_text()

    bao = visit(link, fresh=True, token="", script=script)
    expect(bao.get_by_text("You are invited to Harbor View Inn as viewer.")).to_be_visible()
    type_into(bao, Password="another good password")
    follow(bao, "Assistants")
    expect(bao.get_by_role("status")).to_contain_text("1–1 of 1 assistant")
    expect(bao.get_by_role("rowheader")).to_contain_text(["Front desk"])
    sections: list[str | re.Pattern[str]] = [
        "Overview",
        re.compile("Triage"),
        "Assistants",
        "Providers",
        "Clean-up",
        "Activity",
    ]
    expect(bao.get_by_role("navigation", name="Main").get_by_role("link")).to_have_text(sections)
    bao.goto(own_server + "/assistants/31/voices")
    expect(bao.get_by_role("heading", level=1)).to_have_text("Page not found")

    follow(ada, "API keys")
    follow(ada, "Create API key")
    tab_to(ada, ada.get_by_label("Name"))
    ada.keyboard.type("Status board")
    tab_to(ada, ada.get_by_role("checkbox", name="Harbor View Inn"))
    ada.keyboard.press("Space")
    follow(ada, "Create API key")
    key = ada.get_by_role("code").first.inner_text()
    assert request_voices(own_server + FRONT_DESK, key) == (200, [456, 457, 458])
    assert request_voices(own_server + "/api/v1/assistants/31/cloned-voices", key)[0] == 404

    follow(ada, "Activity")
    expect(ada.get_by_role("heading", level=1)).to_have_text("Activity")
    lines = [re.sub(r"\s+", " ", line) for line in ada.locator("tbody").get_by_role("row").all_inner_texts()]
    for event in (
        r"ada@example.com .*created an API key .*Status board",
        r"bao@example.com .*created their account with an invitation bao@example.com .*With: invitation",
        r"bao@example.com .*accepted the invitation as viewer of .* bao@example.com .*Role: no role → viewer",
        r"ada@example.com .*invited bao@example.com as viewer of .* bao@example.com .*Role: viewer",
        r"ada@example.com .*created the first account .*With: set-up link",
    ):
        assert any(re.search(event, line) for line in lines), (event, lines)

    tab_to(ada, ada.get_by_role("banner").locator("summary"))
    ada.keyboard.press("Enter")
    follow(ada, "Sign out")
    expect(ada.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(ada.get_by_role("status")).to_have_text("You are signed out.")


def test_signing_in_continues_to_the_requested_page(visit: Visit, populated_server: str) -> None:
    page = visit(populated_server + "/activity?who=tester", fresh=True, token="")

    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("bao@acme.example")
    type_into(page, Password="wrong")
    expect(page.get_by_role("alert")).to_contain_text("The e-mail or the password is wrong.")
    expect(page.get_by_label("E-mail")).to_have_value("bao@acme.example")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Activity")
    assert page.url == populated_server + "/activity?who=tester"


@pytest.mark.parametrize(
    ("path", "token", "expected"),
    [
        ("/sign-in", "", ["username", "current-password"]),
        (f"/links/{INVITED}", "", ["username", "name", "new-password"]),
        (f"/links/{RESET}", "", ["username", "new-password"]),
        ("/confirm", ROOT, ["username", "current-password"]),
        ("/account", VIEWER, ["username", "current-password", "new-password"]),
    ],
)
def test_password_fields_have_autocomplete_attributes(
    visit: Visit, populated_server: str, path: str, token: str, expected: list[str]
) -> None:
    page = visit(populated_server + path, token=token)

    form = page.locator("main form").filter(has=page.locator("[type=password]"))
    fields = form.locator("input:not([type=hidden])")
    assert fields.evaluate_all("(fields) => fields.map((field) => field.autocomplete)") == expected
    for name, field in zip(expected, fields.all(), strict=True):
        assert field.get_attribute("type") == ("email" if name == "username" else "password" if "-" in name else "text")
    if path != "/sign-in":
        assert "@" in form.locator("[autocomplete=username]").input_value()


def test_the_account_menu_opens_and_closes(visit: Visit, populated_server: str) -> None:
    page = visit(populated_server + "/assistants", token=VIEWER)
    menu = page.get_by_role("banner").locator("summary")
    account = page.get_by_role("link", name="Account and sessions")

    tab_to(page, menu)
    page.keyboard.press("Enter")
    expect(account).to_be_visible()
    page.keyboard.press("Tab")
    expect(account).to_be_focused()
    page.keyboard.press("Escape")
    expect(account).to_be_hidden()
    expect(menu).to_be_focused()
    menu.click()
    page.get_by_role("heading", level=1).click()
    expect(account).to_be_hidden()
    menu.click()
    account.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")


# Expiring sessions


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Return a function that advances the clock of the server and of the page."""
    present = [NOW]

    def now() -> datetime:
        return present[0]

    def go(page: Page, **time: float) -> None:
        span = timedelta(**time)
        present[0] += span
        page.clock.fast_forward(int(span.total_seconds() * 1000))

    monkeypatch.setattr(clock, "now", now)
    return go


def start(visit: Visit, address: str) -> Page:
    """Open a page with a clock that the test can advance."""
    page = visit("about:blank", fresh=True)
    page.clock.install(time=NOW)
    page.goto(address)
    return page


def test_a_click_extends_a_session_that_is_about_to_expire(visit: Visit, serve: Serve, wait: Wait) -> None:
    page = start(visit, serve(lambda: None) + "/assistants")
    dialog = page.get_by_role("alertdialog", name="Your session is about to expire")

    wait(page, minutes=28)
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("You will be signed out in 2 minutes.")
    assert dialog.locator("[aria-live=polite]").count() == 1
    expect(dialog.get_by_role("button", name="Stay signed in")).to_be_focused()
    assert dialog.evaluate("(dialog) => getComputedStyle(dialog).maxInlineSize") != "none", "the dialog is styled"
    wait(page, seconds=61)
    expect(dialog).to_contain_text("You will be signed out in 1 minute.")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    wait(page, minutes=20)
    page.reload()

    expect(page.get_by_role("heading", level=1)).to_have_text("Assistants")


def test_an_expired_session_continues_after_signing_in_again(visit: Visit, serve: Serve, wait: Wait) -> None:
    page = start(visit, serve(lambda: None) + "/people?from=here")

    wait(page, minutes=31)
    make_shell = page.get_by_role("alertdialog", name="You were signed out")
    make_shell.get_by_role("button", name="Sign in again").click()
    page.get_by_label("E-mail").fill("root@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("People")
    assert page.url.endswith("/people?from=here")


def test_a_session_at_its_absolute_limit_cannot_be_extended(visit: Visit, serve: Serve, wait: Wait) -> None:
    page = start(visit, serve(lambda: None, session_idle_minutes=1440, session_hours=1) + "/assistants")

    wait(page, minutes=58, seconds=30)
    page.get_by_role("alertdialog", name="Your session is about to expire").get_by_role(
        "button", name="Stay signed in"
    ).click()
    last = page.get_by_role("alertdialog", name="You must sign in again soon")
    expect(last).to_contain_text("You will be signed out in 2 minutes. The session has reached its maximum length.")
    last.get_by_role("button", name="Close").click()
    expect(last).to_be_hidden()
    wait(page, minutes=2)

    expect(page.get_by_role("alertdialog", name="You were signed out")).to_be_visible()


def test_a_session_with_a_short_idle_limit_can_be_extended(visit: Visit, serve: Serve, wait: Wait) -> None:
    page = start(visit, serve(lambda: None, session_idle_minutes=1) + "/assistants")
    dialog = page.get_by_role("alertdialog", name="Your session is about to expire")

    wait(page, seconds=45)
    dialog.get_by_role("button", name="Stay signed in").click()

    expect(dialog).to_be_hidden()


def test_activity_in_another_tab_extends_the_session(visit: Visit, serve: Serve, wait: Wait) -> None:
    page = start(visit, serve(lambda: None) + "/assistants")

    wait(page, minutes=28)
    expect(page.get_by_role("alertdialog")).to_be_visible()
    assert page.request.get(page.url).ok
    wait(page, seconds=61)

    expect(page.get_by_role("alertdialog")).to_be_hidden()
