"""Printing, forced colours and motion, and the size of the first visit."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

MAX_BYTES, MAX_REQUESTS = 80_000, 4
PAPER: dict[str, Any] = {"width": 718, "height": 1000}  # A4 less its margins
TEXT_COLOUR = "getComputedStyle(document.body).color"


@pytest.fixture
def voices(visit: Visit, live_server: str) -> Page:
    """The voices of an assistant."""
    return visit(live_server + "/assistants/31/voices")


@pytest.mark.parametrize("path", ["/assistants", "/assistants/31/voices?sort=name", "/voices/456"])
def test_printing_shows_content_without_controls(visit: Visit, live_server: str, path: str) -> None:
    page = visit(live_server + path, **PAPER, color_scheme="dark")
    dark = page.evaluate(TEXT_COLOUR)

    page.emulate_media(media="print")

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    tools = page.locator("header, nav:not([aria-label=Breadcrumb]), form:not(:has(table))")
    for role in ("banner", "search", "button", "link"):
        for hidden in tools.get_by_role(role).all():
            expect(hidden).to_be_hidden()
    expect(page.get_by_role("banner")).to_have_count(0)
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("checkbox")).to_have_count(0)
    assert page.evaluate(TEXT_COLOUR) != dark, "printing uses light colours in the dark theme as well"
    for table in page.get_by_role("region").filter(has=page.get_by_role("table")).all():
        assert table.evaluate("(region) => region.scrollWidth <= region.clientWidth"), "columns are cut off"
        expect(page.get_by_role("columnheader").last).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [960, 1320, 1321, 1440])
@pytest.mark.parametrize(
    "path", ["/assistants", "/assistants/31/voices?sort=name", "/assistants/31/voices?sort=-status"]
)
def test_a_table_shows_all_columns(visit: Visit, live_server: str, path: str, width: int) -> None:
    page = visit(live_server + path, width=width)

    region = page.get_by_role("region").filter(has=page.get_by_role("table"))
    assert region.evaluate("(region) => region.scrollWidth <= region.clientWidth"), "columns are cut off"


@pytest.mark.parametrize("width", [1320, 1321, 1440])
def test_a_table_with_one_more_column_shows_all_of_them(visit: Visit, live_server: str, width: int) -> None:
    page = visit(live_server + "/assistants/31/voices?column=use", width=width)

    region = page.get_by_role("region").filter(has=page.get_by_role("table"))
    expect(region.get_by_role("columnheader", name="Use, 30 days")).to_be_visible()
    assert region.evaluate("(region) => region.scrollWidth <= region.clientWidth"), "columns are cut off"


def test_forced_colours_keep_status_and_selection_visible(voices: Page) -> None:
    voices.emulate_media(forced_colors="active")

    tabs = voices.get_by_role("navigation", name="Status").get_by_role("link")
    lines = tabs.evaluate_all("(tabs) => tabs.map((tab) => getComputedStyle(tab).borderBottomStyle)")
    assert lines == ["solid", "none", "none", "none", "none"]
    assert voices.evaluate("document.documentElement.scrollWidth <= innerWidth")
    voices.get_by_role("group", name="Status", exact=True).locator("summary").click()
    expect(voices.get_by_role("checkbox", name="Failed")).to_be_visible()
    badge = voices.get_by_role("row").nth(1).get_by_role("link", name="Ready")
    assert badge.evaluate("(badge) => getComputedStyle(badge).borderStyle") == "solid"


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_a_page_has_no_animations(visit: Visit, live_server: str, motion: str) -> None:
    page = visit(live_server + "/assistants/31/voices?status=processing", reduced_motion=motion)

    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("sort", ["", "provider"])
def test_the_first_visit_is_small(visit: Visit, live_server: str, sort: str) -> None:
    page = visit("about:blank", fresh=True)
    requested: set[str] = set()
    page.on("request", lambda request: requested.add(request.url))

    page.goto(f"{live_server}/assistants/31/voices?sort={sort}")

    referenced = page.locator("link, script, img").evaluate_all("(nodes) => nodes.map((node) => node.href || node.src)")
    sizes = {url: len(page.request.get(url).body()) for url in requested | set(referenced)}
    assert page.get_by_role("rowheader").count() == 50
    assert len(sizes) <= MAX_REQUESTS, sizes
    assert sum(sizes.values()) <= MAX_BYTES, sizes


def test_static_files_are_cached(voices: Page) -> None:
    voices.get_by_role("link", name="Next").click()
    expect(voices.get_by_role("status")).to_contain_text("Showing 51–100")

    transfers = voices.evaluate("performance.getEntriesByType('resource').map((one) => [one.name, one.transferSize])")

    assert transfers
    assert all(size == 0 for _, size in transfers), transfers
