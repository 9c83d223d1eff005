"""A real browser, and servers for it to look at: one with the sample data, one without anything, one with too much."""

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

from tests.browser.excess import fill_excess
from tests.browser.watching import Watch
from tests.conftest import NOW
from voiceadmin import create_app
from voiceadmin.actions.sample import fill_sample
from voiceadmin.actions.store import let_go
from voiceadmin.config import Settings
from voiceadmin.db import db, writing

HERE = Path(__file__).resolve().parent
BROWSERS = ("chromium", "google-chrome-stable", "google-chrome")

Serve = Callable[[Callable[[], object]], str]
PATIENCE = 10_000  # milliseconds; on a busy machine a click may take a while

UNMOVED: dict[str, Any] = dict.fromkeys(("media", "color_scheme", "reduced_motion", "forced_colors"), "null")

Visit = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies in this folder; where there is no browser, leave it out, but never on a build server."""
    missing = system_chromium() is None and not os.environ.get("CI")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if missing:
                item.add_marker(pytest.mark.skip(reason="no browser; name one in VOICEADMIN_CHROMIUM"))


def system_chromium() -> str | None:
    """The browser named by VOICEADMIN_CHROMIUM, else one on the PATH that is not a snap: a snap cannot see /tmp."""
    if named := os.environ.get("VOICEADMIN_CHROMIUM"):
        return named
    found = (shutil.which(name) for name in BROWSERS)
    return next((path for path in found if path and not os.path.realpath(path).startswith("/snap/")), None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Start the machine's own browser."""
    path = system_chromium()
    return browser_type_launch_args | ({"executable_path": path} if path else {})


@pytest.fixture(autouse=True)
def still(now: datetime) -> datetime:
    """The clock stands still, for the servers too."""
    return now


@pytest.fixture(scope="session")
def serve(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start a server over a store of its own, filled by a function that is called in the app's context."""
    with ExitStack() as running:

        def start(fill: Callable[[], object]) -> str:
            return running.enter_context(_serving(sqlite_template, tmp_path_factory.mktemp("site"), fill))

        yield start


@contextmanager
def _serving(template: Path, folder: Path, fill: Callable[[], object]) -> Iterator[str]:
    shutil.copy(template, folder / "voiceadmin.sqlite")
    app = create_app(Settings(instance=folder))
    with app.app_context():
        fill()
        let_go()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    with app.app_context():
        let_go()


@pytest.fixture(scope="session")
def live_server(serve: Serve) -> str:
    """The address of a server with the sample data."""
    return serve(lambda: fill_sample(NOW))


@pytest.fixture(scope="session")
def bare_server(serve: Serve) -> str:
    """The address of a server whose store has nothing in it."""
    return serve(lambda: None)


@pytest.fixture(scope="session")
def excess_server(serve: Serve) -> str:
    """The address of a server with more of everything than anybody has; see tests/browser/excess.py."""
    return serve(lambda: fill_excess(NOW))


@pytest.fixture(scope="session")
def broken_server(serve: Serve) -> str:
    """The address of a server whose store lacks a table."""

    def spoil() -> None:
        with writing():
            db.session.execute(text("DROP TABLE assistant"))

    return serve(spoil)


@pytest.fixture(scope="session")
def servers(live_server: str, bare_server: str, excess_server: str, broken_server: str) -> Mapping[str, str]:
    """The addresses of all of them."""
    return {"sample": live_server, "bare": bare_server, "excess": excess_server, "broken": broken_server}


@pytest.fixture(scope="session")
def shared_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """One page for all tests whose contexts have the same options: a new context costs six times a visit."""
    with ExitStack() as stack:
        yield cache(lambda **options: stack.enter_context(browser.new_context(**options)).new_page())


@pytest.fixture
def visit(shared_page: Callable[..., Page], new_context: Callable[..., BrowserContext]) -> Iterator[Visit]:
    """Open an address and watch the page: whatever it logs, throws, or asks of others fails the test.

    width, height: of the window. script: whether JavaScript is on. clipboard:
    whether the page may use it. fresh: with nothing kept from other visits.
    media: as `Page.emulate_media` has it.
    """
    with ExitStack() as watching:
        watches: list[Watch] = []

        def go(
            address: str,
            *,
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
            page.set_default_timeout(PATIENCE)
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(**(UNMOVED | media))
            watches.append(watching.enter_context(Watch(page)))
            page.goto(address)
            return page

        yield go
        for page in {watch.page for watch in watches}:
            page.goto("about:blank")
    for watch in watches:
        watch.check()
