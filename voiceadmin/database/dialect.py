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


def index_hint(name: str) -> str:
    """What follows a table's name in SQL so that SQLite reads it by this index, and fails without it.

    Nothing on PostgreSQL, which knows better how its rows are spread.
    """
    return f" INDEXED BY {name}" if db.engine.dialect.name == "sqlite" else ""


_NAMES = re.compile(r"(?<![:\w]):([a-z_]\w*)")


def bind_parameters(statement: str, given: Mapping[str, Any]) -> tuple[TextClause, dict[str, Any]]:
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


def forced_order_join() -> str:
    """The JOIN in SQL for which SQLite goes through the table before it and looks up the one after it.

    PostgreSQL, which knows better, may do either.
    """
    return "CROSS JOIN" if db.engine.dialect.name == "sqlite" else "JOIN"


def string_agg(expression: str) -> str:
    """SQL that puts all values of an expression together as one text, commas between them; NULL for none."""
    if db.engine.dialect.name == "sqlite":
        return f"group_concat({expression}, ',')"
    return f"string_agg(CAST({expression} AS text), ',')"


def string_agg_bytes(column: str) -> str:
    """SQL that puts all texts of a column together, commas between them, as bytes where the driver has them sooner."""
    if db.engine.dialect.name == "sqlite":
        return f"CAST(group_concat({column}, ',') AS BLOB)"
    return f"string_agg({column}, ',')"


def compile_select(statement: Select[Any]) -> TextualSelect:
    """The same statement as a text, which SQLAlchemy need not look through anew at each use."""
    return text(str(statement)).columns(*statement.selected_columns)


def fetch_all(statement: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
    """Execute SQL text and return all rows. Parameters that the statement does not name are ignored."""
    return db.session.execute(*bind_parameters(statement, parameters)).all()
