"""Tables of clean-up plans and of prices."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base
from voiceadmin.database.types import BigId, Sortable, UtcTime


class Price(Base):
    """What a provider charges for one voice and month, as an admin entered it. cents: hundredths of the currency."""

    __tablename__ = "price"
    __table_args__ = (CheckConstraint("cents >= 0", name="cents"),)

    provider: Mapped[str] = mapped_column(Sortable, primary_key=True)
    cents: Mapped[int] = mapped_column(BigId)
    currency: Mapped[str] = mapped_column(String(3))
    as_of: Mapped[date] = mapped_column(Date)
    changed_at: Mapped[datetime] = mapped_column(UtcTime)
    changed_by: Mapped[str] = mapped_column(Text)


class CleanUpPlan(Base):
    """A clean-up plan.

    Attributes:
        key: Identifies the form that created the plan, so that sending it again creates no other.
        filters: The CleanUpFilters as JSON.
        last_seen_operation_id: The newest operation when the plan was created.
        confirmed_by: Empty until an admin confirms the plan.
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
    """An organization that owns voices of a plan.

    No foreign key: when an organization is deleted, the plan must not become visible to those who could not see it.
    """

    __tablename__ = "clean_up_organization"

    plan_id: Mapped[int] = mapped_column(BigId, ForeignKey("clean_up_plan.id"), primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)


class CleanUpItem(Base):
    """A voice of a plan, as it was then. Ids are no foreign keys: the item outlives its voice.

    Attributes:
        reason: Slug of the rule; fingerprint and since are those of its finding.
        provider: Of the voice. Like json_body, updated right before the voice is archived.
        json_body: The voice as the JSON route writes it.
        state: An ItemState.
        skip_reason: The code of a SkipReason; empty for none.
        operation_id: The operation that archived the voice.
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
