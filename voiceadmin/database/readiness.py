"""Check whether the database can be written, without writing."""

from __future__ import annotations

import shutil
from pathlib import Path

from flask import current_app
from sqlalchemy import text

from voiceadmin.database.base import db
from voiceadmin.database.engine import SQLITE_PATH, is_writable
from voiceadmin.database.unavailable import POSTGRESQL_ERRORS
from voiceadmin.errors import DatabaseNotReady

MIN_FREE_BYTES = 1 << 20  # SQLite needs it for its write-ahead log and the changes of one operation

# A standby server is read-only as well. Every write adds to the audit log.
CHECK_POSTGRESQL = """
SELECT current_setting('transaction_read_only') = 'off', has_table_privilege(to_regclass('audit_event'), 'INSERT')
"""


def check_writable() -> None:
    """Raise DatabaseNotReady if the database is read-only or its disk is full. The disk of PostgreSQL is not known."""
    path: Path | None = current_app.extensions[SQLITE_PATH]
    if path is None:
        _check_postgresql()
    else:
        _check_sqlite(path)


def _check_postgresql() -> None:
    can_write, has_rights = db.session.execute(text(CHECK_POSTGRESQL)).one()
    if not can_write:
        raise DatabaseNotReady(POSTGRESQL_ERRORS["25006"])
    if not has_rights:
        raise DatabaseNotReady(POSTGRESQL_ERRORS["42501"])


def _check_sqlite(path: Path) -> None:
    for needed in (path.parent, path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        if needed.exists() and not is_writable(needed):
            raise DatabaseNotReady(f"{needed} is read-only.")
    if shutil.disk_usage(path).free < MIN_FREE_BYTES:
        raise DatabaseNotReady(f"The disk of {path} is full.")
