"""Every page in every state, size and theme: what axe, a careful eye and the console say of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Visit
from tests.browser.crowd import ADMIN, INVITED, INVITED_AGAIN, RESET, ROOT, SETUP, VIEWER
from tests.browser.excess import LONELY, LONG_NAMED, MIXED, NAMELESS

Theme = Literal["light", "dark"]

SIGHT = Path(__file__).with_name("sight.js").read_text("utf-8")
SPACED = """() => {
  const spacing = new CSSStyleSheet();
  spacing.replaceSync(`
    * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
    p { margin-block-end: 2em !important }
  `);
  document.adoptedStyleSheets = [spacing];
}"""
OPEN = "for (const part of document.querySelectorAll('main details')) { part.name = ''; part.open = true }"
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
# On both sides of where the layout changes, a tablet, a small phone, and (720) a desk's screen zoomed to 200 %.
OTHER_WIDTHS = (1920, 1141, 1024, 960, 768, 720, 360)
THEMES: tuple[Theme, Theme] = ("light", "dark")


class Look(NamedTuple):
    """A color scheme and the width of the window in pixels."""

    theme: Theme
    width: int


class Scene(NamedTuple):
    """What is looked at.

    opened: whether its menus are open. token: of who looks, "" for nobody. does: what is done on the page to get
    there; status is that of the last page.
    """

    server: str
    path: str
    status: int = 200
    opened: bool = False
    token: str = ROOT
    does: Callable[[Page], object] | None = None


def send(button: str | re.Pattern[str], **fields: str) -> Callable[[Page], None]:
    """Fill in a form and send it, also where the browser itself would find a fault. _ in a label stands for a blank."""

    def do(page: Page) -> None:
        page.evaluate("for (const form of document.forms) form.noValidate = true")
        for label, value in fields.items():
            page.get_by_label(label.replace("_", " "), exact=True).fill(value)
        with page.expect_navigation():
            page.get_by_role("button", name=button, exact=True).click()

    return do


def create_api_key(page: Page) -> None:
    """Make a key for Acme Telecom."""
    page.get_by_role("checkbox", name="Acme Telecom").check()
    send("Create API key", Name="Status board")(page)


def ask_first(button: str) -> Callable[[Page], None]:
    """Press a button that asks before it does anything."""

    def do(page: Page) -> None:
        page.get_by_role("button", name=button).first.click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel").wait_for()

    return do


def plan_all(page: Page) -> None:
    """Create a plan of the voices to archive."""
    send("Create plan")(page)


def then(first: Callable[[Page], None], link: str, *more: Callable[[Page], None]) -> Callable[[Page], None]:
    """Do something, follow a link, and do more."""

    def do(page: Page) -> None:
        first(page)
        with page.expect_navigation():
            page.get_by_role("link", name=link, exact=True).click()
        for act in more:
            act(page)

    return do


def keep_a_role(page: Page) -> None:
    """Save a role as it is, which the next page confirms in words."""
    send("Save the role at Acme Telecom")(page)


def open_menu(page: Page) -> None:
    """Open the menu of the account."""
    page.get_by_role("banner").locator("summary").click()


def come_over_plain_http(page: Page) -> None:
    """Load the page anew, as if a proxy had got it under a public name and without encryption."""
    page.set_extra_http_headers({"X-Forwarded-Host": "voices.example.com", "X-Forwarded-Proto": "http"})
    page.reload()
    page.set_extra_http_headers({})


def act_on_the_first(act: str) -> Callable[[Page], None]:
    """Do something to the first voice of a page, and go on to the page that follows."""

    def do(page: Page) -> None:
        page.get_by_role("checkbox").first.check()
        send(act)(page)

    return do


def open_keys(page: Page) -> None:
    """Open the list of keys."""
    page.get_by_role("button", name="Keyboard shortcuts").click()


def note_nothing(page: Page) -> None:
    """Send an empty note."""
    page.locator("summary").filter(has_text="Add note").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Add note (").click()


def archive_nothing(page: Page) -> None:
    """Press the button where no script keeps it from being pressed before anything is ticked."""
    page.get_by_role("button", name="Archive", exact=True).evaluate("(button) => { button.disabled = false }")
    send("Archive")(page)


def tick_two(page: Page) -> None:
    """Tick the first two voices."""
    for number in (0, 1):
        page.locator("tbody").get_by_role("checkbox").nth(number).check()


PAGES = {
    "overview": Scene("sample", "/"),
    "triage": Scene("crowd", "/triage?size=25&provider=resemble"),
    "assistants": Scene("sample", "/assistants"),
    "voices": Scene("excess", f"/assistants/{MIXED}/voices?size=25&page=2&sort=created"),
    "voice": Scene("sample", "/voices/456"),
    "error": Scene("sample", "/assistants/99/voices", 404),
    "sign in": Scene("crowd", "/sign-in", token=""),
    "account": Scene("crowd", "/account", token=ADMIN),
    "people": Scene("crowd", "/people"),
    "person": Scene("crowd", "/people/9"),
    "new key": Scene("crowd", "/api-keys/new"),
    "keys": Scene("crowd", "/api-keys"),
    "activity": Scene("crowd", "/activity?kind=voice-changed&kind=voices-imported"),
    "providers": Scene("sample", "/providers"),
    "clean-up": Scene("crowd", "/clean-up"),
    "plan": Scene("crowd", "/clean-up", does=plan_all),
    "prices": Scene("crowd", "/clean-up/prices"),
}
VOICES = "/assistants/31/voices"
STATES = {
    "assistants found": Scene("sample", "/assistants?q=desk"),
    "assistants of an organization": Scene("sample", "/assistants?organization=1"),
    "assistants not found": Scene("sample", "/assistants?q=nobody"),
    "assistants past the last page": Scene("sample", "/assistants?page=9"),
    "assistants wrongly asked for": Scene("sample", "/assistants?q=%00&page=x", 422),
    "no assistants": Scene("bare", "/assistants"),
    "excessive assistants": Scene("excess", "/assistants"),
    "voices filtered": Scene(
        "sample",
        f"{VOICES}?q=e&status=ready&provider=elevenlabs&quality=good&use=idle-30&language=en&sort=name&size=25",
    ),
    "voices on the first page": Scene("sample", f"{VOICES}?size=25"),
    "voices on a middle page": Scene("sample", f"{VOICES}?page=12&size=25"),
    "voices ticked": Scene("sample", f"{VOICES}?size=25", does=tick_two),
    "voices as a viewer sees them": Scene("crowd", f"{VOICES}?size=25", token=VIEWER),
    "voices from code": Scene("sample", f"{VOICES}/code?status=ready"),
    "all voices that match": Scene("sample", f"{VOICES}/all?status=ready"),
    "voices opened": Scene("sample", f"{VOICES}?size=25", opened=True),
    "no voice matches": Scene("sample", f"{VOICES}?q=zzz&status=failed&provider=resemble"),
    "voices past the last page": Scene("sample", f"{VOICES}?page=99"),
    "voices wrongly asked for": Scene("sample", f"{VOICES}?q=%00&status=x&provider=x&use=x&sort=x&size=7&page=0", 422),
    "an organization without voices": Scene("sample", "/assistants/230/voices"),
    "excessive voices": Scene("excess", f"/assistants/{LONG_NAMED}/voices?size=25"),
    "excessive voices opened": Scene("excess", f"/assistants/{NAMELESS}/voices?size=25&sort=name", opened=True),
    "no name and no voices": Scene("excess", f"/assistants/{LONELY}/voices"),
    "voice opened": Scene("sample", "/voices/458", opened=True),
    "excessive voice": Scene("excess", "/voices/1", opened=True),
    "nameless voice": Scene("excess", "/voices/2"),
    "no such page": Scene("sample", "/nowhere", 404),
    "store out of reach": Scene("broken", "/assistants", 503),
    "no such voice": Scene("bare", "/voices/9223372036854775807", 404),
    "sign in refused": Scene(
        "crowd", "/sign-in", 422, token="", does=send("Sign in", **{"E-mail": "a@b.example", "Password": "x"})
    ),
    "sign in with nothing": Scene("crowd", "/sign-in?next=/keys", 422, token="", does=send("Sign in")),
    "sign in to an empty store": Scene("new", "/sign-in", token=""),
    "sign in over plain HTTP": Scene("open", "/sign-in", token="", does=come_over_plain_http),
    "join, the first": Scene("new", f"/links/{SETUP}", token=""),
    "join, the first, with faults": Scene("new", f"/links/{SETUP}", 422, token="", does=send("Create account")),
    "join": Scene("crowd", f"/links/{INVITED}", token=""),
    "join with an account": Scene("crowd", f"/links/{INVITED_AGAIN}", token=""),
    "choose a new password": Scene("crowd", f"/links/{RESET}", token=""),
    "excessive invitation": Scene("excess", f"/links/{INVITED}", token=""),
    "link that is not good": Scene("crowd", "/links/no-such-link", 410, token=""),
    "confirm": Scene("crowd", "/confirm?next=/keys"),
    "confirm refused": Scene("crowd", "/confirm", 422, does=send("Confirm password", Your_password="wrong")),
    "header opened": Scene("crowd", "/assistants", token=ADMIN, does=open_menu),
    "not signed in": Scene("open", "/assistants", token=""),
    "voices of somebody who looks": Scene("crowd", VOICES, token=VIEWER),
    "not for a viewer": Scene("crowd", "/api-keys", 403, token=VIEWER),
    "account of the admin of the platform": Scene("bare", "/account"),
    "account with faults": Scene("crowd", "/account", 422, token=VIEWER, does=send("Change password")),
    "excessive account": Scene("excess", "/account", token=VIEWER),
    "people, one": Scene("bare", "/people"),
    "people of one organization": Scene("crowd", "/people", token=ADMIN),
    "excessive people": Scene("excess", "/people"),
    "everybody signed out?": Scene("crowd", "/people", does=ask_first("Sign out all users")),
    "person not managed": Scene("crowd", "/people/9", token=ADMIN),
    "person oneself": Scene("crowd", "/people/1", token=ADMIN),
    "person without roles and sessions, disabled": Scene("crowd", "/people/3"),
    "person changed": Scene("crowd", "/people/9", does=keep_a_role),
    "person disabled?": Scene("crowd", "/people/9", does=ask_first("Disable account")),
    "excessive person": Scene("excess", "/people/1"),
    "invite": Scene("crowd", "/people/invite"),
    "invite with faults": Scene("crowd", "/people/invite", 422, does=send("Create invitation", **{"E-mail": "nobody"})),
    "invited": Scene("crowd", "/people/invite", does=send("Create invitation", **{"E-mail": "friend@example.com"})),
    "no keys": Scene("bare", "/api-keys"),
    "key revoked?": Scene("crowd", "/api-keys", does=ask_first("Revoke")),
    "excessive keys": Scene("excess", "/api-keys"),
    "new key without organizations": Scene("bare", "/api-keys/new"),
    "new key with faults": Scene("crowd", "/api-keys/new", 422, does=send("Create API key")),
    "key made": Scene("crowd", "/api-keys/new", does=create_api_key),
    "all activity": Scene("crowd", "/activity", opened=True),
    "older activity": Scene("crowd", "/activity?older=60"),
    "activity of somebody": Scene("crowd", "/activity?who=tester&kind=voice-changed&voice=456&since=2026-11-01", 200),
    "no activity found": Scene("crowd", "/activity?who=nobody"),
    "no overview": Scene("bare", "/"),
    "overview of a stranger": Scene("open", "/", token=""),
    "excessive overview": Scene("excess", "/"),
    "no triage": Scene("bare", "/triage"),
    "triage of assistants": Scene("sample", "/triage?reason=assistant-unready"),
    "triage opened": Scene("sample", "/triage?size=25&reason=stuck&reason=poor", opened=True),
    "triage of somebody who looks": Scene("crowd", "/triage?size=25", token=VIEWER),
    "triage further down": Scene("sample", "/triage?size=25&after=60.0.1"),
    "triage past its end": Scene("sample", "/triage?after=90.0.1"),
    "triage of what is muted": Scene("bare", "/triage?muted=yes&reason=failed"),
    "triage wrongly asked for": Scene("sample", "/triage?reason=x&provider=x&owner=x&muted=x&after=x", 422),
    "triage acted on": Scene("crowd", "/triage?reason=failed&size=25", does=act_on_the_first("Acknowledge")),
    "keys of the triage": Scene("sample", "/triage?reason=duplicate", does=open_keys),
    "excessive triage": Scene("excess", "/triage"),
    "nothing ticked": Scene("sample", "/triage?reason=duplicate", 422, does=archive_nothing),
    "all that match": Scene("sample", "/triage/all?reason=failed"),
    "all that match, with menus": Scene("excess", "/triage/all", opened=True),
    "all that match, with faults": Scene("sample", "/triage/all", 422, does=note_nothing),
    "no match": Scene("bare", "/triage/all?reason=failed"),
    "operation": Scene("excess", "/operations/1"),
    "voice with a history": Scene("excess", "/voices/3"),
    "voice with its menus": Scene("sample", "/voices/456", opened=True),
    "no activity": Scene("bare", "/activity"),
    "activity wrongly asked for": Scene("crowd", "/activity?kind=x&voice=x&since=x&until=x&who=%00&older=x", 422),
    "excessive activity": Scene("excess", "/activity"),
    "providers of an organization": Scene("sample", "/providers?organization=1"),
    "no providers": Scene("bare", "/providers"),
    "excessive providers": Scene("excess", "/providers"),
    "providers wrongly asked for": Scene("sample", "/providers?organization=x", 422),
    "nothing to clean up": Scene("bare", "/clean-up"),
    "clean-up filtered": Scene("sample", "/clean-up?organization=1&provider=resemble&reason=unused", opened=True),
    "clean-up as a viewer sees it": Scene("crowd", "/clean-up", token=VIEWER),
    "clean-up wrongly asked for": Scene("sample", "/clean-up?provider=x", 422),
    "excessive clean-up": Scene("excess", "/clean-up"),
    "excessive plan": Scene("excess", "/clean-up", does=plan_all),
    "dry run": Scene("crowd", "/clean-up", does=then(plan_all, "Dry run")),
    "plan to confirm": Scene("crowd", "/clean-up", does=then(plan_all, "Confirm and archive")),
    "plan wrongly confirmed": Scene(
        "crowd", "/clean-up", 422, does=then(plan_all, "Confirm and archive", send(re.compile("^Archive")))
    ),
    "no plan made": Scene("sample", "/clean-up", 422, does=send("Create plan", Number_of_voices="0")),
    "excessive prices": Scene("excess", "/clean-up/prices"),
    "price with faults": Scene(
        "sample", "/clean-up/prices", 422, does=send("Save price", Price="x", Date_of_the_price="")
    ),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Look at each page in two looks and each state in one; with --long, at both in all."""
    if "looks" not in metafunc.fixturenames:
        return
    every = tuple(Look(theme, width) for width in WIDTHS for theme in THEMES)
    chosen = dict.fromkeys(PAGES, (every[0], every[-1])) | {
        name: (every[index % len(every)],) for index, name in enumerate(STATES)
    }
    cases = [
        pytest.param(
            scene,
            every if metafunc.config.getoption("--long") else chosen[name],
            OTHER_WIDTHS if metafunc.config.getoption("--long") else (OTHER_WIDTHS[index % len(OTHER_WIDTHS)],),
            id=name,
        )
        for index, (name, scene) in enumerate((PAGES | STATES).items())
    ]
    metafunc.parametrize(("scene", "looks", "other_widths"), cases)


