"""Write transactions, row counts, advisory locks, and log messages that wait for the commit."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import CursorResult, text
from sqlalchemy.sql.dml import UpdateBase

from voiceadmin.database.base import db
from voiceadmin.database.engine import write_execution_options

log = logging.getLogger("voiceadmin.audit")


PENDING_LOG_MESSAGES = "voiceadmin_pending_log_messages"  # key in the session's info


@contextmanager
def write_transaction() -> Iterator[None]:
    """Run one transaction that may write: commit at the end, roll back on any exception."""
    db.session.rollback()  # an open snapshot would hide later commits of other transactions
    db.session.connection(execution_options=write_execution_options())
    messages: list[str] = []
    db.session.info[PENDING_LOG_MESSAGES] = messages
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    for message in messages:
        log.info(message)


def execute_and_count(statement: UpdateBase) -> int:
    """Execute an UPDATE or DELETE, and return the number of rows that it changed."""
    result = db.session.execute(statement)
    assert isinstance(result, CursorResult)  # noqa: S101  # narrows the type for mypy
    return result.rowcount


def log_after_commit(message: str) -> None:
    """Log a message once the current transaction is committed, and not at all if it fails."""
    db.session.info[PENDING_LOG_MESSAGES].append(message)


def acquire_advisory_lock(name: str) -> None:
    """Take an exclusive lock of this name until the end of the transaction. Not needed in SQLite: it has one writer."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})
