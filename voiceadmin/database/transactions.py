"""Write transactions, row counts, advisory locks, and log messages that wait for the commit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic

from flask import current_app
from sqlalchemy import CursorResult, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.dml import UpdateBase

from voiceadmin.database.base import db
from voiceadmin.database.engine import BUSY_SECONDS, PATIENCE, WRITER_LOCK, write_execution_options
from voiceadmin.database.postgresql import IS_POOLED
from voiceadmin.database.unavailable import describe_unavailable

log = logging.getLogger("voiceadmin.audit")


PENDING_LOG_MESSAGES = "voiceadmin_pending_log_messages"  # key in the session's info


SHORT_WAIT = 0.25  # seconds that an optional write waits for another writer of SQLite


OMITTED_SECONDS = 2.0  # without further optional writes after one has failed


WRITES_RETRIED_AT = "voiceadmin_writes_retried_at"  # key in app.extensions: monotonic time of the next optional write


class WriteUnavailable(Exception):
    """An optional write was omitted: another one takes long, or the database is full or read-only."""


@contextmanager
def write_transaction() -> Iterator[None]:
    """Run one transaction that may write: commit at the end, roll back on any exception."""
    with _write(BUSY_SECONDS):
        yield


def read_without_snapshot() -> None:
    """Let each of the next statements see the newest data, until a transaction writes or the session is rolled back.

    For requests whose statements need not agree with each other: PostgreSQL then needs no BEGIN and no ROLLBACK, which
    are two round trips. A pooler needs a transaction for its settings, and SQLite gains nothing.
    """
    engine = db.engine
    if engine.dialect.name == "postgresql" and not engine.get_execution_options().get(IS_POOLED):
        db.session.rollback()  # a connection that is in use keeps its transaction
        db.session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})


@contextmanager
def optional_write_transaction() -> Iterator[None]:
    """Run a transaction like `write_transaction`, for what may be omitted: reading must go on.

    Raises:
        WriteUnavailable: if the database cannot be written, or another transaction writes to SQLite for longer than
            SHORT_WAIT.
    """
    extensions = current_app.extensions
    if monotonic() < extensions.get(WRITES_RETRIED_AT, 0.0):
        raise WriteUnavailable
    try:
        with _write(SHORT_WAIT):
            yield
    except SQLAlchemyError as error:
        if describe_unavailable(error) is None:
            raise
        extensions[WRITES_RETRIED_AT] = monotonic() + OMITTED_SECONDS
        raise WriteUnavailable from error


@contextmanager
def _write(seconds: float) -> Iterator[None]:
    """Run a write transaction. seconds: how long to wait for other writers of SQLite."""
    db.session.rollback()  # an open snapshot would hide later commits of other transactions
    messages: list[str] = []
    db.session.info[PENDING_LOG_MESSAGES] = messages
    with _queue_writers(seconds):
        try:
            db.session.connection(execution_options=write_execution_options() | {PATIENCE: seconds})
            yield
            db.session.commit()
        except BaseException:
            db.session.rollback()
            raise
    for message in messages:
        log.info(message)


@contextmanager
def _queue_writers(seconds: float) -> Iterator[None]:
    """Let the threads of this process write to SQLite one after the other.

    SQLite lets waiting writers poll, so that one of many can fail to get the lock until its time is over. After
    these seconds, and between processes, SQLite still decides.
    """
    lock: Lock | None = current_app.extensions[WRITER_LOCK]
    is_locked = lock is not None and lock.acquire(timeout=seconds)
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


def lock_tables(*names: str) -> None:
    """Let no other transaction write these tables until the end of this one. Readers go on.

    Not needed in SQLite: it has one writer.
    """
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text(f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE"))


def acquire_advisory_lock(name: str, on_wait: Callable[[], None] | None = None) -> None:
    """Take an exclusive lock of this name until the end of the transaction. Not needed in SQLite: it has one writer.

    Args:
        name: of the lock.
        on_wait: called before waiting for another holder, and then waits as long as it takes. None: waits for
            lock_timeout.
    """
    if db.engine.dialect.name == "sqlite":
        return
    if on_wait is None:
        db.session.execute(_ACQUIRE, {"name": name})
    elif not db.session.scalar(_TRY_TO_ACQUIRE, {"name": name}):
        on_wait()
        _acquire_without_timeout(name)


_ACQUIRE = text("SELECT pg_advisory_xact_lock(hashtext(:name))")
_TRY_TO_ACQUIRE = text("SELECT pg_try_advisory_xact_lock(hashtext(:name))")


def _acquire_without_timeout(name: str) -> None:
    timeout = db.session.scalar(text("SELECT current_setting('lock_timeout')"))
    db.session.execute(text("SET LOCAL lock_timeout = 0"))
    db.session.execute(_ACQUIRE, {"name": name})
    db.session.execute(text("SELECT set_config('lock_timeout', :timeout, true)"), {"timeout": timeout})
