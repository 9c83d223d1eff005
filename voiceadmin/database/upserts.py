"""INSERT statements for many rows, which may overwrite existing ones (upserts)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Column, Enum, FetchedValue, MetaData, Select, Table, Text, bindparam, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from voiceadmin.database.base import Base, db

_PSYCOPG: Any = PGDialect_psycopg

DIALECTS = {"sqlite": sqlite.dialect(), "postgresql": _PSYCOPG(paramstyle="format")}  # with values by position

ROWS_PER_STATEMENT = 50  # 50 rows of 19 columns stay below 999 parameters, the limit of old builds of SQLite


def upsert_statement(model: type[Base]) -> Any:
    """Return an INSERT of whole rows that overwrites the rows with the same primary key."""
    statement = _upsert(model, db.engine.dialect.name)
    # With RETURNING, SQLAlchemy sends many rows in one statement, and PostgreSQL's triggers run once for all of them.
    if db.engine.dialect.name == "postgresql":
        statement = statement.returning(*_table(model).primary_key)
    return statement


def insert_rows(model: type[Base], names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    """Insert many rows. Several times faster than `insert(model)`, as `upsert_rows`. Call inside a write transaction.

    Args:
        model: the table.
        names: the columns.
        rows: the values of each row in the order of `names`.
    """
    if rows:
        _execute_for_rows(model, names, rows, overwrites=False)


def upsert_rows(model: type[Base], names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    """Insert or overwrite many rows.

    Faster than `upsert_statement`, which spends most of its time on processing single values. Call inside a write
    transaction. PostgreSQL gets several rows by COPY into a temporary table, and moves them with one statement.

    Args:
        model: the table.
        names: the columns.
        rows: the values of each row in the order of `names`.
    """
    if not rows:
        return
    if len(rows) > 1 and db.engine.dialect.name == "postgresql":
        _upsert_postgresql_rows(model, names, rows)
    else:
        _execute_for_rows(model, names, rows, overwrites=True)


def upsert_selected(model: type[Base], names: tuple[str, ...], selected: Select[Any]) -> None:
    """Insert or overwrite the rows that a query returns. Call inside a write transaction.

    Args:
        model: the table.
        names: the columns.
        selected: returns them in the order of `names`. Has a WHERE clause, which SQLite needs before ON CONFLICT.
    """
    statement = _upsert(model, db.engine.dialect.name)
    db.session.execute(statement.from_select(names, selected, include_defaults=False))


def _upsert_postgresql_rows(model: type[Base], names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    """Copy the rows into a temporary table, and upsert from there. The trigger functions run once for all rows."""
    connection = db.session.connection()
    staging = _staging_table(model, names)
    staging.create(connection)
    columns = ", ".join(f'"{name}"' for name in names)
    driver: Any = connection.connection.dbapi_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {staging.name} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute(_upsert(model, "postgresql").from_select(names, select(*staging.columns)))
    staging.drop(connection)


def _execute_for_rows(
    model: type[Base], names: tuple[str, ...], rows: Sequence[Sequence[Any]], *, overwrites: bool
) -> None:
    """Run one statement for every ROWS_PER_STATEMENT rows, and one for each row that is left over."""
    connection = db.session.connection()
    dialect = connection.dialect.name
    single = _compile_insert(model, names, dialect, row_count=1, overwrites=overwrites)
    values = single.convert(list(zip(*rows, strict=True)))
    whole = len(values) - len(values) % ROWS_PER_STATEMENT
    if whole:
        many = _compile_insert(model, names, dialect, row_count=ROWS_PER_STATEMENT, overwrites=overwrites)
        groups = [
            tuple(chain.from_iterable(values[start : start + ROWS_PER_STATEMENT]))
            for start in range(0, whole, ROWS_PER_STATEMENT)
        ]
        connection.exec_driver_sql(many.sql, groups)
    if whole < len(values):
        connection.exec_driver_sql(single.sql, values[whole:])


class CompiledInsert(NamedTuple):
    """SQL for the driver of a database.

    Attributes:
        sql: the statement, with a placeholder for each value.
        order: for each value of a row, the index of its column among the given names, and the function that converts
            it for the driver, if there is one.
    """

    sql: str
    order: list[tuple[int, Any]]

    def convert(self, columns: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """Return rows as parameters of the statement."""
        converted = (_convert_column(convert, columns[index]) for index, convert in self.order)
        return list(zip(*converted, strict=True))


def _convert_column(convert: Callable[[Any], Any] | None, values: Sequence[Any]) -> Iterable[Any]:
    if convert is None:
        return values
    if values.count(values[0]) == len(values):  # such as the time of an import: converted once
        return [convert(values[0])] * len(values)
    return map(convert, values)


def _table(model: type[Base]) -> Any:
    return model.metadata.tables[model.__tablename__]


@cache
def _upsert(model: type[Base], dialect: str) -> Any:
    # On the table and not on the model: for the mapper, rows with different nulls would be different statements.
    inserts: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    table = _table(model)
    insert = inserts[dialect](table)
    keys = list(table.primary_key)
    # FetchedValue: columns that triggers compute.
    writable = [column for column in table.columns if type(column.server_default) is not FetchedValue]
    assignments = {column.name: insert.excluded[column.name] for column in writable if column not in keys}
    if hasattr(model, "resolve_conflict"):
        assignments |= model.resolve_conflict(table.c, insert.excluded)
    return insert.on_conflict_do_update(index_elements=keys, set_=assignments)


@cache
def _staging_table(model: type[Base], names: tuple[str, ...]) -> Table:
    """Return a temporary table with some columns of a model, without constraints."""
    columns = _table(model).columns
    types = ((name, columns[name].type) for name in names)
    plain = [Column(name, Text() if isinstance(type_, Enum) else type_) for name, type_ in types]
    name = f"staged_{model.__tablename__}"
    return Table(name, MetaData(), *plain, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")


@cache
def _compile_insert(
    model: type[Base], names: tuple[str, ...], dialect_name: str, *, row_count: int, overwrites: bool
) -> CompiledInsert:
    """Compile the statement for a number of rows."""
    dialect = DIALECTS[dialect_name]
    columns = _table(model).columns
    rows = [{name: bindparam(f"{name}:{row}", type_=columns[name].type) for name in names} for row in range(row_count)]
    statement = _upsert(model, dialect_name) if overwrites else insert(_table(model))
    compiled: Any = statement.values(rows).compile(dialect=dialect)
    processors = {name: columns[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names}
    # Every row has its columns in the same order, so that of the first row is enough.
    first_row = [parameter.partition(":")[0] for parameter in compiled.positiontup[: len(names)]]
    return CompiledInsert(str(compiled), [(names.index(name), processors[name]) for name in first_row])
