"""Buttons that copy to the clipboard."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit


def visit_allowed(visit: Visit, address: str) -> Page:
    """Visit a page with access to the clipboard."""
    return visit(address, clipboard=True)


def clipboard(page: Page) -> str:
    """The text in the clipboard."""
    return str(page.evaluate("navigator.clipboard.readText()"))


@pytest.mark.parametrize(("name", "start"), [("curl", "curl -H"), ("Python", "import json"), ("Node", "// Save as")])
def test_each_code_sample_is_copied_completely(visit: Visit, live_server: str, name: str, start: str) -> None:
    page = visit_allowed(visit, live_server + "/assistants/123/voices")
    page.get_by_role("link", name="API and code samples").click()

    page.get_by_role("button", name=f"Copy {name}", exact=True).click()

    expect(page.get_by_role("button", name=f"Copied {name}", exact=True)).to_be_visible()
    text = clipboard(page)
    assert text.startswith(start)
    assert text in page.locator("pre").all_text_contents()


def test_the_provider_voice_id_and_the_json_are_copied(visit: Visit, live_server: str) -> None:
    page = visit_allowed(visit, live_server + "/voices/456")

    page.get_by_role("button", name="Copy provider ID").click()
    expect(page.get_by_role("button", name="Copied provider ID")).to_be_visible()
    assert clipboard(page) == "voice_abc123xyz"
    page.get_by_text("View as JSON").click()
    page.get_by_role("button", name="Copy JSON").click()
    expect(page.get_by_role("button", name="Copied JSON")).to_be_visible()
    assert json.loads(clipboard(page))["id"] == 456
    expect(page.get_by_role("button", name="Copy JSON")).to_be_visible()  # the label is reset after two seconds
