"""The voice list without JavaScript: everything works except copying."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit


@pytest.fixture(params=[1440, 390])
def voices(visit: Visit, live_server: str, request: pytest.FixtureRequest) -> Page:
    """The voices of an assistant without JavaScript, in a wide and in a narrow window."""
    return visit(live_server + "/assistants/31/voices", width=request.param, script=False)


def test_filters_menus_and_tabs_work(voices: Page) -> None:
    opener = voices.get_by_role("button", name="Filters")
    quality = voices.get_by_role("group", name="Quality", exact=True)
    if opener.is_visible():
        opener.click()

    quality.locator("summary").click()
    quality.get_by_role("checkbox", name="Not scored").check()
    voices.get_by_role("group", name="Usage", exact=True).locator("summary").click()
    expect(quality.get_by_role("checkbox", name="Not scored")).to_be_hidden()
    voices.get_by_role("checkbox", name="Never used").check()
    voices.get_by_role("button", name="Apply filters").click()
    expect(voices.get_by_role("status")).to_contain_text("voices, not scored, never used, most used first")
    voices.get_by_role("navigation", name="Status").get_by_role("link", name="Failed").click()
    expect(voices.get_by_role("status")).to_contain_text("failed voices, not scored, never used")


def test_sort_order_and_pages_work(voices: Page) -> None:
    if voices.get_by_role("button", name="Filters", exact=True).is_visible():
        voices.get_by_role("button", name="Filters", exact=True).click()
        voices.get_by_label("Sort order").select_option(label="Oldest first")
        voices.get_by_role("button", name="Apply filters").click()
    else:
        for _ in range(2):
            voices.get_by_role("columnheader", name="Created").get_by_role("link").click()

    expect(voices.get_by_role("status")).to_contain_text("oldest first")
    voices.get_by_role("link", name="Next").click()
    expect(voices.get_by_role("status")).to_contain_text("Showing 51–100 of 1,204 voices, oldest first")


def test_code_samples_open_without_copy_buttons(voices: Page) -> None:
    voices.get_by_role("link", name="API and code samples").click()

    expect(voices.get_by_text("'http://127.0.0.1")).to_be_visible()
    expect(voices.get_by_role("button", name="Copy")).to_have_count(0)


def test_escape_closes_the_filters(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/assistants/31/voices", width=390, script=False)

    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_label("Name or provider ID")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_label("Name or provider ID")).to_be_hidden()
