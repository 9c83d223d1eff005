"""Write transactions, row counts, advisory locks, and log messages that wait for the commit."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from flask import current_app
from sqlalchemy import CursorResult, text
from sqlalchemy.sql.dml import UpdateBase

from voiceadmin.database.base import db
from voiceadmin.database.engine import BUSY_SECONDS, WRITER_LOCK, write_execution_options

log = logging.getLogger("voiceadmin.audit")


PENDING_LOG_MESSAGES = "voiceadmin_pending_log_messages"  # key in the session's info


@contextmanager
def write_transaction() -> Iterator[None]:
    """Run one transaction that may write: commit at the end, roll back on any exception."""
    db.session.rollback()  # an open snapshot would hide later commits of other transactions
    messages: list[str] = []
    db.session.info[PENDING_LOG_MESSAGES] = messages
    with _queue_writers():
        db.session.connection(execution_options=write_execution_options())
        try:
            yield
            db.session.commit()
        except BaseException:
            db.session.rollback()
            raise
    for message in messages:
        log.info(message)


@contextmanager
def _queue_writers() -> Iterator[None]:
    """Let the threads of this process write to SQLite one after the other.

    SQLite lets waiting writers poll, so that one of many can fail to get the lock until its time is over. After
    BUSY_SECONDS, and between processes, SQLite still decides.
    """
    lock: Lock | None = current_app.extensions[WRITER_LOCK]
    is_locked = lock is not None and lock.acquire(timeout=BUSY_SECONDS)
    try:
        yield
    finally:
        if lock is not None and is_locked:
            lock.release()


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
