"""SQL text and driver calls that differ between SQLite and PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    TextClause,
    bindparam,
    text,
)

if TYPE_CHECKING:
    pass
from sqlalchemy import Select
from sqlalchemy.sql.selectable import TextualSelect

from voiceadmin.database.base import db
from voiceadmin.database.types import UtcTime


def fetch_first_row(sql: str, values: dict[str, Any]) -> tuple[Any, ...] | None:
    """Return the first row of a statement as the driver returns it, or None.

    For the few statements of every request: it bypasses SQLAlchemy, which takes longer than the database. Values are
    not converted: in SQLite times are texts (see `parse_timestamp`) and booleans are 0 or 1.
    """
    connection = db.session.connection()
    driver: Any = connection.connection.dbapi_connection
    dialect = connection.dialect
    try:
        row: tuple[Any, ...] | None = driver.execute(_driver_sql(dialect.name, sql), values).fetchone()
    except dialect.loaded_dbapi.Error:
        db.session.rollback()
        found = db.session.execute(
            text(sql), values
        ).first()  # fails again, with the exception that SQLAlchemy makes of it
        return None if found is None else tuple(found)
    return row


@cache
def _driver_sql(dialect: str, sql: str) -> str:
    return sql if dialect == "sqlite" else re.sub(r":([a-z_]+)", r"%(\1)s", sql)


def index_hint(name: str) -> str:
    """Return SQL that follows a table's name and makes SQLite use this index; "" for PostgreSQL.

    PostgreSQL has statistics of the rows and chooses well by itself.
    """
    return f" INDEXED BY {name}" if db.engine.dialect.name == "sqlite" else ""


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


def compile_select(statement: Select[Any]) -> TextualSelect:
    """Return the statement as text, so that SQLAlchemy does not compile it at each use."""
    return text(str(statement)).columns(*statement.selected_columns)


def fetch_all(statement: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
    """Execute SQL text and return all rows. Parameters that the statement does not name are ignored."""
    return db.session.execute(*bind_parameters(statement, parameters)).all()
