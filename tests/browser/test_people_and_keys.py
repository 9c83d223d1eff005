"""People and API keys: roles, confirmation dialogs, copied secrets, and revoked access."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accounts import ADMIN, ROOT, VIEWER, fill_with_accounts
from tests.browser.conftest import Serve, Visit
from tests.browser.test_signing_in import FRONT_DESK, request_voices
from tests.conftest import NOW
from tests.factories import PASSWORD


@pytest.fixture(scope="module")
def server(serve: Serve) -> str:
    """The address of a server whose accounts and API keys these tests may change."""
    return serve(lambda: fill_with_accounts(NOW))


@pytest.mark.parametrize("path", ["/people", "/api-keys", "/activity", "/account"])
def test_on_a_phone_each_cell_has_the_label_of_its_column(visit: Visit, server: str, path: str) -> None:
    page = visit(server + path, width=390, token=ADMIN)
    table = page.get_by_role("table").first

    headings = table.locator("th[scope=col]:not(:has(.visually-hidden))").all_text_contents()
    row = table.locator("tbody").get_by_role("row").first
    labels = row.locator("td").evaluate_all(
        "(cells) => cells.map((cell) => getComputedStyle(cell, '::before').content)"
    )
    expected = [f'"{heading}"' for heading in headings[1:]]
    assert [label for label in labels if label != "none"] == expected


def test_a_removed_role_is_effective_with_the_next_request(visit: Visit, server: str) -> None:
    bao = visit(server + "/assistants", fresh=True, token=VIEWER)
    expect(bao.get_by_role("heading", level=1)).to_have_text("Assistants")
    admin = visit(server + "/people")

    admin.get_by_role("link", name="bao@acme.example", exact=True).click()
    admin.get_by_label("Role at Acme Telecom").select_option(label="No role")
    admin.get_by_role("button", name="Save role at Acme Telecom").click()
    expect(admin.get_by_role("status")).to_contain_text("bao@acme.example has no role at Acme Telecom any more")
    bao.get_by_role("link", name="Night desk").click()

    expect(bao.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_role_can_be_added(visit: Visit, server: str) -> None:
    page = visit(server + "/people")

    page.get_by_role("link", name="hiroshi@acme.example", exact=True).click()
    page.get_by_label("Another organization").select_option(label="Bluebird Books")
    page.get_by_label("Role in that organization").select_option(label="Admin")
    page.get_by_role("button", name="Add role").click()

    expect(page.get_by_role("status")).to_contain_text(
        "The role of hiroshi@acme.example at Bluebird Books is now admin"
    )
    expect(page.get_by_label("Role at Bluebird Books")).to_have_value("admin")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_an_api_key_is_revoked_only_after_confirmation(visit: Visit, server: str, script: bool) -> None:
    page = visit(server + "/api-keys/new", fresh=True, token=ROOT, script=script)
    page.get_by_label("Name").fill("Doomed")
    page.get_by_role("checkbox", name="All organizations, including future ones").check()
    page.get_by_role("button", name="Create API key").click()
    key = page.get_by_role("code").first.inner_text()
    page.get_by_role("link", name="Done").click()
    opener = page.get_by_role("button", name="Revoke the key Doomed").first
    dialog = page.get_by_role("dialog", name="Revoke “Doomed”?")

    opener.press("Enter")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    opener.press("Enter")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert request_voices(server + FRONT_DESK, key)[0] == 200
    opener.click()
    dialog.get_by_role("button", name="Revoke").click()

    expect(page.get_by_role("status")).to_have_text("The API key “Doomed” was revoked. Requests with it are refused.")
    assert request_voices(server + FRONT_DESK, key)[0] == 401


def test_a_disabled_account_cannot_sign_in(visit: Visit, server: str) -> None:
    admin = visit(server + "/people")
    admin.get_by_role("link", name="uma@acme.example", exact=True).click()

    admin.get_by_role("button", name="Disable account").click()
    dialog = admin.get_by_role("dialog", name="Disable account?")
    expect(dialog).to_contain_text("All sessions of uma@acme.example end at once")
    dialog.get_by_role("button", name="Disable account").click()
    expect(admin.get_by_role("status")).to_contain_text("The account uma@acme.example is disabled")
    uma = visit(server + "/sign-in", fresh=True, token="")
    uma.get_by_label("E-mail").fill("uma@acme.example")
    uma.get_by_label("Password").fill(PASSWORD)
    uma.get_by_role("button", name="Sign in").click()

    expect(uma.get_by_role("alert")).to_contain_text("The e-mail or the password is wrong.")


def clipboard(page: Page) -> str:
    """The text in the clipboard."""
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_a_link_and_an_api_key_are_copied_completely(visit: Visit, server: str) -> None:
    page = visit(server + "/people/invite", clipboard=True)
    page.get_by_label("E-mail").fill("friend@example.com")
    page.get_by_label("Acme Telecom").select_option("Viewer")
    page.get_by_role("button", name="Create invitation").click()

    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied", exact=True)).to_be_visible()
    assert clipboard(page) == page.get_by_role("code").inner_text()
    assert clipboard(page).startswith(server + "/links/")

    page.goto(server + "/people/invite")
    page.get_by_label("E-mail").fill("first@example.com, second@example.com")
    page.get_by_label("Acme Telecom").select_option("Viewer")
    page.get_by_role("button", name="Create invitation").click()
    page.get_by_role("button", name="Copy the link for second@example.com").click()
    second = clipboard(page)
    page.get_by_role("button", name="Copy all links").click()
    expect(page.get_by_role("button", name="Copied")).to_have_count(2)
    lines = [line.split("\t") for line in clipboard(page).splitlines()]
    assert [line[0] for line in lines] == ["first@example.com", "second@example.com"]
    assert lines[1][1] == second
    assert second.startswith(server + "/links/")

    page.goto(server + "/api-keys/new")
    page.get_by_label("Name").fill("Copied")
    page.get_by_role("checkbox", name="Acme Telecom").check()
    page.get_by_role("button", name="Create API key").click()
    page.get_by_role("button", name="Copy", exact=True).click()
    key = clipboard(page)
    assert request_voices(server + "/api/v1/assistants/31/cloned-voices?limit=1", key)[0] == 200
    page.get_by_role("button", name="Copy the example request").click()
    assert clipboard(page).startswith(f"curl -H 'Authorization: Bearer {key}' '{server}/api/v1/")
