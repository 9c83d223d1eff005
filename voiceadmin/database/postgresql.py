"""Connections to PostgreSQL: settings of each session, with and without a pooler such as PgBouncer."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DisconnectionError

from voiceadmin.errors import BadSettings, DatabaseNotReady

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

CONNECT_SECONDS = 5


# random_page_cost is that of an SSD; with the default for hard disks, PostgreSQL used indexes too rarely.
# Settings in the address or in PGOPTIONS override these.
SETTINGS = {"lock_timeout": "30s", "random_page_cost": "1.1", "idle_in_transaction_session_timeout": "10min"}


FORMATS = {"timezone": "UTC", "datestyle": "ISO,MDY"}  # in which the server sends times


STARTUP_OPTIONS = " ".join(f"-c {name}={value}" for name, value in (SETTINGS | FORMATS).items())


IS_POOLED = "voiceadmin_is_pooled"  # execution option of the engine: whether a pooler is in between


# PgBouncer keeps these for a client. It forgets others after the transaction, or leaves them to other clients.
SESSION_STATEMENT = "; ".join(f"SET {name} = '{value}'" for name, value in FORMATS.items())


TRANSACTION_STATEMENT = "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in SETTINGS.items())


def check_parameters(url: URL) -> None:
    """Raise BadSettings if the URL of a database has parameters that the driver does not know."""
    psycopg: Any = url.get_dialect().import_dbapi()  # installed only for PostgreSQL
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    unknown = ", ".join(sorted(set(url.query) - known))
    if unknown:
        raise BadSettings(
            f"VOICEADMIN_DATABASE_URL has parameters that PostgreSQL does not know: {unknown}. Remove them; "
            "encryption is sslmode=verify-full, and a schema is options=-csearch_path%3DNAME."
        )


def tune_postgresql(engine: Engine) -> None:
    """Apply the settings to each connection of an engine.

    They are sent at the start of the connection. PgBouncer refuses that, or ignores it: they are then set afterwards,
    and those that PgBouncer does not keep, at the begin of each transaction.
    """
    given = engine.url.query.get("options") or os.environ.get("PGOPTIONS", "")
    options = f"{STARTUP_OPTIONS} {given}".rstrip()

    @event.listens_for(engine, "do_connect")
    def connect(
        dialect: Dialect, record: ConnectionPoolEntry, arguments: list[Any], parameters: dict[str, Any]
    ) -> DBAPIConnection:
        try:
            connection: Any = dialect.connect(*arguments, **parameters | {"options": options})
        except dialect.loaded_dbapi.OperationalError as error:
            if "unsupported startup parameter" not in str(error):
                raise
            connection = dialect.connect(*arguments, **parameters | {"options": ""})
        _check_encoding(connection)
        times = [connection.info.parameter_status(name) for name in ("TimeZone", "DateStyle")]
        if times != ["UTC", "ISO, MDY"]:
            connection.prepare_threshold = None  # a prepared statement stays behind on the server for other clients
            connection.autocommit = True
            connection.execute(SESSION_STATEMENT)
            connection.autocommit = False
            engine.update_execution_options(**{IS_POOLED: True})
        return connection  # type: ignore[no-any-return]

    @event.listens_for(engine, "checkout")
    def check_open(connection: Any, record: ConnectionPoolEntry, proxy: PoolProxiedConnection) -> None:
        """Refuse a connection that the server has closed. Unlike `pool_pre_ping`, this needs no round trip."""
        if connection.closed or _has_data(connection.fileno()):
            raise DisconnectionError("PostgreSQL has closed the connection.")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if engine.get_execution_options().get(IS_POOLED):
            connection.exec_driver_sql(TRANSACTION_STATEMENT)


def _has_data(descriptor: int) -> bool:
    """Return whether a socket has something to read. On an idle connection this is the end, or a message before it."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _check_encoding(connection: Any) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding not in ("UTF8", None):
        connection.close()
        raise DatabaseNotReady(
            f"The database has the encoding {encoding}, which cannot store every name. "
            "Create a database with ENCODING 'UTF8' TEMPLATE template0."
        )
