"""The table of audit events."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    Index,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base
from voiceadmin.database.types import BigId, Sortable, UtcTime


class AuditEvent(Base):
    """Who did what. Triggers refuse to alter or remove a line. actor_key: the folded name. before, after: JSON.

    operation_id: of the operation that it is a part of, None for what cannot be undone.
    Ids are no foreign keys: a line outlives what it speaks of.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(None, "organization_id", "id"),
        Index(None, "actor_key", "id"),
        Index(None, "event_type", "id"),
        Index(None, "object_kind", "object_id", "id"),
        Index(None, "operation_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcTime, index=True)
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[int | None] = mapped_column(BigId)
    actor_name: Mapped[str] = mapped_column(Text)
    actor_key: Mapped[str] = mapped_column(Sortable)
    address: Mapped[str | None] = mapped_column(Text)
    event_type: Mapped[str] = mapped_column(String(40))
    organization_id: Mapped[int | None] = mapped_column(BigId)
    object_kind: Mapped[str] = mapped_column(String(20))
    object_id: Mapped[int | None] = mapped_column(BigId)
    object_name: Mapped[str] = mapped_column(Text)
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    operation_id: Mapped[int | None] = mapped_column(BigId)
