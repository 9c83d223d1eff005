"""Count the work of a database: unlike the time, it is the same on every machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event

from voiceadmin.database.base import db

SQLITE_UNIT = 100  # virtual machine steps that are counted together, because each count calls a Python function

# Index entries and rows that were read from the tables of the application. The counters may include those of an earlier
# transaction of the connection, so that only differences count.
SELECT_POSTGRESQL_WORK = """SELECT sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid))
    FROM pg_class WHERE relnamespace = 'public'::regnamespace"""


@dataclass
class Work:
    """The work so far: virtual machine steps of SQLite, or entries and rows that PostgreSQL read."""

    amount: int = 0


@contextmanager
def count_work() -> Iterator[Work]:
    """Count the work of all transactions that begin inside the block."""
    work = Work()
    begin, end = (_count_steps if db.engine.dialect.name == "sqlite" else _count_rows)(work)
    listeners = (("begin", begin), ("commit", end), ("rollback", end))
    db.session.rollback()
    for name, listener in listeners:
        event.listen(db.engine, name, listener)
    yield work
    db.session.rollback()
    for name, listener in listeners:
        event.remove(db.engine, name, listener)


Listener = Callable[[Connection], None]


def _driver(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def _count_steps(work: Work) -> tuple[Listener, Listener]:
    def count() -> int:
        work.amount += SQLITE_UNIT
        return 0

    def begin(connection: Connection) -> None:
        _driver(connection).set_progress_handler(count, SQLITE_UNIT)

    def end(connection: Connection) -> None:
        _driver(connection).set_progress_handler(None, 0)

    return begin, end


def _count_rows(work: Work) -> tuple[Listener, Listener]:
    def read(connection: Connection) -> int:
        return int(_driver(connection).execute(SELECT_POSTGRESQL_WORK).fetchone()[0])

    def begin(connection: Connection) -> None:
        work.amount -= read(connection)

    def end(connection: Connection) -> None:
        work.amount += read(connection)

    return begin, end
