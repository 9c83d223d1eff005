"""Tables of clean-up plans and of prices."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base
from voiceadmin.database.types import BigId, Sortable, UtcTime


class Price(Base):
    """What a provider takes for a voice in a month, as somebody wrote it down. cents: hundredths of the currency."""

    __tablename__ = "price"
    __table_args__ = (CheckConstraint("cents >= 0", name="cents"),)

    provider: Mapped[str] = mapped_column(Sortable, primary_key=True)
    cents: Mapped[int] = mapped_column(BigId)
    currency: Mapped[str] = mapped_column(String(3))
    as_of: Mapped[date] = mapped_column(Date)
    changed_at: Mapped[datetime] = mapped_column(UtcTime)
    changed_by: Mapped[str] = mapped_column(Text)


class CleanUpPlan(Base):
    """A clean-up that somebody planned, and perhaps confirmed.

    key: of the form that asked for it. chosen: by which filters, as JSON. number: of its
    voices. seen: the newest operation then. confirmed_by: "" until somebody did.
    """

    __tablename__ = "clean_up_plan"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    created_by: Mapped[str] = mapped_column(Text)
    filters: Mapped[str] = mapped_column(Text)
    voice_count: Mapped[int] = mapped_column(BigId)
    last_seen_operation_id: Mapped[int] = mapped_column(BigId)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    confirmed_by: Mapped[str] = mapped_column(Text)


class CleanUpOrganization(Base):
    """An organization that a plan has voices of; no foreign key, so that a plan never comes to be of fewer."""

    __tablename__ = "clean_up_organization"

    plan_id: Mapped[int] = mapped_column(BigId, ForeignKey("clean_up_plan.id"), primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)


class CleanUpItem(Base):
    """A voice of a plan, as it was then. Ids are no foreign keys: it outlives its voice.

    reason, fingerprint, since: why it could go. record: its JSON, anew when it is archived. state: an ItemState; why:
    it was left alone, or failed. operation_id: of the operation that archived it.
    """

    __tablename__ = "clean_up_item"
    __table_args__ = (Index(None, "plan_id", "state", "position"),)

    plan_id: Mapped[int] = mapped_column(BigId, ForeignKey("clean_up_plan.id"), primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    voice_id: Mapped[int] = mapped_column(BigId)
    organization_id: Mapped[int] = mapped_column(BigId)
    provider: Mapped[str] = mapped_column(Sortable)
    reason: Mapped[str] = mapped_column(String(20))
    fingerprint: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcTime)
    json_body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20))
    skip_reason: Mapped[str] = mapped_column(Text)
    operation_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("operation.id"))
