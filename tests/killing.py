"""Run a script in a process, and kill it at a chosen moment."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

from sqlalchemy import text

from voiceadmin.config import Settings
from voiceadmin.database.base import db

ROOT = Path(__file__).resolve().parents[1]
HERE = {name: value for name, value in os.environ.items() if not name.startswith("VOICEADMIN_")} | {
    "PYTHONPATH": str(ROOT)
}
FORKS = multiprocessing.get_context("forkserver")  # its server has imported the program once, which takes a second
FORKS.set_forkserver_preload(["voiceadmin", "tests.killing"])

# PostgreSQL finishes a statement before it notices that the client is gone.
COUNT_ACTIVE_BACKENDS = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
    AND state <> 'idle' AND pid <> pg_backend_pid()"""


def run_and_kill(script: str, settings: Settings, *arguments: str, dots: int) -> bool:
    """Run a script until it has written this many dots, and kill it. Returns whether it wrote them all.

    The script gets the instance folder, the address of the database ("" for SQLite), and the arguments. Afterwards no
    backend of PostgreSQL works for it any more.
    """
    address = settings.database_url if settings.database_url.startswith("postgresql") else ""
    reading, writing = os.pipe()
    command = ["-c", str(settings.instance), address, *arguments]
    process = FORKS.Process(target=_run, args=(script, command, DupFdOnStart(writing)))
    process.start()
    os.close(writing)
    with open(reading, "rb") as output:  # noqa: PTH123  # a pipe
        was_running = len(output.read(dots)) == dots
        process.kill()
    process.join()
    process.close()
    while db.engine.dialect.name == "postgresql" and db.session.scalar(text(COUNT_ACTIVE_BACKENDS)):
        db.session.rollback()
    db.session.rollback()
    return was_running


class DupFdOnStart:
    """A file descriptor that a new process gets a copy of."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> Any:
        return _receive, (DupFd(self.descriptor),)


def _receive(copy: Any) -> int:
    descriptor: int = copy.detach()
    return descriptor


def _run(script: str, command: list[str], output: int) -> None:
    """Run a script as a new interpreter would, without the settings of the tests."""
    os.environ.clear()
    os.environ.update(HERE)
    os.dup2(output, 1)
    os.chdir(ROOT)
    sys.argv = command
    exec(script, {"__name__": "__main__"})
