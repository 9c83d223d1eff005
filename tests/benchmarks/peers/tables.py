"""The voices as the other programs map them: the eleven fields of the API and the organization.

Columns that only voiceadmin uses are left out, so that they cost the other
programs nothing.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, event, make_url
from sqlalchemy.engine import URL, Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from voiceadmin.database.types import UtcTime


class Base(DeclarativeBase):
    """Base of the mapped tables."""


class Organization(Base):
    """An organization that owns voices."""

    __tablename__ = "organization"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Voice(Base):
    """A cloned voice."""

    __tablename__ = "cloned_voice"

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id"))
    name: Mapped[str]
    provider: Mapped[str]
    provider_voice_id: Mapped[str]
    language: Mapped[str | None]
    gender: Mapped[str | None]
    status: Mapped[str]
    quality_score: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcTime)
    synthesis_count: Mapped[int]


def database_url() -> URL:
    """The database URL for SQLAlchemy."""
    address = os.environ["BENCH_DATABASE"]
    if address.startswith("postgresql:"):
        return make_url(address).set(drivername="postgresql+psycopg").update_query_dict({"options": "-c timezone=UTC"})
    return URL.create("sqlite", database=address)


@event.listens_for(Engine, "connect")
def _wait_for_writers(connection: Any, _: Any) -> None:
    if database_url().get_backend_name() == "sqlite":
        connection.execute("PRAGMA busy_timeout=5000").close()
