"""The overview page fits on one screen and links to Triage."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit

OVERFLOW = "[document.documentElement.scrollHeight - innerHeight, document.documentElement.scrollWidth - innerWidth]"


def test_the_overview_fits_on_one_screen(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/", width=1440, height=900)

    assert page.evaluate(OVERFLOW) == [0, 0]
    expect(page.get_by_role("heading", name="Most used voices")).to_be_in_viewport()


def test_the_overview_fits_together_with_the_banner_for_anonymous_requests(visit: Visit, open_server: str) -> None:
    page = visit(open_server + "/", token="", width=1440, height=900)

    expect(page.get_by_role("complementary", name="Access without signing in")).to_be_visible()
    assert page.evaluate(OVERFLOW) == [0, 0]


@pytest.mark.parametrize("width", [1440, 390])
def test_a_reason_links_to_triage_with_that_filter(visit: Visit, live_server: str, width: int) -> None:
    page = visit(live_server + "/", width=width)

    page.get_by_role("rowheader").get_by_role("link", name="Stuck").click()

    expect(page.get_by_role("main").get_by_role("status")).to_contain_text("Stuck")
