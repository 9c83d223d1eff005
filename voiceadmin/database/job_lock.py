"""A lock of an SQLite database for long jobs that span many transactions, such as an import."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import current_app

from voiceadmin.database.engine import SQLITE_PATH


@contextmanager
def lock_job(name: str, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of this name during the block. It ends with the process. The database must be SQLite.

    The lock is one of the file "DATABASE-NAME.lock" beside the database, which is created and stays.

    Args:
        name: of the kind of job.
        on_wait: called before waiting for another holder.
    """
    with Path(f"{current_app.extensions[SQLITE_PATH]}-{name}.lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
