"""The dashboard behind real nginx proxies: at the root, below a path, and behind two of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.accounts import ROOT, fill_with_accounts
from tests.browser.conftest import Serve, Visit
from tests.browser.nginx import HEADERS, nginx
from tests.conftest import NOW
from tests.factories import PASSWORD

Proxy = Callable[..., str]
GET_ADDRESSES = "nodes => nodes.map((node) => node.getAttribute('href') ?? node.getAttribute('action'))"


@pytest.fixture(scope="module")
def server(serve: Serve) -> str:
    """The address of a server behind one proxy."""
    return serve(lambda: fill_with_accounts(NOW), proxies=1)


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """Return a function that starts nginx in front of an address."""
    with ExitStack() as running:

        def start(target: str, **options: str) -> str:
            folder = tmp_path / f"nginx{len(list(tmp_path.iterdir()))}"
            return running.enter_context(nginx(folder, target, **options))

        yield start


def test_below_a_path_a_person_signs_in_acts_and_signs_out(visit: Visit, server: str, proxy: Proxy) -> None:
    address = proxy(server, prefix="/voices")
    page = visit(f"{address}/triage?reason=failed", token="", fresh=True)

    page.get_by_label("E-mail").fill("root@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{address}/triage?reason=failed")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Acknowledge", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("cknowledged")
    for section in ("Overview", "Assistants", "Providers", "Clean-up", "Activity", "People", "API keys"):
        page.get_by_role("navigation", name="Main").get_by_role("link", name=section).click()
        expect(page).to_have_url(re.compile(re.escape(address)))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        links = page.eval_on_selector_all("[href^='/'], [action^='/']", GET_ADDRESSES)
        assert [link for link in links if not link.startswith("/voices/")] == []
    cookies = {cookie["name"]: cookie["path"] for cookie in page.context.cookies()}
    assert cookies == dict.fromkeys([f"__Secure-voiceadmin{suffix}" for suffix in ("", "-form", "-device")], "/voices")
    page.get_by_role("banner").locator("summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{address}/sign-in")


def test_below_a_path_the_json_of_a_list_is_not_sent_again(visit: Visit, server: str, proxy: Proxy) -> None:
    address = proxy(server, prefix="/voices")
    request = visit(f"{server}/assistants", token=ROOT).request

    first = request.get(f"{server}/api/v1/assistants/31/cloned-voices")
    path = f"{address}/api/v1/assistants/31/cloned-voices"
    cookie = {"Cookie": f"__Secure-voiceadmin={ROOT}"}
    again = request.get(path, headers=cookie | {"If-None-Match": first.headers["etag"]})

    assert (first.status, again.status) == (200, 304)


def test_two_proxies_pass_on_the_address_of_the_client(visit: Visit, serve: Serve, proxy: Proxy) -> None:
    server = serve(lambda: None, proxies=2)
    address = proxy(proxy(server))
    page = visit(f"{address}/sign-in", token="", fresh=True)
    page.set_extra_http_headers({"X-Forwarded-For": "198.51.100.7"})  # forged by the client
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_label("Password").fill("x")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("is not correct").or_(page.get_by_role("alert")).first.wait_for()

    activity = visit(f"{server}/activity", token=ROOT).get_by_role("main")

    expect(activity).to_contain_text("127.0.0.1")
    expect(activity).not_to_contain_text("198.51.100.7")


@pytest.mark.parametrize(
    ("forgotten", "message"),
    [
        ("X-Forwarded-Host", "Set X-Forwarded-Host in the proxy"),
        ("Host", ""),
    ],
)
def test_a_proxy_that_hides_the_host_is_named_on_the_page(
    visit: Visit, serve: Serve, proxy: Proxy, forgotten: str, message: str
) -> None:
    server = serve(lambda: fill_with_accounts(NOW), proxies=1)
    lines = [line for line in HEADERS.splitlines() if f" {forgotten} " not in line]
    lines = [line for line in lines if forgotten != "X-Forwarded-Host" or " Host " not in line]
    address = proxy(server, headers="\n".join(lines))
    page = visit(f"{address}/sign-in", token="", fresh=True)

    page.get_by_label("E-mail").fill("root@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    if message:
        expect(page.get_by_role("main")).to_contain_text(message)
    else:
        expect(page).to_have_url(f"{address}/")
