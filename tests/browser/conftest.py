"""The browser, and the servers that it visits: with sample data, many accounts, no data, or oversized data.

A platform admin has a session with the same token on each server; see `tests/browser/accounts.py`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import text
from werkzeug.serving import make_server

from tests.browser.accounts import (
    ROOT,
    SETUP,
    create_known_api_key,
    create_session_with_token,
    fill_with_accounts,
    set_newest_link_token,
)
from tests.browser.oversized_data import fill_with_oversized_data
from tests.browser.page_monitor import PageMonitor
from tests.conftest import NOW, SHELL
from tests.factories import make_account, make_organization, make_voice
from tests.history.scenario import add_days
from voiceadmin import create_app
from voiceadmin.accounts.actions.links import create_setup_link
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import Role
from voiceadmin.organizations.queries import MAX_LISTED
from voiceadmin.sample.actions import add_sample
from voiceadmin.web.access import cookie_name

HERE = Path(__file__).resolve().parent
BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome-stable", "google-chrome")

Serve = Callable[..., str]
TIMEOUT = 10_000  # milliseconds; a busy machine is slow

DEFAULT_MEDIA: dict[str, Any] = dict.fromkeys(("media", "color_scheme", "reduced_motion", "forced_colors"), "null")

Visit = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and skip them if there is no browser, except on a build server."""
    missing = system_chromium() is None and not os.environ.get("CI")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if missing:
                item.add_marker(pytest.mark.skip(reason="no browser; name one in VOICEADMIN_CHROMIUM"))


def system_chromium() -> str | None:
    """The browser named by VOICEADMIN_CHROMIUM, else one on the PATH that is not a snap: snaps cannot access /tmp."""
    if named := os.environ.get("VOICEADMIN_CHROMIUM"):
        return named
    found = (shutil.which(name) for name in BROWSERS)
    return next((path for path in found if path and not os.path.realpath(path).startswith("/snap/")), None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the installed browser."""
    path = system_chromium()
    return browser_type_launch_args | ({"executable_path": path} if path else {})


@pytest.fixture(autouse=True)
def fixed_time(now: datetime) -> datetime:
    """The time at which the clock of tests and servers stands still."""
    return now


@pytest.fixture(scope="session")
def serve(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Return a function that starts a server with its own database, which a function fills in the application context.

    root: whether there is a platform admin with a session. settings: those that differ from the defaults.
    """
    with ExitStack() as running:

        def start(fill: Callable[[], object], *, root: bool = True, **settings: Any) -> str:
            def fill_all() -> None:
                fill()
                if root:
                    create_session_with_token(make_account("root@example.com", platform=True), ROOT, NOW)

            server_settings = Settings(instance=tmp_path_factory.mktemp("site"), **settings)
            return running.enter_context(_serving(sqlite_template, server_settings, fill_all))

        yield start


@contextmanager
def _serving(template: Path, settings: Settings, fill: Callable[[], object]) -> Iterator[str]:
    shutil.copy(template, settings.instance / "voiceadmin.sqlite")
    app = create_app(settings)
    with app.app_context():
        fill()
        dispose_engine()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    with app.app_context():
        dispose_engine()


@pytest.fixture(scope="session")
def live_server(serve: Serve) -> str:
    """The address of a server with the sample data and an API key."""

    def fill() -> None:
        add_sample(NOW, by=SHELL, now=NOW)
        add_days(458, [(number, number * 40_000_000) for number in range(200, 265)])
        create_known_api_key(NOW)

    return serve(fill)


@pytest.fixture(scope="session")
def empty_server(serve: Serve) -> str:
    """The address of a server without data except its platform admin."""
    return serve(lambda: None)


@pytest.fixture(scope="session")
def new_server(serve: Serve) -> str:
    """The address of a server without accounts, with a set-up link."""

    def fill() -> None:
        create_setup_link(by=SHELL, now=NOW)
        set_newest_link_token(SETUP)

    return serve(fill, root=False)


@pytest.fixture(scope="session")
def open_server(serve: Serve) -> str:
    """The address of a server behind a proxy, on which anonymous requesters are viewers."""
    return serve(
        lambda: add_sample(NOW, by=SHELL, now=NOW),
        anonymous_role=Role.VIEWER,
        proxies=1,
        hosts=("127.0.0.1", "voices.example.com"),
    )


@pytest.fixture(scope="session")
def populated_server(serve: Serve) -> str:
    """The address of a server with the accounts, API keys and audit events of a company; see accounts.py."""
    return serve(lambda: fill_with_accounts(NOW))


@pytest.fixture(scope="session")
def oversized_server(serve: Serve) -> str:
    """The address of a server with texts and numbers of maximum size; see oversized_data.py."""
    return serve(lambda: fill_with_oversized_data(NOW))


@pytest.fixture(scope="session")
def crowded_server(serve: Serve) -> str:
    """The address of a server with more organizations than a select box lists."""

    def fill() -> None:
        for number in range(MAX_LISTED + 1):
            make_voice(make_organization(f"Customer {number}"), status="failed", created_at=NOW)

    return serve(fill)


@pytest.fixture(scope="session")
def broken_server(serve: Serve) -> str:
    """The address of a server whose database lacks a table."""

    def drop_table() -> None:
        with write_transaction():
            db.session.execute(text("DROP TABLE assistant"))

    return serve(drop_table)


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """The addresses of all servers by name."""
    fixtures = {
        name: f"{name}_server" for name in ("empty", "new", "open", "populated", "oversized", "crowded", "broken")
    }
    return {name: request.getfixturevalue(fixture) for name, fixture in ({"sample": "live_server"} | fixtures).items()}


@pytest.fixture(scope="session")
def shared_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A page that tests with the same context options share: a new context takes six times as long as a visit."""
    with ExitStack() as stack:
        yield cache(lambda **options: stack.enter_context(browser.new_context(**options)).new_page())


def cookie(token: str) -> Any:
    """The cookie of a session. Cookies ignore ports, so it is sent to every server of these tests."""
    return {
        "name": cookie_name(Settings()),
        "value": token,
        "domain": "127.0.0.1",
        "path": "/",
        "secure": True,
        "httpOnly": True,
        "sameSite": "Lax",
    }


@pytest.fixture
def visit(shared_page: Callable[..., Page], new_context: Callable[..., BrowserContext]) -> Iterator[Visit]:
    """Return a function that opens an address. Console messages, errors and external requests fail the test.

    token: of the session; "" for none. width, height: of the window. script:
    whether JavaScript is enabled. clipboard: whether the page may use it. fresh:
    whether to use a new context. media: the arguments of `Page.emulate_media`.
    """
    with ExitStack() as stack:
        monitors: list[PageMonitor] = []

        def go(
            address: str,
            *,
            token: str = ROOT,
            width: int = 1440,
            height: int = 900,
            script: bool = True,
            clipboard: bool = False,
            fresh: bool = False,
            **media: Any,
        ) -> Page:
            options: dict[str, Any] = {"java_script_enabled": script}
            if clipboard:
                options["permissions"] = ("clipboard-read", "clipboard-write")
            page = new_context(**options).new_page() if fresh else shared_page(**options)
            page.set_default_timeout(TIMEOUT)
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(**(DEFAULT_MEDIA | media))
            page.context.clear_cookies()
            if token:
                page.context.add_cookies([cookie(token)])
            monitors.append(stack.enter_context(PageMonitor(page)))
            page.goto(address)
            return page

        yield go
        for page in {monitor.page for monitor in monitors}:
            page.goto("about:blank")
    for monitor in monitors:
        monitor.check()
