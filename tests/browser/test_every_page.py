"""Every page in every state, size and theme: accessibility checked by axe, layout, and the console."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.accounts import ADMIN, INVITED, INVITED_AGAIN, RESET, ROOT, SETUP, VIEWER
from tests.browser.conftest import Visit
from tests.browser.oversized_data import BLANK_NAME_ASSISTANT, EMPTY_ASSISTANT, LONG_NAME_ASSISTANT, MIXED_ASSISTANT

Theme = Literal["light", "dark"]

LAYOUT_CHECKS = Path(__file__).with_name("layout_checks.js").read_text("utf-8")
WIDE_SPACING = """() => {
  const spacing = new CSSStyleSheet();
  spacing.replaceSync(`
    * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
    p { margin-block-end: 2em !important }
  `);
  document.adoptedStyleSheets = [spacing];
}"""
OPEN_MENUS = "for (const part of document.querySelectorAll('main details')) { part.name = ''; part.open = true }"
# axe measures the distance of a target to others even if an open menu covers these, so that nobody can press them.
SET_VISIBILITY_OF_COVERED = """visibility => {
    const inputs = [...document.querySelectorAll("main input")];
    const isCovered = input => {
        const box = input.getBoundingClientRect();
        const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return top !== null && top.closest(".dropdown__panel") !== input.closest(".dropdown__panel");
    };
    inputs.filter(input => input.dataset.covered || isCovered(input)).forEach(input => {
        input.dataset.covered = "true";
        input.style.visibility = visibility;
    });
}"""
# Checking the contrast of 25 rows that differ only in their text takes most of the time of axe.
MARK_REPEATED_ROWS = """() => {
  const seen = new Set();
  for (const row of document.querySelectorAll("tbody > tr, li")) {
    const nodes = [row.parentElement, row, ...row.querySelectorAll("*")];
    const appearance = nodes.map((node) => `${node.tagName}.${node.getAttribute("class")}`).join();
    row.toggleAttribute("data-repeated", seen.has(appearance));
    seen.add(appearance);
  }
}"""
AXE = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],
}

WIDTHS = (1440, 390, 320)
# Both sides of the breakpoints of the layout, a tablet, a small phone, and a window of 1440 pixels zoomed to 200 %.
OTHER_WIDTHS = (1920, 1141, 1024, 960, 768, 720, 360)
THEMES: tuple[Theme, Theme] = ("light", "dark")


class Look(NamedTuple):
    """A color scheme and the width of the window in pixels."""

    theme: Theme
    width: int


class Scene(NamedTuple):
    """A page in a state.

    status: of the last response. opened: whether the menus are opened. token: of the session, "" for none. steps:
    a function that brings the page into the state.
    """

    server: str
    path: str
    status: int = 200
    opened: bool = False
    token: str = ROOT
    steps: Callable[[Page], object] | None = None


def submit(button: str | re.Pattern[str], **fields: str) -> Callable[[Page], None]:
    """Return a step that submits a form without validation by the browser. An underscore in a label means a space."""

    def step(page: Page) -> None:
        page.evaluate("for (const form of document.forms) form.noValidate = true")
        for label, value in fields.items():
            page.get_by_label(label.replace("_", " "), exact=True).fill(value)
        with page.expect_navigation():
            page.get_by_role("button", name=button, exact=True).click()

    return step


def create_api_key(page: Page) -> None:
    """Create an API key for Acme Telecom."""
    page.get_by_role("checkbox", name="Acme Telecom").check()
    submit("Create API key", Name="Status board")(page)


def open_dialog(button: str) -> Callable[[Page], None]:
    """Return a step that clicks a button which opens a confirmation dialog."""

    def step(page: Page) -> None:
        page.get_by_role("button", name=button).first.click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel").wait_for()

    return step


def create_plan(page: Page) -> None:
    """Create a clean-up plan."""
    submit("Create plan")(page)


def open_deletions(page: Page) -> None:
    """Create a clean-up plan, and open the results of its deletions."""
    create_plan(page)
    page.goto(f"{page.url}/deletions")


def then(first: Callable[[Page], None], link: str, *more: Callable[[Page], None]) -> Callable[[Page], None]:
    """Return a step that does a step, follows a link, and does more steps."""

    def step(page: Page) -> None:
        first(page)
        with page.expect_navigation():
            page.get_by_role("link", name=link, exact=True).click()
        for next_step in more:
            next_step(page)

    return step


def save_role(page: Page) -> None:
    """Save a role unchanged, which shows a message on the next page."""
    submit("Save role at Acme Telecom")(page)


def open_account_menu(page: Page) -> None:
    """Open the account menu."""
    page.get_by_role("banner").locator("summary").click()


def reload_over_plain_http(page: Page) -> None:
    """Reload the page with the headers of a proxy that was requested by a public name over plain HTTP."""
    page.set_extra_http_headers({"X-Forwarded-Host": "voices.example.com", "X-Forwarded-Proto": "http"})
    page.reload()
    page.set_extra_http_headers({})


def apply_to_first(action: str) -> Callable[[Page], None]:
    """Return a step that applies an action to the first row of a list."""

    def step(page: Page) -> None:
        page.get_by_role("checkbox").first.check()
        submit(action)(page)

    return step


def open_shortcuts(page: Page) -> None:
    """Open the list of keyboard shortcuts."""
    page.get_by_role("button", name="Keyboard shortcuts").click()


def invite(emails: str) -> Callable[[Page], None]:
    """Return a step that invites e-mail addresses as viewers."""
    return submit("Create invitations", **{"E-mail addresses": emails})


def submit_empty_note(page: Page) -> None:
    """Submit an empty note."""
    page.locator("summary").filter(has_text="Add note").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Add note (").click()


def archive_without_selection(page: Page) -> None:
    """Enable and click the button without a selection, as is possible without JavaScript."""
    page.get_by_role("button", name="Archive", exact=True).evaluate("(button) => { button.disabled = false }")
    submit("Archive")(page)


def select_two(page: Page) -> None:
    """Select the first two voices."""
    for number in (0, 1):
        page.locator("tbody").get_by_role("checkbox").nth(number).check()


PAGES = {
    "overview": Scene("sample", "/"),
    "triage": Scene("populated", "/triage?size=25&provider=resemble"),
    "assistants": Scene("sample", "/assistants"),
    "voices": Scene("oversized", f"/assistants/{MIXED_ASSISTANT}/voices?size=25&page=2&sort=created"),
    "voice": Scene("sample", "/voices/456"),
    "error": Scene("sample", "/assistants/99/voices", 404),
    "sign in": Scene("populated", "/sign-in", token=""),
    "account": Scene("populated", "/account", token=ADMIN),
    "organizations": Scene("populated", "/organizations"),
    "oversized organizations": Scene("oversized", "/organizations"),
    "organization": Scene("populated", "/organizations/1"),
    "oversized organization": Scene("oversized", "/organizations/1"),
    "organization with an empty name": Scene(
        "populated", "/organizations/1", 422, steps=submit("Save name", **{"Name of the organization": "\u202e"})
    ),
    "organization among many": Scene("crowded", "/organizations/1"),
    "preview of a merge": Scene("populated", "/organizations/1/merge?organization=2"),
    "settings of an assistant": Scene("populated", "/assistants/123/settings"),
    "oversized settings of an assistant": Scene("oversized", f"/assistants/{2**63 - 1}/settings"),
    "people": Scene("populated", "/people"),
    "person": Scene("populated", "/people/9"),
    "new key": Scene("populated", "/api-keys/new"),
    "keys": Scene("populated", "/api-keys"),
    "sources": Scene("populated", "/sources"),
    "source": Scene("populated", "/sources/1"),
    "sync": Scene("populated", "/sources/1/runs/1"),
    "new source": Scene("populated", "/sources/new", opened=True),
    "activity": Scene("populated", "/activity?kind=voice-changed&kind=voices-imported"),
    "providers": Scene("sample", "/providers"),
    "clean-up": Scene("populated", "/clean-up"),
    "plan": Scene("populated", "/clean-up", steps=create_plan),
    "deletions of a plan": Scene("populated", "/clean-up", steps=open_deletions),
    "prices": Scene("populated", "/clean-up/prices"),
}
VOICES = "/assistants/31/voices"
STATES = {
    "assistants found": Scene("sample", "/assistants?q=desk"),
    "assistants of an organization": Scene("sample", "/assistants?organization=1"),
    "assistants not found": Scene("sample", "/assistants?q=nobody"),
    "assistants past the last page": Scene("sample", "/assistants?page=9"),
    "assistants with invalid filters": Scene("sample", "/assistants?q=%00&page=x", 422),
    "no assistants": Scene("empty", "/assistants"),
    "oversized assistants": Scene("oversized", "/assistants"),
    "voices filtered": Scene(
        "sample",
        f"{VOICES}?q=e&status=ready&provider=elevenlabs&quality=good&use=idle-30&language=en&sort=name&size=25",
    ),
    "voices on the first page": Scene("sample", f"{VOICES}?size=25"),
    "voices on a middle page": Scene("sample", f"{VOICES}?page=12&size=25"),
    "voices selected": Scene("sample", f"{VOICES}?size=25", steps=select_two),
    "voices of a viewer": Scene("populated", f"{VOICES}?size=25", token=VIEWER),
    "code samples": Scene("sample", f"{VOICES}/code?status=ready"),
    "all voices that match": Scene("sample", f"{VOICES}/all?status=ready"),
    "voices opened": Scene("sample", f"{VOICES}?size=25", opened=True),
    "no voice matches": Scene("sample", f"{VOICES}?q=zzz&status=failed&provider=resemble"),
    "voices past the last page": Scene("sample", f"{VOICES}?page=99"),
    "voices with invalid filters": Scene(
        "sample", f"{VOICES}?q=%00&status=x&provider=x&use=x&sort=x&size=7&page=0", 422
    ),
    "an organization without voices": Scene("sample", "/assistants/230/voices"),
    "oversized voices": Scene("oversized", f"/assistants/{LONG_NAME_ASSISTANT}/voices?size=25"),
    "oversized voices opened": Scene(
        "oversized", f"/assistants/{BLANK_NAME_ASSISTANT}/voices?size=25&sort=name", opened=True
    ),
    "blank organization without voices": Scene("oversized", f"/assistants/{EMPTY_ASSISTANT}/voices"),
    "voice opened": Scene("sample", "/voices/458", opened=True),
    "oversized voice": Scene("oversized", "/voices/1", opened=True),
    "voice with a blank name": Scene("oversized", "/voices/2"),
    "no such page": Scene("sample", "/nowhere", 404),
    "database unavailable": Scene("broken", "/assistants", 503),
    "no such voice": Scene("empty", "/voices/9223372036854775807", 404),
    "sign in refused": Scene(
        "populated", "/sign-in", 422, token="", steps=submit("Sign in", **{"E-mail": "a@b.example", "Password": "x"})
    ),
    "sign in with empty fields": Scene("populated", "/sign-in?next=/keys", 422, token="", steps=submit("Sign in")),
    "sign in without accounts": Scene("new", "/sign-in", token=""),
    "sign in over plain HTTP": Scene("open", "/sign-in", token="", steps=reload_over_plain_http),
    "set-up": Scene("new", f"/links/{SETUP}", token=""),
    "set-up with errors": Scene("new", f"/links/{SETUP}", 422, token="", steps=submit("Create account")),
    "invitation": Scene("populated", f"/links/{INVITED}", token=""),
    "invitation of an existing account": Scene("populated", f"/links/{INVITED_AGAIN}", token=VIEWER),
    "choose a new password": Scene("populated", f"/links/{RESET}", token=""),
    "oversized invitation": Scene("oversized", f"/links/{INVITED}", token=""),
    "invalid link": Scene("populated", "/links/no-such-link", 410, token=""),
    "confirm": Scene("populated", "/confirm?next=/keys"),
    "confirm refused": Scene("populated", "/confirm", 422, steps=submit("Confirm password", Your_password="wrong")),
    "header opened": Scene("populated", "/assistants", token=ADMIN, steps=open_account_menu),
    "not signed in": Scene("open", "/assistants", token=""),
    "voices of a viewer, 50 rows": Scene("populated", VOICES, token=VIEWER),
    "not for a viewer": Scene("populated", "/api-keys", 403, token=VIEWER),
    "account of a platform admin": Scene("empty", "/account"),
    "account with errors": Scene("populated", "/account", 422, token=VIEWER, steps=submit("Change password")),
    "oversized account": Scene("oversized", "/account", token=VIEWER),
    "people with one account": Scene("empty", "/people"),
    "people of one organization": Scene("populated", "/people", token=ADMIN),
    "oversized people": Scene("oversized", "/people"),
    "dialog to sign out all users": Scene("populated", "/people", steps=open_dialog("Sign out all users")),
    "person without permission to change them": Scene("populated", "/people/9", token=ADMIN),
    "own page of a person": Scene("populated", "/people/1", token=ADMIN),
    "person without roles and sessions, disabled": Scene("populated", "/people/3"),
    "person changed": Scene("populated", "/people/9", steps=save_role),
    "dialog to disable an account": Scene("populated", "/people/9", steps=open_dialog("Disable account")),
    "oversized person": Scene("oversized", "/people/1"),
    "invite": Scene("populated", "/people/invite"),
    "invite among many organizations": Scene("crowded", "/people/invite"),
    "invite among many organizations with errors": Scene(
        "crowded", "/people/invite", 422, steps=submit("Create invitations", Organizations="nobody\n999999")
    ),
    "oversized invite": Scene("oversized", "/people/invite"),
    "invite with errors": Scene(
        "populated",
        "/people/invite",
        422,
        steps=submit("Create invitations", **{"E-mail addresses": "nobody, ada@example.com\nADA@example.com"}),
    ),
    "invited": Scene("populated", "/people/invite", token=ADMIN, steps=invite("friend@example.com")),
    "several people invited": Scene(
        "populated", "/people/invite", token=ADMIN, steps=invite("a@b.example, c@d.example")
    ),
    "no keys": Scene("empty", "/api-keys"),
    "dialog to revoke a key": Scene("populated", "/api-keys", steps=open_dialog("Revoke")),
    "oversized keys": Scene("oversized", "/api-keys"),
    "new key among many organizations": Scene("crowded", "/api-keys/new"),
    "new key among many organizations with errors": Scene(
        "crowded", "/api-keys/new", 422, steps=submit("Create API key", Organizations="nobody\n999999")
    ),
    "new key without organizations": Scene("empty", "/api-keys/new"),
    "new key with errors": Scene("populated", "/api-keys/new", 422, steps=submit("Create API key")),
    "key created": Scene("populated", "/api-keys/new", steps=create_api_key),
    "no sources": Scene("empty", "/sources"),
    "oversized sources": Scene("oversized", "/sources"),
    "oversized source": Scene("oversized", "/sources/1"),
    "sync that runs": Scene("populated", "/sources/1/runs/3"),
    "sync whose process has died": Scene("populated", "/sources/1/runs/2"),
    "source whose key was never tested": Scene("populated", "/sources/2"),
    "disabled source": Scene("populated", "/sources/3"),
    "dialog to remove a source": Scene("populated", "/sources/1", steps=open_dialog("Remove source")),
    "new source with errors": Scene(
        "populated", "/sources/new", 422, steps=submit("Add source and test key", Variable_with_the_key="PATH")
    ),
    "new source among many organizations": Scene("crowded", "/sources/new"),
    "new source of an admin": Scene("populated", "/sources/new", token=ADMIN),
    "all activity": Scene("populated", "/activity", opened=True),
    "older activity": Scene("populated", "/activity?older=60"),
    "activity filtered": Scene("populated", "/activity?who=tester&kind=voice-changed&voice=456&since=2026-11-01", 200),
    "no activity found": Scene("populated", "/activity?who=nobody"),
    "overview without voices": Scene("empty", "/"),
    "overview of an anonymous requester": Scene("open", "/", token=""),
    "oversized overview": Scene("oversized", "/"),
    "triage without findings": Scene("empty", "/triage"),
    "triage of assistants": Scene("sample", "/triage?reason=assistant-unready"),
    "triage opened": Scene("sample", "/triage?size=25&reason=stuck&reason=poor", opened=True),
    "triage of a viewer": Scene("populated", "/triage?size=25", token=VIEWER),
    "triage on a later page": Scene("sample", "/triage?size=25&after=60.0.1"),
    "triage past its end": Scene("sample", "/triage?after=90.0.1"),
    "triage of muted findings": Scene("empty", "/triage?muted=yes&reason=failed"),
    "triage with invalid filters": Scene("sample", "/triage?reason=x&provider=x&owner=x&muted=x&after=x", 422),
    "triage after an action": Scene("populated", "/triage?reason=failed&size=25", steps=apply_to_first("Acknowledge")),
    "triage with keyboard shortcuts": Scene("sample", "/triage?reason=duplicate", steps=open_shortcuts),
    "triage of one of many organizations": Scene("crowded", "/triage?organization=7"),
    "triage of an ambiguous organization": Scene("crowded", "/triage?organization=customer", 422),
    "oversized triage": Scene("oversized", "/triage"),
    "action without a selection": Scene("sample", "/triage?reason=duplicate", 422, steps=archive_without_selection),
    "all matching": Scene("sample", "/triage/all?reason=failed"),
    "all matching with menus": Scene("oversized", "/triage/all", opened=True),
    "all matching with errors": Scene("sample", "/triage/all", 422, steps=submit_empty_note),
    "no match": Scene("empty", "/triage/all?reason=failed"),
    "operation": Scene("oversized", "/operations/1"),
    "voice with a history": Scene("oversized", "/voices/3"),
    "voice with menus": Scene("sample", "/voices/456", opened=True),
    "no activity": Scene("empty", "/activity"),
    "activity with invalid filters": Scene(
        "populated", "/activity?kind=x&voice=x&since=x&until=x&who=%00&older=x", 422
    ),
    "oversized activity": Scene("oversized", "/activity"),
    "providers of an organization": Scene("sample", "/providers?organization=1"),
    "providers of one of many organizations": Scene("crowded", "/providers?organization=7"),
    "providers of an ambiguous organization": Scene("crowded", "/providers?organization=customer", 422),
    "no providers": Scene("empty", "/providers"),
    "oversized providers": Scene("oversized", "/providers"),
    "providers with invalid filters": Scene("sample", "/providers?organization=x", 422),
    "clean-up without candidates": Scene("empty", "/clean-up"),
    "clean-up filtered": Scene("sample", "/clean-up?organization=1&provider=resemble&reason=unused", opened=True),
    "clean-up of a viewer": Scene("populated", "/clean-up", token=VIEWER),
    "clean-up with invalid filters": Scene("sample", "/clean-up?provider=x", 422),
    "oversized clean-up": Scene("oversized", "/clean-up"),
    "oversized plan": Scene("oversized", "/clean-up", steps=create_plan),
    "dry run": Scene("populated", "/clean-up", steps=then(create_plan, "View dry run")),
    "plan to confirm": Scene("populated", "/clean-up", steps=then(create_plan, "Confirm and archive")),
    "plan with a wrong confirmation": Scene(
        "populated", "/clean-up", 422, steps=then(create_plan, "Confirm and archive", submit(re.compile("^Archive")))
    ),
    "plan with errors": Scene("sample", "/clean-up", 422, steps=submit("Create plan", Number_of_voices="0")),
    "oversized prices": Scene("oversized", "/clean-up/prices"),
    "price with errors": Scene(
        "sample", "/clean-up/prices", 422, steps=submit("Save price", Price="x", Date_of_the_price="")
    ),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Look at each page in two looks and each state in one; with --long, at both in all."""
    if "looks" not in metafunc.fixturenames:
        return
    is_long = metafunc.config.getoption("--long")
    every = tuple(Look(theme, width) for width in WIDTHS for theme in THEMES)
    chosen = dict.fromkeys(PAGES, (every[0], every[-1])) | {
        name: (every[index % len(every)],) for index, name in enumerate(STATES)
    }
    cases = [
        pytest.param(
            scene,
            every if is_long else chosen[name],
            OTHER_WIDTHS if is_long else (OTHER_WIDTHS[index % len(OTHER_WIDTHS)],),
            id=name,
        )
        for index, (name, scene) in enumerate((PAGES | STATES).items())
    ]
    metafunc.parametrize(("scene", "looks", "other_widths"), cases)


