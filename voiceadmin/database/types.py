"""Column types that behave the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Date, Dialect, Integer, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine

BigId = BigInteger().with_variant(Integer, "sqlite")  # only an INTEGER key is SQLite's 64-bit row id


Sortable = Text().with_variant(Text(collation="C"), "postgresql")  # code point order, as in SQLite


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC. In SQLite a text of fixed width, so that it sorts by time."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use text in SQLite and a timestamp with time zone in PostgreSQL."""
        return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Convert a value for the database. Raises ValueError for a naive time."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone.")
        if dialect.name == "postgresql":
            return value
        moment = value if value.tzinfo is UTC else value.astimezone(UTC)
        return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Convert a value from the database."""
        found: datetime | None = parse_timestamp(value)
        return found


def parse_timestamp(value: Any) -> Any:
    """Return an aware time from the driver's value; None for null."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


FIRST_DAY = date(1970, 1, 1)


class UtcDay(TypeDecorator[date]):
    """A day in UTC: a date in PostgreSQL, and the number of days since 1970 in SQLite, where a text would be larger."""

    impl = Integer
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use an integer in SQLite and a date in PostgreSQL."""
        return dialect.type_descriptor(Date() if dialect.name == "postgresql" else Integer())

    def process_bind_param(self, value: date | None, dialect: Dialect) -> Any:
        """Convert a value for the database."""
        return value if value is None or dialect.name == "postgresql" else (value - FIRST_DAY).days

    def process_result_value(self, value: Any, dialect: Dialect) -> date | None:
        """Convert a value from the database."""
        return FIRST_DAY + timedelta(days=value) if isinstance(value, int) else value
