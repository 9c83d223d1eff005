"""A real browser, and servers for it to look at: with the sample data, with many people, with nothing, with too much.

On each of them an admin of the platform is signed in with the same cookie; see `tests/browser/crowd.py`.
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

from tests.browser.crowd import ROOT, SETUP, choose_token, fill_crowd, let_in, let_program_in
from tests.browser.excess import fill_excess
from tests.browser.watching import Watch
from tests.conftest import NOW, SHELL
from tests.factories import make_account
from voiceadmin import create_app
from voiceadmin.accounts.actions.links import create_setup_link
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import Role
from voiceadmin.sample.actions import add_sample
from voiceadmin.web.access import cookie_name

HERE = Path(__file__).resolve().parent
BROWSERS = ("chromium", "google-chrome-stable", "google-chrome")

Serve = Callable[..., str]
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
    """Start a server over a store of its own, filled by a function that is called in the app's context.

    root: whether there is an admin of the platform, who is signed in. settings: those that are not the default.
    """
    with ExitStack() as running:

        def start(fill: Callable[[], object], *, root: bool = True, **settings: Any) -> str:
            def fill_all() -> None:
                fill()
                if root:
                    let_in(make_account("root@example.com", platform=True), ROOT, NOW)

            of_store = Settings(instance=tmp_path_factory.mktemp("site"), **settings)
            return running.enter_context(_serving(sqlite_template, of_store, fill_all))

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
    """The address of a server with the sample data, and with an API key."""

    def fill() -> None:
        add_sample(NOW, by=SHELL, now=NOW)
        let_program_in(NOW)

    return serve(fill)


@pytest.fixture(scope="session")
def bare_server(serve: Serve) -> str:
    """The address of a server whose store has nothing in it but its admin."""
    return serve(lambda: None)


@pytest.fixture(scope="session")
def new_server(serve: Serve) -> str:
    """The address of a server that nobody has an account on."""

    def offer() -> None:
        create_setup_link(by=SHELL, now=NOW)
        choose_token(SETUP)

    return serve(offer, root=False)


@pytest.fixture(scope="session")
def open_server(serve: Serve) -> str:
    """The address of a server on which everybody may look, signed in or not, behind a proxy."""
    return serve(
        lambda: add_sample(NOW, by=SHELL, now=NOW),
        anonymous_role=Role.VIEWER,
        proxies=1,
        hosts=("127.0.0.1", "voices.example.com"),
    )


@pytest.fixture(scope="session")
def crowd_server(serve: Serve) -> str:
    """The address of a server with as many people, keys and doings as a company has; see tests/browser/crowd.py."""
    return serve(lambda: fill_crowd(NOW))


@pytest.fixture(scope="session")
def excess_server(serve: Serve) -> str:
    """The address of a server with more of everything than anybody has; see tests/browser/excess.py."""
    return serve(lambda: fill_excess(NOW))


@pytest.fixture(scope="session")
def broken_server(serve: Serve) -> str:
    """The address of a server whose store lacks a table."""

    def spoil() -> None:
        with write_transaction():
            db.session.execute(text("DROP TABLE assistant"))

    return serve(spoil)


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """The addresses of all of them."""
    fixtures = {name: f"{name}_server" for name in ("bare", "new", "open", "crowd", "excess", "broken")}
    return {name: request.getfixturevalue(fixture) for name, fixture in ({"sample": "live_server"} | fixtures).items()}


@pytest.fixture(scope="session")
def shared_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """One page for all tests whose contexts have the same options: a new context costs six times a visit."""
    with ExitStack() as stack:
        yield cache(lambda **options: stack.enter_context(browser.new_context(**options)).new_page())


def cookie(token: str) -> Any:
    """The cookie of a session. Cookies know no ports, so it goes to every server here."""
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
    """Open an address and watch the page: whatever it logs, throws, or asks of others fails the test.

    token: of the session that the browser comes with; "" is none. width,
    height: of the window. script: whether JavaScript is on. clipboard: whether
    the page may use it. fresh: with nothing kept from other visits. media: as
    `Page.emulate_media` has it.
    """
    with ExitStack() as watching:
        watches: list[Watch] = []

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
            page.set_default_timeout(PATIENCE)
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(**(UNMOVED | media))
            page.context.clear_cookies()
            if token:
                page.context.add_cookies([cookie(token)])
            watches.append(watching.enter_context(Watch(page)))
            page.goto(address)
            return page

        yield go
        for page in {watch.page for watch in watches}:
            page.goto("about:blank")
    for watch in watches:
        watch.check()
