"""The voices as the peers map them: the eleven fields of the API and the organization, and nothing that is only ours.

Columns that our own program keeps for itself are left out, so that no peer
pays for them.
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
    """Who owns voices."""

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


def where() -> URL:
    """The address of the store, for SQLAlchemy."""
    store = os.environ["BENCH_STORE"]
    if store.startswith("postgresql:"):
        return make_url(store).set(drivername="postgresql+psycopg").update_query_dict({"options": "-c timezone=UTC"})
    return URL.create("sqlite", database=store)


@event.listens_for(Engine, "connect")
def _wait_for_writers(connection: Any, _: Any) -> None:
    if where().get_backend_name() == "sqlite":
        connection.execute("PRAGMA busy_timeout=5000").close()
