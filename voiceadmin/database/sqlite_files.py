"""Check the files of an SQLite database before a server opens them for writing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from voiceadmin.errors import DatabaseNotReady

# A checkpoint writes the database file right after its write-ahead log. A file that is newer by more was replaced.
REPLACED_SECONDS = 60


def check_sqlite_files(path: Path) -> None:
    """Check the database if its file seems to have been replaced while a write-ahead log of the old one remained.

    SQLite would apply the log to the new file, and damage it. Does not change any file.

    Raises:
        DatabaseNotReady: if the log does not belong to the file, or the file is damaged.
    """
    log = Path(f"{path}-wal")
    if not _is_newer(path, log):
        return
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            results = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.DatabaseError:
        results = []
    if results != [("ok",)]:
        raise DatabaseNotReady(
            f"{path} is damaged, or {log.name} belongs to another file. If you have restored a backup, delete "
            f"{log} and {path}-shm, copy the backup again, and start the server."
        )


def _is_newer(path: Path, log: Path) -> bool:
    try:
        return log.stat().st_size > 0 and path.stat().st_mtime - log.stat().st_mtime > REPLACED_SECONDS
    except FileNotFoundError:
        return False
