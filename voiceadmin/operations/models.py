"""The table of operations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base
from voiceadmin.database.types import BigId, UtcTime


class Operation(Base):
    """Something done at the desk, to one thing or to many, whose lines of the audit trail belong together.

    key: of what was asked for, so that sending it again does nothing.
    number: how many things it changed. outcome: what became of the others, as JSON.
    undoes, undone_by: another operation.
    """

    __tablename__ = "operation"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    at: Mapped[datetime] = mapped_column(UtcTime)
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[int | None] = mapped_column(BigId)
    actor_name: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(20))
    object_count: Mapped[int] = mapped_column(BigId)
    outcome: Mapped[str] = mapped_column(Text)
    undoes: Mapped[int | None] = mapped_column(BigId, ForeignKey("operation.id"))
    undone_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("operation.id"))
