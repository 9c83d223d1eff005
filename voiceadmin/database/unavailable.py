"""Errors of a database that is unreachable, locked, full, damaged or not set up as needed."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# By SQLSTATE, or its first characters. Errors while connecting have none, but a message that says what is wrong.
POSTGRESQL_ERRORS = {
    "25006": "The database is read-only, as a standby server is. Connect to the primary server.",
    "25P03": "The database ended an idle transaction (idle_in_transaction_session_timeout).",
    "25P04": "The database ended a long transaction (transaction_timeout).",
    "3D000": "The database does not exist. Create it.",
    "42501": "The role of VOICEADMIN_DATABASE_URL lacks rights. Let it own the database, or grant them.",
    "53100": "The disk of the database is full.",
    "55P03": "A lock was not free in time (lock_timeout): another transaction takes long.",
    "57014": "A statement took longer than the database allows (statement_timeout).",
    "08": "The connection to the database was lost.",
    "40": "Transactions were in conflict.",
    "53": "The database has too few resources.",
    "57P": "The database server is stopping or starting.",
    "58": "The database server cannot use its files.",
}


SQLITE_ERRORS = {
    "database disk image is malformed": "The SQLite file is damaged. Stop the server and restore a backup.",
    "file is not a database": "The file of VOICEADMIN_DATABASE_URL is not an SQLite database, or is damaged.",
    "attempt to write a readonly database": "The SQLite file, its folder, or its -wal or -shm file is read-only.",
    "database or disk is full": "The disk of the SQLite file, or that of temporary files (TMPDIR), is full.",
    "database is locked": "Another process writes to the SQLite file.",
    "disk I/O error": "The disk of the SQLite file is full or has an error.",
    "unable to open database file": "The SQLite file cannot be opened. Its folder must exist and be writable.",
}


UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeout, DisconnectionError)  # with any cause


def describe_unavailable(error: BaseException) -> str | None:
    """Return what is wrong with the database and what to do, None if the error is not one of the database's state."""
    if isinstance(error, PoolTimeout):
        return "All connections to the database are in use."
    if isinstance(error, DBAPIError):
        described = _describe_cause(error.orig)
        if described is not None:
            return described
    return f"The database cannot be reached: {first_line(error)}." if isinstance(error, UNAVAILABLE) else None


def _describe_cause(cause: BaseException | None) -> str | None:
    state = getattr(cause, "sqlstate", None) or ""
    for length in (5, 3, 2):
        if state[:length] in POSTGRESQL_ERRORS:
            return POSTGRESQL_ERRORS[state[:length]]
    return next((text for message, text in SQLITE_ERRORS.items() if message in str(cause)), None)


def first_line(error: BaseException) -> str:
    """Return what the driver says, without the statement that SQLAlchemy adds."""
    return str(getattr(error, "orig", error)).partition("\n")[0]
