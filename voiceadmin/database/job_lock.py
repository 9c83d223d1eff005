"""A lock of an SQLite database for long jobs that span many transactions, such as an import."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from flask import current_app

from voiceadmin.database.engine import SQLITE_PATH
from voiceadmin.errors import DatabaseNotReady


@contextmanager
def lock_job(name: str, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of this name during the block. It ends with the process. The database must be SQLite.

    The lock is one of the file "DATABASE-NAME.lock" beside the database, which is created and stays.

    Args:
        name: of the kind of job.
        on_wait: called before waiting for another holder.

    Raises:
        DatabaseNotReady: if the file cannot be opened.
    """
    with _open_for_owner(Path(f"{current_app.extensions[SQLITE_PATH]}-{name}.lock")) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _open_for_owner(path: Path) -> IO[bytes]:
    """Open a file that no other user may open: the lock is that of anyone who can open it."""
    try:
        path.touch(mode=0o600)
        return path.open("ab")
    except OSError as error:
        raise DatabaseNotReady(
            f"{path} cannot be opened: {error.strerror}. Run the command as the owner of the database, and make its "
            "folder writable."
        ) from error
