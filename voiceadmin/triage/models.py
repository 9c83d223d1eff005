"""Tables of assignments and mutes."""

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


class Assignment(Base):
    """The person that a voice, an assistant or a source is assigned to.

    Attributes:
        organization_id: of the object; None for a source of the platform.
    """

    __tablename__ = "assignment"

    object_kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    object_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    organization_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[int] = mapped_column(BigId, ForeignKey("account.id"), index=True)


class Mute(Base):
    """A finding that a person acknowledged or snoozed. The queue hides it while its fingerprint stays the same.

    Attributes:
        organization_id: of the object; None for a source of the platform.
        until: when the queue shows it again even if the fingerprint is the same; None for never.
    """

    __tablename__ = "mute"

    object_kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    object_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    organization_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    reason: Mapped[str] = mapped_column(String(20), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(20))
    until: Mapped[datetime | None] = mapped_column(UtcTime)
    muted_at: Mapped[datetime] = mapped_column(UtcTime)
    muted_by: Mapped[str] = mapped_column(Text)
