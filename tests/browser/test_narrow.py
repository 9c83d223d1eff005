"""Narrow windows: cards instead of tables, and filters behind a button."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

PHONE: dict[str, Any] = {"width": 390, "height": 844}
LABELS = """(row) => [...row.querySelectorAll("td")].map((cell) => getComputedStyle(cell, "::before").content)"""


@pytest.fixture
def voices(visit: Visit, live_server: str) -> Page:
    """The voices of an assistant in a window of the size of a phone."""
    return visit(live_server + "/assistants/31/voices", **PHONE)


@pytest.mark.parametrize("path", ["/assistants/31/voices?sort=name", "/assistants"])
def test_each_cell_of_a_card_has_the_label_of_its_column(visit: Visit, live_server: str, path: str) -> None:
    page = visit(live_server + path, **PHONE)
    headings = page.get_by_role("columnheader").all_text_contents()

    for row in page.locator("tbody").get_by_role("row").all()[:3]:
        assert row.evaluate(LABELS) == [f'"{heading.strip()}"' for heading in headings[1:]]


def test_the_cells_of_a_card_are_aligned(voices: Page) -> None:
    edges = "(row) => [...row.querySelectorAll('td')].map((cell) => getComputedStyle(cell).paddingInlineStart)"

    assert set(voices.locator("tbody").get_by_role("row").first.evaluate(edges)) == {"0px"}


def test_wide_cells_have_no_labels(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/assistants/31/voices")

    assert set(page.get_by_role("row").nth(1).evaluate(LABELS)) == {"none"}


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_cards_are_a_table_for_assistive_technology(visit: Visit, live_server: str, width: int) -> None:
    page = visit(live_server + "/assistants/123/voices", width=width)
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    exposed = [
        (node["role"]["value"], node["name"]["value"]) for node in nodes if not node["ignored"] and "name" in node
    ]
    roles = [role for role, _ in exposed]

    cells = page.locator("td:visible").count()
    counts = {"table": 1, "row": 4, "columnheader": 9, "rowheader": 3, "cell": cells}
    assert {role: roles.count(role) for role in counts} == counts
    assert [name for role, name in exposed if role == "columnheader"][:4] == ["Voice", "Provider", "Language", "Status"]
    row = page.get_by_role("row", name="Training Voice Sample")
    cell_texts = [cell.inner_text() for cell in row.get_by_role("cell").all()]
    assert cell_texts[:7] == ["ElevenLabs", "en", "Processing", "Not scored", "0", "never", "2024-01-15"]
    # Some browsers drop the implicit roles of table elements that have another CSS display.
    assert page.locator("td:not([role=cell]), tr:not([role=row]), thead:not([role]), tbody:not([role])").count() == 0


def test_the_filters_open_apply_and_name_the_active_ones(voices: Page) -> None:
    opener = voices.get_by_role("button", name="Filters")
    status = voices.get_by_role("group", name="Status", exact=True)
    expect(voices.get_by_label("Name or provider ID")).to_be_hidden()

    opener.click()
    status.locator("summary").click()
    status.get_by_role("checkbox", name="Failed").check()
    voices.get_by_label("Sort order").select_option(label="By name")
    voices.get_by_role("button", name="Apply filters").click()

    expect(voices.get_by_role("status")).to_contain_text("failed voices, by name.")
    expect(opener).to_have_text("Filters: Failed")
    expect(voices.get_by_label("Name or provider ID")).to_be_hidden()
    assert "status=failed" in voices.url
    assert "sort=name" in voices.url


def test_escape_closes_the_menu_first_and_then_the_filters(voices: Page) -> None:
    search = voices.get_by_label("Name or provider ID")
    language = voices.get_by_role("group", name="Language", exact=True)

    voices.get_by_role("button", name="Filters").press("Enter")
    expect(search).to_be_visible()
    language.locator("summary").press("Enter")
    expect(language.get_by_role("checkbox").first).to_be_visible()
    voices.keyboard.press("Escape")
    expect(language.get_by_role("checkbox").first).to_be_hidden()
    expect(search).to_be_visible()
    voices.keyboard.press("Escape")
    expect(search).to_be_hidden()
    expect(voices.get_by_role("button", name="Filters")).to_be_focused()


@pytest.mark.parametrize("height", [844, 480])
def test_every_filter_is_reachable_with_a_long_menu(visit: Visit, oversized_server: str, height: int) -> None:
    page = visit(oversized_server + "/assistants/900/voices", width=320, height=height)
    page.get_by_role("button", name="Filters").click()
    language = page.get_by_role("group", name="Language", exact=True)

    language.locator("summary").click()
    last = language.get_by_role("checkbox").last
    last.check()
    expect(last).to_be_in_viewport()
    page.get_by_role("button", name="Apply filters").click()

    expect(page.get_by_role("status")).to_contain_text(", in lll")


@pytest.mark.parametrize("path", ["/triage", "/clean-up", "/activity", "/assistants/31/voices"])
@pytest.mark.parametrize("width", [320, 390, 800])
def test_filters_do_not_overlap(visit: Visit, live_server: str, path: str, width: int) -> None:
    page = visit(live_server + path, width=width)
    page.get_by_role("button", name="Filters").click()

    boxes = page.locator("#filters :is(.control, input[type=search], .button)").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect().toJSON())"
    )

    shown = [box for box in boxes if box["width"]]
    assert len(shown) > 1
    for number, one in enumerate(shown):
        assert one["left"] >= 0
        assert one["right"] <= width
        for other in shown[:number]:
            is_beside = one["left"] >= other["right"] or other["left"] >= one["right"]
            assert is_beside or one["top"] >= other["bottom"] or other["top"] >= one["bottom"]


def test_the_filters_are_open_if_one_is_invalid(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/assistants/31/voices?status=nope", **PHONE)

    expect(page.get_by_text("is not a status. Choose from the list.").last).to_be_visible()
    expect(page.get_by_role("group", name="Status", exact=True).locator("summary")).to_be_visible()


def test_the_selected_tab_is_visible(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/assistants/31/voices?status=archived", width=320)

    expect(page.get_by_role("navigation", name="Status").get_by_role("link", name="Archived")).to_be_in_viewport(
        ratio=1
    )
