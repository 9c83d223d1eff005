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
    """One user action on one or many objects. Its audit events contain the values before and after.

    Attributes:
        key: identifies a repeated request.
        outcome: JSON of skipped objects, organizations and counts; see `build_operation_row`.
        undoes: the operation that it undid.
        undone_by: the operation that undid it.
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
