"""INSERT that overwrites existing rows, for one row or many."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    FetchedValue,
    bindparam,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    pass
from voiceadmin.database.base import Base, db

ROWS_TOGETHER = 50  # in one statement of SQLite, which anywhere takes 999 values


def upsert_statement(model: type[Base]) -> Any:
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
    if hasattr(model, "resolve_conflict"):
        others |= model.resolve_conflict(table.c, insert.excluded)
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
