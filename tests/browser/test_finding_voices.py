"""The voice list: filters, tabs, sort order and pages."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit


@pytest.fixture
def voices(visit: Visit, live_server: str) -> Page:
    """The voices of an assistant."""
    return visit(live_server + "/assistants/31/voices")


def choose(page: Page, menu: str, *options: str) -> None:
    """Select options in a menu of the filter bar, and close the menu."""
    group = page.get_by_role("group", name=menu, exact=True)
    group.locator("summary").click()
    for option in options:
        group.get_by_role("checkbox", name=option, exact=True).check()
    group.locator("summary").click()


def column(page: Page, heading: str) -> list[str]:
    """The texts of the cells of a column."""
    page.wait_for_load_state()  # the texts of several elements are read without waiting
    table = page.get_by_role("table")
    headings = [text.rstrip(" ↓↑") for text in table.get_by_role("columnheader").all_text_contents()]
    return table.locator(f"tbody tr > :nth-child({headings.index(heading) + 1})").all_inner_texts()


def query_parameters(page: Page) -> list[tuple[str, str]]:
    """The query parameters of the address that are not empty."""
    return [argument for argument in parse_qsl(urlsplit(page.url).query) if argument[1]]


def test_filters_are_in_the_address_and_in_the_description(voices: Page) -> None:
    choose(voices, "Status", "Archived", "Failed")
    choose(voices, "Provider", "Resemble")
    voices.get_by_role("button", name="Apply filters").click()

    assert query_parameters(voices) == [("status", "failed"), ("status", "archived"), ("provider", "resemble")]
    assert set(column(voices, "Status")) == {"Failed", "Archived"}
    assert set(column(voices, "Provider")) == {"Resemble"}
    expect(voices.get_by_role("status")).to_contain_text("failed or archived voices at Resemble, most used first.")
    expect(voices.get_by_role("group", name="Provider").locator("summary")).to_have_text("Provider: Resemble")


def test_a_search_is_kept_and_can_be_cleared(voices: Page) -> None:
    voices.get_by_label("Name or provider ID").fill("lobby")
    voices.get_by_label("Name or provider ID").press("Enter")

    expect(voices.get_by_label("Name or provider ID")).to_have_value("lobby")
    assert all("lobby" in name.lower() for name in column(voices, "Voice"))
    voices.get_by_role("link", name="Clear filters").click()
    expect(voices.get_by_role("status")).to_contain_text("of 1,204 voices")


def test_a_tab_keeps_the_other_filters(voices: Page) -> None:
    choose(voices, "Provider", "Inworld")
    voices.get_by_role("button", name="Apply filters").click()
    tabs = voices.get_by_role("navigation", name="Status")

    tabs.get_by_role("link", name="Archived").click()

    assert query_parameters(voices) == [("status", "archived"), ("provider", "inworld")]
    assert set(column(voices, "Provider")) == {"Inworld"}
    expect(tabs.get_by_role("link", name="Archived")).to_have_attribute("aria-current", "page")
    assert tabs.get_by_role("link", name="Archived").inner_text().split()[-1] == str(len(column(voices, "Status")))


def test_a_column_heading_sorts_and_then_reverses_the_order(voices: Page) -> None:
    heading = voices.get_by_role("columnheader", name="Created")

    heading.get_by_role("link").click()
    newest = column(voices, "Created")
    expect(heading).to_have_attribute("aria-sort", "descending")
    heading.get_by_role("link").click()
    oldest = column(voices, "Created")

    assert newest == sorted(newest, reverse=True)
    assert oldest == sorted(oldest)
    assert newest[0] > oldest[-1]
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(voices.locator("[aria-sort]")).to_have_count(1)
    expect(voices.get_by_role("status")).to_contain_text("oldest first")


def test_pages_are_consecutive(voices: Page) -> None:
    pages = voices.get_by_role("navigation", name="Pages")
    first = column(voices, "Voice")

    pages.get_by_role("link", name="Next").click()
    expect(voices.get_by_role("status")).to_contain_text("Showing 51–100 of 1,204 voices")
    assert not set(first) & set(column(voices, "Voice"))
    pages.get_by_role("link", name="Page 25").click()
    expect(voices.get_by_role("status")).to_contain_text("Showing 1,201–1,204 of 1,204 voices")
    pages.get_by_role("link", name="Page 1", exact=True).click()
    assert column(voices, "Voice") == first
    pages.get_by_role("link", name="100").click()
    assert query_parameters(voices) == [("size", "100")]
    assert len(column(voices, "Voice")) == 100


def test_an_empty_list_offers_to_remove_each_filter(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/assistants/31/voices?q=lobby&status=failed&provider=cartesia&use=idle-90")

    expect(page.get_by_role("status")).to_contain_text("Showing no failed voices at Cartesia")
    page.get_by_role("link", name="Remove Failed").click()

    assert dict(query_parameters(page)) == {"q": "lobby", "provider": "cartesia", "use": "idle-90"}


def test_a_page_past_the_end_links_to_the_last_page(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/assistants/31/voices?status=ready&page=99")

    expect(page.get_by_role("status")).to_have_text(re.compile(r"^Showing none of 1,0\d\d ready voices"))
    page.get_by_role("link", name="Go to the last page").click()

    expect(page.get_by_role("rowheader")).not_to_have_count(0)


def test_an_invalid_address_links_to_the_filter_and_to_the_list(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/assistants/31/voices?status=nope&page=x")

    page.get_by_role("alert").get_by_role("link", name="Status").click()
    expect(page.get_by_role("group", name="Status").locator("summary")).to_be_in_viewport()
    page.get_by_role("alert").get_by_role("link", name="Clear filters").click()

    expect(page.get_by_role("status")).to_contain_text("of 1,204 voices")


def test_an_assistant_links_to_its_voice_and_back(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/assistants")
    page.get_by_label("Name or ID").fill("night")
    page.get_by_role("button", name="Search").click()
    row = page.get_by_role("row", name="Night desk")
    expect(row).to_contain_text("Acme Telecom")

    row.get_by_role("cell").nth(1).get_by_role("link").click()
    expect(page.get_by_role("region", name="Assistants")).to_contain_text("2 assistants use this voice")
    page.get_by_role("link", name="Night desk").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Night desk")
    expect(page.get_by_role("row").nth(1).get_by_role("link", name="2 assistants")).to_be_visible()


def test_a_status_badge_links_to_its_explanation(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/assistants/123/voices")

    page.get_by_role("row", name="Training Voice Sample").get_by_role("link", name="Processing").click()

    assert page.url.endswith("/voices/458#status")
    expect(page.get_by_role("region", name="Status")).to_contain_text("The provider is still cloning this voice")
    expect(page.get_by_role("region", name="Status")).to_be_in_viewport()
