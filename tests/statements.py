"""Record the statements that SQLite executes, also those that bypass SQLAlchemy and its events."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from voiceadmin.database.base import db


@contextmanager
def record_statements() -> Iterator[list[str]]:
    """Yield a list to which the statements of the block are added, without those that begin and end transactions."""
    statements: list[str] = []

    def record(statement: str) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            statements.append(statement)

    def begin(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_trace_callback(record)

    def end(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_trace_callback(None)

    db.session.rollback()  # returns the connection, so that the next statement checks it out again
    event.listen(db.engine, "checkout", begin)
    event.listen(db.engine, "checkin", end)
    try:
        yield statements
    finally:
        db.session.rollback()
        event.remove(db.engine, "checkout", begin)
        event.remove(db.engine, "checkin", end)
