"""Clean-up plans in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Serve, Visit
from tests.conftest import NOW, SHELL
from voiceadmin.sample.actions import add_sample


@pytest.fixture
def server(serve: Serve) -> str:
    """The address of a server with the sample data that these tests may change."""
    return serve(lambda: add_sample(NOW, by=SHELL, now=NOW))


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_hundred_unused_voices_are_archived_and_restored(visit: Visit, server: str, script: bool) -> None:
    page = visit(server + "/assistants", fresh=True, script=script)
    page.get_by_role("link", name="Clean-up").click()
    expect(page.get_by_text("Used by an assistant, active or not")).to_be_visible()

    expect(page.get_by_label("Number of voices")).to_have_value("100")
    page.get_by_role("button", name="Create plan").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(": 100 voices")
    page.get_by_role("link", name="View dry run").click()
    expect(page.get_by_role("status")).to_have_text("All 100 voices would be archived now.")
    page.get_by_role("link", name="Back to the plan").click()
    page.get_by_role("link", name="Confirm and archive").click()
    expect(page.get_by_label("Type 100 to confirm")).to_be_focused()
    page.get_by_label("Type 100 to confirm").fill("10")
    page.get_by_role("button", name="Archive 100 voices").click()
    expect(page.get_by_role("alert")).to_contain_text("The plan has 100 voices: type 100.")
    page.get_by_label("Type 100 to confirm").fill("100")
    page.get_by_role("button", name="Archive 100 voices").click()

    expect(page.get_by_role("status")).to_have_text("Done: 100 archived.")
    expect(page.get_by_text("Archiving alone frees no slots.")).to_be_visible()
    voices = page.get_by_role("rowheader").get_by_role("link").all()
    addresses = [voice.get_attribute("href") for voice in voices]
    with page.expect_download() as sheet:
        page.get_by_role("link", name="CSV", exact=True).click()
    assert len(sheet.value.path().read_text("utf-8").splitlines()) == 101
    plan = page.url
    for address in addresses[:3]:
        page.goto(f"{server}{address}")
        expect(page.get_by_role("main")).to_contain_text("Archived")
        expect(page.get_by_role("main")).to_contain_text("clean-up, plan")

    page.goto(plan)
    page.get_by_role("link", name="Undo this clean-up").click()
    page.get_by_role("button", name="Undo this clean-up").click()
    expect(page.get_by_role("status")).to_have_text("Done: 100 restored.")


def used_voice(row: str) -> str:
    """The cell with the voice in the row of an assistant."""
    return row.split("\t")[2]


def test_no_voice_that_an_assistant_uses_is_archived(visit: Visit, server: str) -> None:
    assistants = visit(server + "/assistants").locator("tbody").get_by_role("row").all_inner_texts()
    page = visit(server + "/clean-up")
    page.get_by_label("Number of voices").fill("")
    page.get_by_role("button", name="Create plan").click()
    page.get_by_role("link", name="Confirm and archive").click()
    number = page.get_by_role("heading", level=1).inner_text().split()[1].replace(",", "")
    page.get_by_label(f"Type {number} to confirm").fill(number)

    page.get_by_role("button", name="Archive").click()

    expect(page.get_by_role("status")).to_have_text(f"Done: {number} archived.", timeout=60_000)
    page.goto(server + "/clean-up")
    expect(page.get_by_role("status")).to_contain_text("No voice can be archived.")
    expect(page.get_by_text("Used by an assistant, active or not")).to_be_visible()
    page.goto(server + "/assistants")
    now = page.locator("tbody").get_by_role("row").all_inner_texts()
    assert [used_voice(row) for row in now] == [used_voice(row) for row in assistants]


def test_on_a_phone_each_cell_has_the_label_of_its_column(visit: Visit, live_server: str) -> None:
    for path in ("/clean-up", "/clean-up/prices"):
        page = visit(live_server + path, width=390)
        table = page.get_by_role("table").first
        headings = table.get_by_role("columnheader").all_text_contents()
        cells = table.locator("tbody").get_by_role("row").first.locator("td")
        labels = cells.evaluate_all("(cells) => cells.map((cell) => cell.dataset.label)")
        assert labels == headings[1:]
