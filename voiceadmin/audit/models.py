"""The table of audit events."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base
from voiceadmin.database.types import BigId, Sortable, UtcTime


class AuditEvent(Base):
    """An audit event. Triggers refuse to change or delete one.

    Ids are not foreign keys, because an event outlives the objects that it names.

    Attributes:
        actor_key: the case-folded name of the actor, for look-ups.
        organization_id: the organization that it concerns; None for none, or for several: see AuditEventOrganization.
        before, after: the changed values as JSON.
        operation_id: the operation that it is part of, None for what cannot be undone.
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


class AuditEventOrganization(Base):
    """One of several organizations that an audit event concerns. Triggers refuse to change or delete a row."""

    __tablename__ = "audit_event_organization"

    organization_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
