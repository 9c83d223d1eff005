"""Connect the application to its database and configure each connection."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Flask
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    event,
    make_url,
)
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from voiceadmin.config import Settings

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from voiceadmin.database.base import db
from voiceadmin.database.postgresql import CONNECT_SECONDS, check_parameters, tune_postgresql

SQLITE_PATH = "voiceadmin_sqlite_path"  # key in app.extensions: the path of the SQLite file, None with PostgreSQL


WRITER_LOCK = "voiceadmin_writer_lock"  # key in app.extensions: a lock for SQLite, None with PostgreSQL


WRITES = "voiceadmin_writes"  # execution option of a connection that will write


PATIENCE = "voiceadmin_patience"  # execution option of a connection that will write: seconds to wait for the lock


CACHE_KIB = 16_000  # page cache per connection: enough for one search; writes of other processes invalidate it


POOL_SECONDS = 2  # how long a request waits for a free connection


BUSY_SECONDS = 5  # how long a writer waits for the lock of another one


RETRY_SECONDS = 0.002  # between two attempts to get that lock


def init_app(app: Flask, settings: Settings) -> None:
    """Configure the database of the app. Opens nothing and creates no SQLite file: `migrate` does that."""
    url = make_url(settings.database_url)
    app.extensions[SQLITE_PATH] = path = sqlite_path(settings)
    app.extensions[WRITER_LOCK] = threading.Lock() if path is not None else None
    if path is not None:
        app.config["SQLALCHEMY_DATABASE_URI"] = URL.create(
            "sqlite", database=f"file:{quote(str(path))}", query={"uri": "true", "mode": "rw"}
        )
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
            "hide_parameters": True,  # error texts are logged
            "pool_timeout": POOL_SECONDS,
        }
    else:
        check_parameters(url)
        app.config["SQLALCHEMY_DATABASE_URI"] = url
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
            "isolation_level": "REPEATABLE READ",
            "hide_parameters": True,
            "pool_timeout": POOL_SECONDS,
            "connect_args": {"connect_timeout": CONNECT_SECONDS},
        }
    db.init_app(app)
    app.teardown_appcontext(lambda _: _end_session())
    with app.app_context():
        if path is not None:
            _tune_sqlite(db.engine, path)
        else:
            tune_postgresql(db.engine)


def _end_session() -> None:
    """Close the session. A connection that breaks meanwhile must not replace the response, which is complete."""
    try:
        db.session.remove()
    except SQLAlchemyError:
        db.session.registry.clear()  # its connection is closed already


def sqlite_path(settings: Settings) -> Path | None:
    """Return the path of the SQLite file, None for PostgreSQL. A relative path is inside the instance folder."""
    url = make_url(settings.database_url)
    return settings.instance / (url.database or "") if url.get_backend_name() == "sqlite" else None


def is_writable(path: Path) -> bool:
    """Return whether this process may write a file or folder, which its file system may forbid as well."""
    return os.access(path, os.W_OK, effective_ids=True)


def _tune_sqlite(engine: Engine, path: Path) -> None:
    def identity() -> tuple[int, int, bool] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, is_writable(path)

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)  # noqa: S101  # narrows the type for mypy
        record.info["file"] = identity()
        connection.isolation_level = None  # the driver must not begin transactions itself
        for pragma in (
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            f"cache_size=-{CACHE_KIB}",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "checkout")
    def check_file(connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
        """Refuse a connection to a deleted or replaced file, which would still answer with old data.

        SQLite opens a read-only file for reading only: refuse that, too, once the file is writable.
        """
        if record.info.get("file") != identity():
            raise DisconnectionError("The SQLite file is not the one that was opened.")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        """Take SQLite's write lock at the start of a write transaction: upgrading a read lock can fail."""
        options = connection.get_execution_options()
        if options.get(WRITES, False):
            _begin_writing(connection, options.get(PATIENCE, BUSY_SECONDS))
            return
        driver: Any = connection.connection.dbapi_connection
        driver.execute("BEGIN")  # bypasses SQLAlchemy for speed: it cannot fail


def _begin_writing(connection: Connection, seconds: float) -> None:
    """Take SQLite's write lock, or raise OperationalError after these seconds.

    SQLite's own waiting sleeps up to 0.1 seconds between attempts, and so misses the short pauses of a long import.
    """
    driver: Any = connection.connection.dbapi_connection
    deadline = time.monotonic() + seconds
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while _is_locked_by_another(driver) and time.monotonic() < deadline:
            time.sleep(RETRY_SECONDS)
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # one more attempt, with the error of SQLAlchemy
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")


def _is_locked_by_another(driver: sqlite3.Connection) -> bool:
    """Try to take the write lock. Return whether waiting can help, which it cannot if the disk is full."""
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    return False


def write_execution_options() -> dict[str, Any]:
    """Return the execution options of a connection that will write.

    A reader keeps one snapshot. A writer that waited for another one must see what that one wrote.
    """
    isolation = {"isolation_level": "READ COMMITTED"} if db.engine.dialect.name == "postgresql" else {}
    return {WRITES: True, **isolation}
