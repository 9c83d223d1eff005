"""Lists with the keyboard only."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

FOCUS = """() => {
  const node = document.activeElement, bar = document.querySelector("header").getBoundingClientRect();
  const { top, bottom, width, height } = node.getBoundingClientRect(), style = getComputedStyle(node);
  const clipped = (part) => part && (getComputedStyle(part).clipPath !== "none" || clipped(part.parentElement));
  const stuck = getComputedStyle(document.querySelector("header")).position === "sticky";
  return {
    name: node.textContent.trim() || node.name,
    where: node.closest("header, form, table, nav, details")?.tagName.toLowerCase() ?? "",
    ringed: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    hidden: Boolean(clipped(node)) || width <= 1 || height <= 1,
    covered: stuck && !node.closest("header, .skip-link") && top < bar.bottom - 1 && bottom < innerHeight,
    away: bottom <= 0 || top >= innerHeight,
  };
}"""


VISIBLE_FOCUS = {"ringed": True, "hidden": False, "covered": False, "away": False}


@pytest.fixture
def voices(visit: Visit, live_server: str) -> Page:
    """The first 25 voices of an assistant."""
    return visit(live_server + "/assistants/31/voices?size=25")


def test_the_first_tab_stop_skips_to_the_content(voices: Page) -> None:
    skip = voices.get_by_role("link", name="Skip to main content")
    expect(skip).not_to_be_in_viewport()

    voices.keyboard.press("Tab")

    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    voices.keyboard.press("Enter")
    expect(voices.get_by_role("main")).to_be_focused()
    voices.keyboard.press("Tab")
    expect(voices.get_by_role("navigation", name="Breadcrumb").get_by_role("link").first).to_be_focused()


@pytest.mark.parametrize("width", [1440, 1024, 720, 390])
def test_every_tab_stop_is_visible_and_filters_precede_the_table(voices: Page, width: int) -> None:
    voices.set_viewport_size({"width": width, "height": 700})
    stops = []

    for key in ["Tab"] * 60 + ["Shift+Tab"] * 59:
        voices.keyboard.press(key)
        stops.append(voices.evaluate(FOCUS))

    invisible = [stop for stop in stops if stop != stop | VISIBLE_FOCUS]
    assert not invisible
    containers = [stop["where"] for stop in stops[:60]]
    assert "table" in containers
    if width >= 960:
        assert containers.index("nav") < containers.index("form") < containers.index("table")
    else:
        assert [stop["name"] for stop in stops].index("Filters") < containers.index("table")


def test_a_filter_menu_opens_selects_and_closes(voices: Page) -> None:
    status = voices.get_by_role("group", name="Status", exact=True)
    summary = status.locator("summary")
    ready = status.get_by_role("checkbox", name="Ready")
    voices.get_by_label("Name or provider ID").focus()

    voices.keyboard.press("Tab")
    voices.keyboard.press("Enter")
    expect(ready).to_be_visible()
    voices.keyboard.press("Tab")
    voices.keyboard.press("Tab")
    expect(ready).to_be_focused()
    voices.keyboard.press("Space")
    expect(ready).to_be_checked()
    voices.keyboard.press("Escape")
    expect(ready).to_be_hidden()
    expect(summary).to_be_focused()
    voices.keyboard.press("Space")
    expect(ready).to_be_visible()
    voices.keyboard.press("Tab")
    voices.keyboard.press("Enter")

    expect(voices.get_by_role("status")).to_contain_text("ready voices")
    assert "status=ready" in voices.url


def test_one_menu_is_open_at_a_time_and_a_click_elsewhere_closes_it(voices: Page) -> None:
    menus = [voices.get_by_role("group", name=name, exact=True) for name in ("Status", "Language")]

    for menu in menus:
        menu.locator("summary").click()
    expect(menus[0].get_by_role("checkbox").first).to_be_hidden()
    expect(menus[1].get_by_role("checkbox").first).to_be_visible()
    voices.get_by_role("heading", level=1).click()

    expect(menus[1].get_by_role("checkbox").first).to_be_hidden()


@pytest.mark.parametrize("width", [1440, 1141, 1024])
@pytest.mark.parametrize("server", ["live_server", "oversized_server"])
def test_every_menu_opens_inside_the_window(
    visit: Visit, request: pytest.FixtureRequest, server: str, width: int
) -> None:
    path = "/assistants/31/voices" if server == "live_server" else "/assistants/900/voices"
    page = visit(request.getfixturevalue(server) + path, width=width)

    for name in ("Status", "Provider", "Quality", "Usage", "Language"):
        menu = page.get_by_role("group", name=name, exact=True)
        menu.locator("summary").click()
        for choice in (menu.get_by_role("checkbox").first, menu.get_by_role("checkbox").last):
            choice.scroll_into_view_if_needed()
            box = choice.locator("xpath=..").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


COVERED = """(panel) => {
  const { left, top, width, height } = panel.getBoundingClientRect();
  for (let x = left + 4; x < left + width - 4; x += 4)
    for (let y = top + 4; y < Math.min(top + height, innerHeight) - 4; y += 4)
      if (!panel.contains(document.elementFromPoint(x, y))) return false;
  return true;
}"""


@pytest.mark.parametrize(("path", "menu"), [("/triage", "Reason"), ("/assistants/31/voices", "Status")])
def test_an_open_menu_covers_the_table(visit: Visit, live_server: str, path: str, menu: str) -> None:
    page = visit(live_server + path)
    group = page.get_by_role("group", name=menu, exact=True)

    group.locator("summary").click()

    assert group.locator(".dropdown__panel").evaluate(COVERED)
