"""The store's handle: the one file that knows the Flask extension and how the two databases differ.

Reading sees one snapshot for as long as an app context lasts. Writing happens
inside `writing()` alone. SQLite and PostgreSQL behave alike to everything above.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    URL,
    BigInteger,
    Connection,
    Dialect,
    Engine,
    FetchedValue,
    Integer,
    MetaData,
    Text,
    TextClause,
    bindparam,
    event,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

from voiceadmin.config import Settings

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

log = logging.getLogger("voiceadmin.audit")

TOLD = "voiceadmin_told"  # the lines to log once a transaction is through
SQLITE_PATH = "voiceadmin_sqlite_path"  # the app's extension that names the SQLite file, None with PostgreSQL
WRITES = "voiceadmin_writes"  # the execution option of a connection that is going to write
UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout, DisconnectionError)  # the store is gone, locked or full
CACHE_KIB = 16_000  # of a connection: what one search looks at; a write of another process voids it anyway
ROWS_TOGETHER = 50  # in one statement of SQLite, which anywhere takes 999 values
# random_page_cost: as on a disk that does not turn; with that of one that does, few rows were not looked up by index.
POSTGRESQL_OPTIONS = "-c timezone=UTC -c lock_timeout=30s -c random_page_cost=1.1"
BUSY_SECONDS = 5  # how long a writer waits for another one before it gives up


class Base(DeclarativeBase):
    """Base of all tables. Every constraint has a name, so that migrations can speak of it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)

BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite's own row id, which is 64 bits wide, must be called so
Sortable = Text().with_variant(Text(collation="C"), "postgresql")  # code point order, as SQLite has it


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC. In SQLite a text of fixed width, so that texts order as the times do."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """A text in SQLite, a timestamp with time zone in PostgreSQL."""
        return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """To the database. Raises ValueError for a naive time: guessing a zone here would be too late."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone.")
        if dialect.name == "postgresql":
            return value
        moment = value if value.tzinfo is UTC else value.astimezone(UTC)
        return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From the database."""
        found: datetime | None = as_time(value)
        return found


def init_app(app: Flask, settings: Settings) -> None:
    """Connect the app to its store. Nothing is opened, and a missing SQLite file is not made: `migrate` does that."""
    url = make_url(settings.database_url)
    app.extensions[SQLITE_PATH] = path = sqlite_path(settings)
    if path is not None:
        app.config["SQLALCHEMY_DATABASE_URI"] = URL.create(
            "sqlite", database=f"file:{quote(str(path))}", query={"uri": "true", "mode": "rw"}
        )
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"hide_parameters": True}  # an error's text goes into the log
    else:
        app.config["SQLALCHEMY_DATABASE_URI"] = url
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
            "isolation_level": "REPEATABLE READ",
            "pool_pre_ping": True,
            "hide_parameters": True,
            "connect_args": {"connect_timeout": BUSY_SECONDS, "options": POSTGRESQL_OPTIONS},
        }
    db.init_app(app)
    if path is not None:
        with app.app_context():
            _tune_sqlite(db.engine, path)


def sqlite_path(settings: Settings) -> Path | None:
    """Where the SQLite file lies, or None for another database. A relative address counts from the instance folder."""
    url = make_url(settings.database_url)
    return settings.instance / (url.database or "") if url.get_backend_name() == "sqlite" else None


def _tune_sqlite(engine: Engine, path: Path) -> None:
    def identity() -> tuple[int, int] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    @event.listens_for(engine, "connect")
    def opened(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)  # noqa: S101  # tells the type checker
        record.info["file"] = identity()
        connection.isolation_level = None  # the driver must not begin transactions on its own
        for pragma in (
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            f"cache_size=-{CACHE_KIB}",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "checkout")
    def taken(connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
        """An open file that was deleted or replaced still answers: with the past."""
        if record.info.get("file") != identity():
            raise DisconnectionError("The SQLite file is not the one that was opened.")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        """A writer takes its lock at once; one that read first could not be sure to get it."""
        writes = connection.get_execution_options().get(WRITES, False)
        if writes:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        driver: Any = connection.connection.dbapi_connection
        driver.execute("BEGIN")  # cannot fail, so its errors need no translation, which every request would pay for


def write_options() -> dict[str, Any]:
    """The execution options of a connection that is going to write.

    A reader keeps one snapshot; a writer that had to wait for another one must see what that one wrote.
    """
    isolation = {"isolation_level": "READ COMMITTED"} if db.engine.dialect.name == "postgresql" else {}
    return {WRITES: True, **isolation}


@contextmanager
def writing() -> Iterator[None]:
    """One transaction that may write: committed at the end, rolled back on any exception."""
    db.session.rollback()  # a snapshot that is already open would hide what others wrote since
    db.session.connection(execution_options=write_options())
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


def tell_after_commit(line: str) -> None:
    """Log a line when the transaction that is being written is through, and not at all if it fails."""
    db.session.info[TOLD].append(line)


def first_row(sql: str, values: dict[str, Any]) -> tuple[Any, ...] | None:
    """The first row of a statement as the driver has it; None if there is none.

    For the few that every request asks, where the detours of SQLAlchemy take
    longer than the database: times are texts in SQLite (see `as_time`), truth
    is 0 or 1.
    """
    connection = db.session.connection()
    driver: Any = connection.connection.dbapi_connection
    dialect = connection.dialect
    try:
        row: tuple[Any, ...] | None = driver.execute(_in_words_of(dialect.name, sql), values).fetchone()
    except dialect.loaded_dbapi.Error:
        db.session.rollback()
        found = db.session.execute(text(sql), values).first()  # fails again, now as the errors that all others know
        return None if found is None else tuple(found)
    return row


@cache
def _in_words_of(dialect: str, sql: str) -> str:
    return sql if dialect == "sqlite" else re.sub(r":([a-z_]+)", r"%(\1)s", sql)


def as_time(value: Any) -> Any:
    """An aware time from what a driver has for it; None for null."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def upsert(model: type[Base]) -> Any:
    """An INSERT of whole rows in which a row whose primary key is there already overwrites the old one."""
    statement = _upsert(model, db.engine.dialect.name)
    # With RETURNING, many rows travel in one statement, and the triggers of PostgreSQL fire once for all of them.
    if db.engine.dialect.name == "postgresql":
        statement = statement.returning(*model.metadata.tables[model.__tablename__].primary_key)
    return statement


