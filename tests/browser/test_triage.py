"""The attention queue with keyboard shortcuts, with the mouse, and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Serve, Visit
from tests.browser.test_keyboard import FOCUS, VISIBLE_FOCUS
from tests.factories import DAY, make_assistant, make_organization, make_voice

COVERED = """() => {
  const { top, bottom } = document.activeElement.getBoundingClientRect();
  const bars = ["header", ".selection-bar"].map((name) => document.querySelector(name).getBoundingClientRect());
  return bars.some((bar) => bottom > bar.top + 1 && top < bar.bottom - 1);
}"""

Open = Callable[..., Page]


@pytest.fixture
def queue(serve: Serve, visit: Visit, now: datetime) -> Open:
    """Return a function that opens the queue of a new server with this number of failed voices."""

    def go(number: int, path: str = "/triage", **options: Any) -> Page:
        def fill() -> None:
            acme = make_organization("Acme")
            for one in range(number):
                make_voice(acme, name=f"Voice {one:02}", status="failed", created_at=now - (number - one) * DAY)

        return visit(serve(fill) + path, fresh=True, **options)

    return go


def row_link(page: Page, number: int) -> Locator:
    """The link in a row of the queue."""
    return page.get_by_role("rowheader").get_by_role("link", name=f"Voice {number:02}")


def press(page: Page, *keys: str) -> None:
    """Press keys. The last one must navigate to another page."""
    for key in keys[:-1]:
        page.keyboard.press(key)
    with page.expect_navigation():
        page.keyboard.press(keys[-1])


def expect_message(page: Page, text: str) -> None:
    expect(page.get_by_role("main").get_by_role("status").first).to_contain_text(text)


def voice_names(page: Page) -> list[str]:
    return page.locator("tbody").get_by_role("rowheader").get_by_role("link").all_text_contents()


def test_twenty_voices_are_processed_with_the_keyboard_only(queue: Open) -> None:
    page = queue(22)
    page.keyboard.press("j")

    for number in range(20):
        expect(row_link(page, number)).to_be_focused()
        keys, verb = [(("c",), "Acknowledged"), (("a",), "Archived"), (("z", "Enter"), "Snoozed")][number % 3]
        press(page, *keys)
        expect_message(page, f"{verb} 1 voice.")

    expect(row_link(page, 20)).to_be_focused()
    assert voice_names(page) == ["Voice 20", "Voice 21"]


def test_keys_move_the_focus_select_rows_and_act_on_the_selection(queue: Open) -> None:
    page = queue(6)

    for key in ("j", "j", "x", "j", "j", "x", "k"):
        page.keyboard.press(key)
    expect(row_link(page, 2)).to_be_focused()
    expect(page.get_by_text("With 2 selected:")).to_be_visible()
    press(page, "a")

    expect_message(page, "Archived 2 voices.")
    assert voice_names(page) == ["Voice 00", "Voice 02", "Voice 04", "Voice 05"]
    expect(row_link(page, 4)).to_be_focused()
    press(page, "s")
    expect_message(page, "Assigned 1 voice.")
    expect(row_link(page, 5)).to_be_focused()
    expect(page.get_by_role("row", name="Voice 04")).to_contain_text("root@example.com")


def test_the_focus_moves_to_the_previous_row_after_the_last_one(queue: Open) -> None:
    page = queue(2)

    press(page, "j", "j", "c")
    expect(row_link(page, 0)).to_be_focused()
    press(page, "c")

    expect(page.get_by_text("Everything is in order.")).to_be_visible()


def test_the_undo_key_keeps_the_focus_in_its_row(queue: Open) -> None:
    page = queue(4)

    press(page, "j", "j", "a")
    expect(row_link(page, 2)).to_be_focused()
    press(page, "u")

    expect_message(page, "Undid the changes to 1 voice.")
    assert voice_names(page) == [f"Voice {number:02}" for number in range(4)]
    expect(row_link(page, 2)).to_be_focused()


def test_a_button_in_a_row_moves_the_focus_to_the_next_row(queue: Open) -> None:
    page = queue(3)

    page.get_by_role("button", name="Acknowledge Voice 00").click()

    expect_message(page, "Acknowledged 1 voice.")
    expect(row_link(page, 1)).to_be_focused()


def test_keys_in_a_text_field_are_text_and_enter_submits(queue: Open) -> None:
    page = queue(3)

    page.keyboard.press("j")
    page.keyboard.press("n")
    page.keyboard.type("jkxaszu?c")
    expect(page.get_by_label("Note")).to_have_value("jkxaszu?c")
    press(page, "Enter")

    expect_message(page, "Added a note to 1 voice.")
    expect(row_link(page, 1)).to_be_focused()


@pytest.mark.parametrize("key", ["z", "n"])
def test_escape_closes_a_menu_and_clears_its_selection(queue: Open, key: str) -> None:
    page = queue(3)
    page.keyboard.press("j")

    page.keyboard.press(key)
    expect(page.locator(".dropdown__form:visible")).to_have_count(1)
    page.keyboard.press("Escape")

    expect(page.locator(".dropdown__form:visible")).to_have_count(0)
    expect(row_link(page, 0)).to_be_focused()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(0)


def test_a_key_that_is_held_down_acts_once(queue: Open) -> None:
    page = queue(4)
    page.keyboard.press("j")

    with page.expect_navigation():
        page.keyboard.down("c")
    expect(row_link(page, 1)).to_be_focused()
    page.keyboard.down("c")
    page.keyboard.up("c")
    page.keyboard.press("j")

    expect(row_link(page, 2)).to_be_focused()
    assert len(voice_names(page)) == 3


def test_keys_with_modifiers_are_ignored(queue: Open) -> None:
    page = queue(2)
    page.keyboard.press("j")

    for keys in ("Control+c", "Alt+c", "Control+x", "Shift+C"):
        page.keyboard.press(keys)

    expect(row_link(page, 0)).to_be_focused()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(0)


def test_single_key_shortcuts_can_be_disabled_permanently(queue: Open) -> None:
    page = queue(3)
    dialog, switch = page.get_by_role("dialog"), page.get_by_label("Use single-key shortcuts on this page")

    page.keyboard.press("?")
    expect(dialog).to_be_visible()
    switch.uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    for _ in range(2):
        page.get_by_role("checkbox", name="Voice 00").focus()
        for key in ("j", "x", "c", "a", "s", "z", "n", "u", "?"):
            page.keyboard.press(key)
        expect(page.get_by_role("checkbox", name="Voice 00")).to_be_focused()
        expect(dialog).to_be_hidden()
        assert len(voice_names(page)) == 3
        page.reload()

    page.get_by_role("button", name="Keyboard shortcuts").click()
    switch.check()
    page.get_by_role("button", name="Close").click()
    press(page, "j", "c")
    expect_message(page, "Acknowledged 1 voice.")


def test_the_focus_returns_to_the_same_row_after_going_back(queue: Open) -> None:
    page = queue(9)

    press(page, *"jjjjj", "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Voice 04")
    page.go_back()

    expect(row_link(page, 4)).to_be_focused()


@pytest.mark.parametrize("width", [1440, 1000, 390])
def test_sticky_bars_do_not_cover_the_focused_row(queue: Open, width: int) -> None:
    page = queue(26, "/triage?size=25", width=width, height=700)

    for key in "j" * 25 + "k" * 25:
        page.keyboard.press(key)
        page.keyboard.press("x")
        assert not page.evaluate(COVERED)
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        assert stop == stop | VISIBLE_FOCUS


def test_the_archive_key_is_refused_for_an_assistant_with_a_link_back(serve: Serve, visit: Visit) -> None:
    def fill() -> None:
        acme = make_organization("Acme")
        make_voice(acme, status="archived", provider_voice_id="a")
        make_assistant(acme, name="Front desk", tts_provider="elevenlabs", tts_voice_id="a")

    page = visit(serve(fill) + "/triage", fresh=True)

    press(page, "j", "a")
    expect(page.get_by_role("alert")).to_contain_text("Only voices can be archived and restored.")
    page.get_by_role("link", name="Back to the list").click()

    expect(page.get_by_role("rowheader").get_by_role("link", name="Front desk")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_every_action_has_a_button_without_javascript(queue: Open, width: int) -> None:
    page = queue(5, script=False, width=width)
    expect(page.get_by_role("button", name="Keyboard shortcuts")).to_be_hidden()

    page.get_by_role("button", name="Archive Voice 00").click()
    expect_message(page, "Archived 1 voice.")
    page.get_by_role("button", name="Undo").click()
    expect_message(page, "Undid the changes to 1 voice.")
    assert len(voice_names(page)) == 5

    for number in (1, 2):
        page.get_by_role("checkbox", name=f"Voice {number:02}").check()
    page.locator("summary").filter(has_text="Snooze").click()
    page.get_by_label("Snooze until").fill("2026-12-24")
    page.get_by_role("button", name="Snooze", exact=True).click()
    expect_message(page, "Snoozed 2 voices.")

    page.get_by_role("link", name="Select all matching").click()
    page.get_by_role("button", name="Acknowledge").click()
    expect_message(page, "Acknowledged 3 voices.")
    expect(page.get_by_text("Everything is in order.")).to_be_visible()