@pytest.fixture
def show(visit: Visit, servers: Mapping[str, str]) -> Visit:
    """Go to a scene, with the options of a visit."""

    def go(scene: Scene, **options: Any) -> Page:
        page = visit(servers[scene.server] + scene.path, token=scene.token, **options)
        if scene.does:
            scene.does(page)
        assert page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus") == scene.status
        if scene.opened:
            page.evaluate(OPEN)
        return page

    return go


def test_a_page_is_accessible_and_fits_every_width(
    show: Visit, scene: Scene, looks: tuple[Look, ...], other_widths: tuple[int, ...]
) -> None:
    page = show(scene, width=looks[0].width, color_scheme=looks[0].theme)

    violations = [find_violations(page, look) for look in looks]
    faults = find_layout_faults(page, WIDTHS + other_widths)
    page.evaluate(SPACED)
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
    found = Axe().run(page, context={"exclude": [["[data-repeated]"]]}, options=AXE)
    return f"{look}: {found.generate_report()}" if found.response["violations"] else ""


def find_layout_faults(page: Page, widths: Iterable[int]) -> list[str]:
    """Return what is cut off, too small or too wide at these widths."""
    faults: list[str] = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        faults += [f"at {width} px: {fault}" for fault in page.evaluate(SIGHT)]
    return faults
