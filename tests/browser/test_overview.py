"""The first page: one screen, one glance."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit

BEYOND = "[document.documentElement.scrollHeight - innerHeight, document.documentElement.scrollWidth - innerWidth]"


def test_it_fits_on_a_screen(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/", width=1440, height=900)

    assert page.evaluate(BEYOND) == [0, 0]
    expect(page.get_by_role("heading", name="Most used")).to_be_in_viewport()


def test_it_fits_with_the_banner_of_who_has_not_signed_in(visit: Visit, open_server: str) -> None:
    page = visit(open_server + "/", token="", width=1440, height=900)

    expect(page.get_by_role("complementary", name="Nobody has signed in")).to_be_visible()
    assert page.evaluate(BEYOND) == [0, 0]


@pytest.mark.parametrize("width", [1440, 390])
def test_a_reason_leads_to_its_lines(visit: Visit, live_server: str, width: int) -> None:
    page = visit(live_server + "/", width=width)

    page.get_by_role("rowheader").get_by_role("link", name="Stuck").click()

    expect(page.get_by_role("main").get_by_role("status")).to_contain_text("with Stuck")
