"""Write transactions, advisory locks, and log lines that wait for the commit."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import (
    text,
)

if TYPE_CHECKING:
    pass
from voiceadmin.database.base import db
from voiceadmin.database.engine import write_execution_options

log = logging.getLogger("voiceadmin.audit")


TOLD = "voiceadmin_told"  # the lines to log once a transaction is through


@contextmanager
def write_transaction() -> Iterator[None]:
    """One transaction that may write: committed at the end, rolled back on any exception."""
    db.session.rollback()  # a snapshot that is already open would hide what others wrote since
    db.session.connection(execution_options=write_execution_options())
    told: list[str] = []
    db.session.info[TOLD] = told
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    for event_ in told:
        log.info(event_)


def log_after_commit(line: str) -> None:
    """Log a line when the transaction that is being written is through, and not at all if it fails."""
    db.session.info[TOLD].append(line)


def acquire_advisory_lock(word: str) -> None:
    """Let only one writing transaction of this word go on at a time. SQLite has but one writer anyway."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:word))"), {"word": word})
