"""Actions on several voices of a list."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Serve, Visit
from tests.conftest import NOW, SHELL
from voiceadmin.sample.actions import add_sample


@pytest.fixture(scope="module")
def own_server(serve: Serve) -> str:
    """The address of a server with the sample data that these tests may change."""
    return serve(lambda: add_sample(NOW, by=SHELL, now=NOW))


def select(page: Page, *rows: int) -> None:
    for row in rows:
        page.locator("tbody").get_by_role("checkbox").nth(row).check()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("script", [True, False])
def test_three_selected_voices_are_archived_and_restored(
    visit: Visit, own_server: str, width: int, script: bool
) -> None:
    page = visit(own_server + "/assistants/31/voices?status=ready", width=width, script=script)
    bar = page.get_by_role("group", name="With selected")

    select(page, 0, 1, 3)
    expect(bar.get_by_role("button", name="Archive")).to_be_in_viewport()
    bar.get_by_role("button", name="Archive").click()

    message = page.get_by_role("main").get_by_role("status").filter(has_text="Archived 3 voices.")
    expect(message).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^Ready "))).to_contain_text("1,077")
    message.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undid the changes to 3 voices.")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^Ready "))).to_contain_text("1,080")


def test_the_number_of_selected_voices_is_shown_and_a_page_can_be_selected(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/assistants/31/voices")
    select_all, archive = (
        page.get_by_label("Select all on this page"),
        page.get_by_role("button", name="Archive", exact=True),
    )
    expect(page.get_by_text("None selected")).to_be_attached()
    expect(archive).to_be_disabled()

    select(page, 0, 2)
    expect(page.get_by_text("With 2 selected:")).to_be_visible()
    expect(archive).to_be_enabled()
    expect(select_all).to_be_checked(indeterminate=True)

    select_all.check()
    expect(page.get_by_text("With 50 selected:")).to_be_visible()
    assert page.locator("tbody input:checked").count() == 50
    select_all.uncheck()
    expect(page.get_by_text("None selected")).to_be_attached()


def test_a_click_beside_the_checkbox_selects_and_one_on_the_name_opens_the_voice(
    visit: Visit, live_server: str
) -> None:
    page = visit(live_server + "/assistants/31/voices")
    box = page.locator("tbody").get_by_role("checkbox").first
    corner = box.bounding_box()
    assert corner is not None

    page.mouse.click(corner["x"] - 8, corner["y"] - 6)
    expect(box).to_be_checked()
    name = page.locator("tbody").get_by_role("link").first.inner_text()
    page.locator("tbody").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_the_number_of_selected_voices_is_correct_after_going_back(visit: Visit, live_server: str) -> None:
    page = visit(live_server + "/assistants/31/voices")
    select(page, 0, 2)
    page.get_by_role("link", name="API and code samples").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("API and code samples")

    page.go_back()

    selected = page.locator("tbody input:checked").count()
    expect(page.locator(".selection-bar__count")).to_have_text(
        f"With {selected} selected:" if selected else "None selected"
    )


@pytest.mark.parametrize("width", [1440, 390, 320])
@pytest.mark.parametrize("menu", ["Assign", "Snooze", "Add note"])
def test_the_menus_of_the_selection_bar_are_inside_the_window(
    visit: Visit, live_server: str, width: int, menu: str
) -> None:
    page = visit(live_server + "/assistants/31/voices", width=width)
    select(page, 1)

    page.get_by_role("group", name="With selected").locator("summary").filter(has_text=menu).click()

    panel = page.locator(".dropdown__form:visible")
    expect(panel).to_be_in_viewport(ratio=1)
    expect(panel.get_by_role("button", name=menu)).to_be_in_viewport(ratio=1)