def _upsert(model: type[Base], dialect: str) -> Any:
    # The table and not the model: to the mapper, another set of nulls would be another statement.
    inserts: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    table = model.metadata.tables[model.__tablename__]
    insert = inserts[dialect](table)
    keys = list(table.primary_key)
    given = [column for column in table.columns if type(column.server_default) is not FetchedValue]  # not worked out
    others = {column.name: insert.excluded[column.name] for column in given if column not in keys}
    if hasattr(model, "overwritten"):
        others |= model.overwritten(table.c, insert.excluded)
    return insert.on_conflict_do_update(index_elements=keys, set_=others)


def upsert_rows(model: type[Base], names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    """What `upsert` does, for many rows at once: the values of each in the order of these names.

    Takes less time than `upsert`, most of which goes into looking at single
    values and, with PostgreSQL, into a statement that names each of them.
    """
    columns = list(zip(*rows, strict=True))
    if not columns:
        return
    if db.engine.dialect.name == "postgresql":
        db.session.execute(_upsert_of_arrays(model, names), dict(zip(names, map(list, columns), strict=True)))
        return
    statement, order = _upsert_of_tuples(model, names)
    values = list(zip(*(map(process, columns[at]) if process else columns[at] for at, process in order), strict=True))
    whole = len(values) - len(values) % ROWS_TOGETHER
    connection = db.session.connection()
    if whole:
        marks = f"({', '.join('?' * len(names))})"
        many = statement.replace(f"VALUES {marks}", f"VALUES {', '.join([marks] * ROWS_TOGETHER)}")
        starts = range(0, whole, ROWS_TOGETHER)
        connection.exec_driver_sql(
            many, [tuple(chain.from_iterable(values[start : start + ROWS_TOGETHER])) for start in starts]
        )
    if whole < len(values):
        connection.exec_driver_sql(statement, values[whole:])


@cache
def _upsert_of_arrays(model: type[Base], names: tuple[str, ...]) -> Any:
    """PostgreSQL's statement of any number of rows: one array for each column."""
    columns = model.metadata.tables[model.__tablename__].columns
    arrays = (func.unnest(bindparam(name, type_=postgresql.ARRAY(columns[name].type))) for name in names)
    return _upsert(model, "postgresql").from_select(names, select(*arrays))


@cache
def _upsert_of_tuples(model: type[Base], names: tuple[str, ...]) -> tuple[str, list[tuple[int, Any]]]:
    """SQLite's statement of one row; the place among the names of each value that it takes, and what processes that."""
    dialect = sqlite.dialect()
    compiled = _upsert(model, "sqlite").compile(dialect=dialect, column_keys=names)
    columns = model.metadata.tables[model.__tablename__].columns
    processors = {name: columns[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names}
    return str(compiled), [(names.index(name), processors[name]) for name in compiled.positiontup]


def one_at_a_time(word: str) -> None:
    """Let only one writing transaction of this word go on at a time. SQLite has but one writer anyway."""
    if db.engine.dialect.name == "postgresql":
        db.session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:word))"), {"word": word})


def indexed_by(name: str) -> str:
    """What follows a table's name in SQL so that SQLite reads it by this index, and fails without it.

    Nothing on PostgreSQL, which knows better how its rows are spread.
    """
    return f" INDEXED BY {name}" if db.engine.dialect.name == "sqlite" else ""


_NAMES = re.compile(r"(?<![:\w]):([a-z_]\w*)")


def bound(statement: str, given: Mapping[str, Any]) -> tuple[TextClause, dict[str, Any]]:
    """A statement in SQL and those of the values that it names; times are times in it, and lists are lists."""
    named = {name: given[name] for name in set(_NAMES.findall(statement))}
    times = tuple(sorted(name for name, value in named.items() if isinstance(value, datetime)))
    lists = tuple(sorted(name for name, value in named.items() if isinstance(value, list)))
    return _typed(statement, times, lists), named


@lru_cache(maxsize=1000)
def _typed(statement: str, times: tuple[str, ...], lists: tuple[str, ...]) -> TextClause:
    return text(statement).bindparams(
        *(bindparam(name, type_=UtcTime) for name in times), *(bindparam(name, expanding=True) for name in lists)
    )


def join_in_order() -> str:
    """The JOIN in SQL for which SQLite goes through the table before it and looks up the one after it.

    PostgreSQL, which knows better, may do either.
    """
    return "CROSS JOIN" if db.engine.dialect.name == "sqlite" else "JOIN"


def listed(expression: str) -> str:
    """SQL that puts all values of an expression together as one text, commas between them; NULL for none."""
    if db.engine.dialect.name == "sqlite":
        return f"group_concat({expression}, ',')"
    return f"string_agg(CAST({expression} AS text), ',')"


def joined(column: str) -> str:
    """SQL that puts all texts of a column together, commas between them, as bytes where the driver has them sooner."""
    if db.engine.dialect.name == "sqlite":
        return f"CAST(group_concat({column}, ',') AS BLOB)"
    return f"string_agg({column}, ',')"
