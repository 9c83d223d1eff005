"""Two servers on one database of the benchmarks: after each kind of action, the pages of both show the same numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

from tests.benchmarks.beside_import import FORM, create_account
from tests.benchmarks.client import HOST, BadResponse
from tests.benchmarks.database import BenchmarkDatabase
from tests.benchmarks.servers import KINDS, OURS, start_server
from tests.server.agreement import list_contradictions
from tests.server.http_browser import Browser

STAMP = "finished"  # the file that `create_database` writes last


def check_agreement(database: BenchmarkDatabase, log_progress: Callable[[str], None]) -> list[str]:
    """Return the contradictions between the pages of two servers, each with the name of the action before it.

    The actions change the database; the next run creates it again.
    """
    (database.folder / STAMP).unlink(missing_ok=True)
    create_account(database)
    found, start = list[str](), time.perf_counter()
    with ExitStack() as stack:
        servers = [stack.enter_context(start_server(KINDS[OURS], database, "/healthz")) for _ in range(2)]
        first, second = (_sign_in(server.port) for server in servers)
        for name, contradictions in list_contradictions(first, second, database.environ):
            log_progress(f"{name}: {time.perf_counter() - start:.1f} s, contradictions: {len(contradictions)}")
            found += [f"After {name}: {contradiction}" for contradiction in contradictions]
            start = time.perf_counter()
    return found


def _sign_in(port: int) -> Browser:
    browser = Browser(f"http://{HOST}:{port}")
    if "Sign out" not in browser.send("/sign-in", **FORM):
        raise BadResponse("Signing in failed.")
    return browser