@pytest.fixture
def show(visit: Visit, servers: Mapping[str, str]) -> Visit:
    """Return a function that opens a scene with the options of a visit."""

    def go(scene: Scene, **options: Any) -> Page:
        page = visit(servers[scene.server] + scene.path, token=scene.token, **options)
        if scene.steps:
            scene.steps(page)
        assert page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus") == scene.status
        if scene.opened:
            page.evaluate(OPEN_MENUS)
        return page

    return go


def test_a_page_is_accessible_and_fits_every_width(
    show: Visit, scene: Scene, looks: tuple[Look, ...], other_widths: tuple[int, ...]
) -> None:
    page = show(scene, width=looks[0].width, color_scheme=looks[0].theme)

    violations = [find_violations(page, look) for look in looks]
    faults = find_layout_faults(page, WIDTHS + other_widths)
    page.evaluate(WIDE_SPACING)
    faults += [f"with text spacing, {fault}" for fault in find_layout_faults(page, WIDTHS)]

    assert not any(violations), "\n".join(violations)
    assert not faults, "\n".join(faults)


def find_violations(page: Page, look: Look) -> str:
    """Return the report of axe on a page in one look, "" if it finds no violation."""
    page.set_viewport_size({"width": look.width, "height": 900})
    page.emulate_media(color_scheme=look.theme)
    height = page.evaluate("document.documentElement.scrollHeight")  # a sticky bar then covers no row
    page.set_viewport_size({"width": look.width, "height": height})
    page.evaluate(MARK_REPEATED_ROWS)
    page.evaluate(SET_VISIBILITY_OF_COVERED, "hidden")
    found = Axe().run(page, context={"exclude": [["[data-repeated]"]]}, options=AXE)
    page.evaluate(SET_VISIBILITY_OF_COVERED, "")
    return f"{look}: {found.generate_report()}" if found.response["violations"] else ""


def find_layout_faults(page: Page, widths: Iterable[int]) -> list[str]:
    """Return what is cut off, too small or too wide at these widths."""
    faults: list[str] = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        faults += [f"at {width} px: {fault}" for fault in page.evaluate(LAYOUT_CHECKS)]
    return faults
