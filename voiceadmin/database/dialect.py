"""SQL text and driver calls that differ between SQLite and PostgreSQL."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, bindparam, text

from voiceadmin.database.base import db
from voiceadmin.database.types import UtcTime

UTC_TIME = UtcTime()


def fetch_rows(sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Return all rows of a statement as the driver returns them.

    For the statements of the most frequent requests: it bypasses SQLAlchemy, which takes longer than the database.
    Values are not converted: in SQLite times are texts (see `parse_timestamp`) and booleans are 0 or 1.

    Args:
        sql: its parameters are names after a colon.
        values: by name; others are ignored. Lists are not supported.
    """
    connection = db.session.connection()
    driver: Any = connection.connection.dbapi_connection
    dialect = connection.dialect
    given = {
        name: UTC_TIME.process_bind_param(value, dialect) if isinstance(value, datetime) else value
        for name, value in values.items()
    }
    try:
        rows: list[tuple[Any, ...]] = driver.execute(_driver_sql(dialect.name, sql), given).fetchall()
    except dialect.loaded_dbapi.Error:
        db.session.rollback()
        # Fails again, with the exception that SQLAlchemy makes of it.
        return [tuple(row) for row in fetch_all(sql, values)]
    return rows


def fetch_first_row(sql: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Return the first row of a statement as the driver returns it, or None; see `fetch_rows`."""
    rows = fetch_rows(sql, values)
    return rows[0] if rows else None


@lru_cache(maxsize=1000)
def _driver_sql(dialect: str, sql: str) -> str:
    """Return a statement with its parameters as the driver of a database names them."""
    return sql if dialect == "sqlite" else _NAMES.sub(r"%(\1)s", sql.replace("%", "%%"))


def index_hint(name: str) -> str:
    """Return SQL that follows a table's name and makes SQLite use this index; "" for PostgreSQL.

    PostgreSQL has statistics of the rows and chooses well by itself.
    """
    return f" INDEXED BY {name}" if db.engine.dialect.name == "sqlite" else ""


def keep_order(order: str) -> str:
    """Return the ORDER BY of a statement that filters a subquery with the same ORDER BY; "" for SQLite.

    SQLite reads the subquery in order, stops at the limit, and would read all of it for another ORDER BY. PostgreSQL
    may test EXISTS with a hash join, which loses the order; without one it knows the order and does not sort again.
    """
    return "" if db.engine.dialect.name == "sqlite" else f" {order}"


_NAMES = re.compile(r"(?<![:\w]):([a-z_]\w*)")


def bind_parameters(statement: str, given: Mapping[str, Any]) -> tuple[TextClause, dict[str, Any]]:
    """Return the statement with typed parameters, and the values that it uses."""
    named = {name: given[name] for name in set(_NAMES.findall(statement))}
    times = tuple(sorted(name for name, value in named.items() if isinstance(value, datetime)))
    lists = tuple(sorted(name for name, value in named.items() if isinstance(value, list)))
    return _typed(statement, times, lists), named


@lru_cache(maxsize=1000)
def _typed(statement: str, times: tuple[str, ...], lists: tuple[str, ...]) -> TextClause:
    return text(statement).bindparams(
        *(bindparam(name, type_=UtcTime) for name in times), *(bindparam(name, expanding=True) for name in lists)
    )


def forced_order_join() -> str:
    """Return the JOIN keyword that makes SQLite scan the left table and look up the right one.

    PostgreSQL chooses the order itself.
    """
    return "CROSS JOIN" if db.engine.dialect.name == "sqlite" else "JOIN"


def string_agg(expression: str) -> str:
    """Return SQL that joins all values of an expression with commas; NULL for no rows."""
    if db.engine.dialect.name == "sqlite":
        return f"group_concat({expression}, ',')"
    return f"string_agg(CAST({expression} AS text), ',')"


def string_agg_bytes(column: str) -> str:
    """Return SQL that joins all texts of a column with commas, as bytes where the driver is faster with them."""
    if db.engine.dialect.name == "sqlite":
        return f"CAST(group_concat({column}, ',') AS BLOB)"
    return f"string_agg({column}, ',')"


def build_ids_condition(column: str, ids: Sequence[int]) -> tuple[str, dict[str, Any]]:
    """Return the condition that a column is one of these ids, as one parameter for all of them, and the parameter."""
    if db.engine.dialect.name == "sqlite":
        return f"{column} IN (SELECT value FROM json_each(:ids))", {"ids": json.dumps(ids)}  # noqa: S608  # a column of ours
    return f"{column} = ANY(:ids)", {"ids": list(ids)}


def format_time_sql(column: str) -> str:
    """Return SQL that formats a time as `format_iso8601` does."""
    if db.engine.dialect.name == "sqlite":
        return f"replace({column}, '.000000Z', 'Z')"
    return f"replace(to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), '.000000Z', 'Z')"


def fetch_all(statement: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
    """Execute SQL text and return all rows. Parameters that the statement does not name are ignored."""
    return db.session.execute(*bind_parameters(statement, parameters)).all()
