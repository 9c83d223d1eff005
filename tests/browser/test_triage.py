"""The queue worked through by keys, with the mouse, and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Serve, Visit
from tests.browser.test_keyboard import FOCUS, SEEN
from tests.factories import DAY, make_assistant, make_organization, make_voice

COVERED = """() => {
  const { top, bottom } = document.activeElement.getBoundingClientRect();
  const bars = ["header", ".selection-bar"].map((name) => document.querySelector(name).getBoundingClientRect());
  return bars.some((bar) => bottom > bar.top + 1 && top < bar.bottom - 1);
}"""

Open = Callable[..., Page]


@pytest.fixture
def queue(serve: Serve, visit: Visit, now: datetime) -> Open:
    """Open the queue of a new server, in which that many voices failed, one after the other."""

    def go(number: int, path: str = "/triage", **options: Any) -> Page:
        def fill() -> None:
            acme = make_organization("Acme")
            for one in range(number):
                make_voice(acme, name=f"Voice {one:02}", status="failed", created_at=now - (number - one) * DAY)

        return visit(serve(fill) + path, fresh=True, **options)

    return go


def line(page: Page, number: int) -> Locator:
    """The link of a line."""
    return page.get_by_role("rowheader").get_by_role("link", name=f"Voice {number:02}")


def press(page: Page, *keys: str) -> None:
    """Press keys of which the last one leads to another page."""
    for key in keys[:-1]:
        page.keyboard.press(key)
    with page.expect_navigation():
        page.keyboard.press(keys[-1])


def says(page: Page, text: str) -> None:
    expect(page.get_by_role("main").get_by_role("status").first).to_contain_text(text)


def names(page: Page) -> list[str]:
    return page.locator("tbody").get_by_role("rowheader").get_by_role("link").all_text_contents()


def test_twenty_voices_are_done_by_keys_alone(queue: Open) -> None:
    page = queue(22)
    page.keyboard.press("j")

    for number in range(20):
        expect(line(page, number)).to_be_focused()
        keys, done = [(("c",), "Acknowledged"), (("a",), "Archived"), (("z", "Enter"), "Snoozed")][number % 3]
        press(page, *keys)
        says(page, f"{done} 1 voice.")

    expect(line(page, 20)).to_be_focused()
    assert names(page) == ["Voice 20", "Voice 21"]


def test_keys_move_tick_and_act_on_all_that_is_ticked(queue: Open) -> None:
    page = queue(6)

    for key in ("j", "j", "x", "j", "j", "x", "k"):
        page.keyboard.press(key)
    expect(line(page, 2)).to_be_focused()
    expect(page.get_by_text("With 2 selected:")).to_be_visible()
    press(page, "a")

    says(page, "Archived 2 voices.")
    assert names(page) == ["Voice 00", "Voice 02", "Voice 04", "Voice 05"]
    expect(line(page, 4)).to_be_focused()
    press(page, "s")
    says(page, "Assigned 1 voice.")
    expect(line(page, 5)).to_be_focused()
    expect(page.get_by_role("row", name="Voice 04")).to_contain_text("root@example.com")


def test_after_the_last_line_comes_the_one_before_it_and_then_none(queue: Open) -> None:
    page = queue(2)

    press(page, "j", "j", "c")
    expect(line(page, 0)).to_be_focused()
    press(page, "c")

    expect(page.get_by_text("Everything is in order.")).to_be_visible()


def test_undo_is_a_key_too_and_stays_at_its_line(queue: Open) -> None:
    page = queue(4)

    press(page, "j", "j", "a")
    expect(line(page, 2)).to_be_focused()
    press(page, "u")

    says(page, "Undone for 1 voice.")
    assert names(page) == [f"Voice {number:02}" for number in range(4)]
    expect(line(page, 2)).to_be_focused()


def test_the_buttons_of_a_line_lead_on_too(queue: Open) -> None:
    page = queue(3)

    page.get_by_role("button", name="Acknowledge Voice 00").click()

    says(page, "Acknowledged 1 voice.")
    expect(line(page, 1)).to_be_focused()


def test_what_is_typed_is_text_and_enter_sends_it(queue: Open) -> None:
    page = queue(3)

    page.keyboard.press("j")
    page.keyboard.press("n")
    page.keyboard.type("jkxaszu?c")
    expect(page.get_by_label("Note")).to_have_value("jkxaszu?c")
    press(page, "Enter")

    says(page, "Added a note to 1 voice.")
    expect(line(page, 1)).to_be_focused()


@pytest.mark.parametrize("key", ["z", "n"])
def test_escape_leaves_a_menu_and_nothing_stays_ticked_for_it(queue: Open, key: str) -> None:
    page = queue(3)
    page.keyboard.press("j")

    page.keyboard.press(key)
    expect(page.locator(".dropdown__form:visible")).to_have_count(1)
    page.keyboard.press("Escape")

    expect(page.locator(".dropdown__form:visible")).to_have_count(0)
    expect(line(page, 0)).to_be_focused()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(0)


def test_a_key_that_is_held_down_acts_once(queue: Open) -> None:
    page = queue(4)
    page.keyboard.press("j")

    with page.expect_navigation():
        page.keyboard.down("c")
    expect(line(page, 1)).to_be_focused()
    page.keyboard.down("c")
    page.keyboard.up("c")
    page.keyboard.press("j")

    expect(line(page, 2)).to_be_focused()
    assert len(names(page)) == 3


def test_a_key_with_another_is_the_browsers(queue: Open) -> None:
    page = queue(2)
    page.keyboard.press("j")

    for keys in ("Control+c", "Alt+c", "Control+x", "Shift+C"):
        page.keyboard.press(keys)

    expect(line(page, 0)).to_be_focused()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(0)


def test_single_keys_can_be_switched_off_for_good(queue: Open) -> None:
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
        assert len(names(page)) == 3
        page.reload()

    page.get_by_role("button", name="Keyboard shortcuts").click()
    switch.check()
    page.get_by_role("button", name="Close").click()
    press(page, "j", "c")
    says(page, "Acknowledged 1 voice.")


def test_whoever_opens_a_line_and_comes_back_is_where_they_were(queue: Open) -> None:
    page = queue(9)

    press(page, *"jjjjj", "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Voice 04")
    page.go_back()

    expect(line(page, 4)).to_be_focused()


@pytest.mark.parametrize("width", [1440, 1000, 390])
def test_nothing_that_sticks_covers_the_line_where_the_focus_is(queue: Open, width: int) -> None:
    page = queue(26, "/triage?size=25", width=width, height=700)

    for key in "j" * 25 + "k" * 25:
        page.keyboard.press(key)
        page.keyboard.press("x")
        assert not page.evaluate(COVERED)
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        assert stop == stop | SEEN


def test_an_assistant_is_not_archived_by_a_key_and_one_gets_back(serve: Serve, visit: Visit) -> None:
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
def test_without_a_script_every_act_has_its_button(queue: Open, width: int) -> None:
    page = queue(5, script=False, width=width)
    expect(page.get_by_role("button", name="Keyboard shortcuts")).to_be_hidden()

    page.get_by_role("button", name="Archive Voice 00").click()
    says(page, "Archived 1 voice.")
    page.get_by_role("button", name="Undo").click()
    says(page, "Undone for 1 voice.")
    assert len(names(page)) == 5

    for number in (1, 2):
        page.get_by_role("checkbox", name=f"Voice {number:02}").check()
    page.locator("summary").filter(has_text="Snooze").click()
    page.get_by_label("Snooze until").fill("2026-12-24")
    page.get_by_role("button", name="Snooze", exact=True).click()
    says(page, "Snoozed 2 voices.")

    page.get_by_role("link", name="Select all matching").click()
    page.get_by_role("button", name="Acknowledge").click()
    says(page, "Acknowledged 3 voices.")
    expect(page.get_by_text("Everything is in order.")).to_be_visible()
