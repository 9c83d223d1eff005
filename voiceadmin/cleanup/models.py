"""Tables of clean-up plans, of deletions at providers, and of prices."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, Text, text
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


class CleanUpListing(Base):
    """That a source listed a voice of a plan as ours when the plan was created.

    A voice that is re-created at its provider with the same ID differs in the time of its creation. The id of the
    source is no foreign key: the row outlives the source.

    Attributes:
        provider_voice_id: Of the voice when the plan was created.
        created_at: When the provider says that it created the voice; None if it did not tell.
    """

    __tablename__ = "clean_up_listing"

    plan_id: Mapped[int] = mapped_column(BigId, ForeignKey("clean_up_plan.id"), primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    source_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    provider_voice_id: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime | None] = mapped_column(UtcTime)


class DeletionRequest(Base):
    """What an admin asked for: to delete voices at their provider, or to look unconfirmed ones up again.

    Attributes:
        plan_id: whose voices they are; None for orphans.
        source_id: whose orphans they are; None for voices of a plan. No foreign key: the row outlives the source.
        action: A DeletionAction.
        voice_count: The number that the admin typed, or the number of voices to look up.
        requested_by_kind, requested_by_id, requested_by: The actor, for the audit events.
        ended_at: None while it is open.
        message: Why it ended early; "" if it did not.
        holder: The process that carries it out; "" if none does.
        holder_expires_at: When another process may take over.
    """

    __tablename__ = "deletion_request"
    __table_args__ = (
        Index(
            "ix_deletion_request_open",
            "plan_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    plan_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("clean_up_plan.id"))
    source_id: Mapped[int | None] = mapped_column(BigId)
    action: Mapped[str] = mapped_column(String(20))
    provider: Mapped[str] = mapped_column(Sortable)
    voice_count: Mapped[int] = mapped_column(BigId)
    requested_at: Mapped[datetime] = mapped_column(UtcTime)
    requested_by_kind: Mapped[str] = mapped_column(String(20))
    requested_by_id: Mapped[int | None] = mapped_column(BigId)
    requested_by: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    message: Mapped[str] = mapped_column(Text)
    holder: Mapped[str] = mapped_column(Text)
    holder_expires_at: Mapped[datetime | None] = mapped_column(UtcTime)


class DeletionItem(Base):
    """A voice of a plan, or an orphan of a source, whose deletion at its provider was requested.

    Attributes:
        plan_id: None for an orphan.
        position: in the plan, or of an orphan in its request.
        name: of an orphan at the provider; "" for a voice of a plan.
        request_id: The newest request that contains it.
        source_id: Through which it is deleted.
        state: A DeletionState. UNCONFIRMED is written before the request is sent to the provider.
        is_due: Whether the request still has to process it.
        message: What happened, or why nothing did, as a sentence.
        sent_at: When a deletion was last sent to the provider; None if none ever was.
        decided_at: When the state was last written.
    """

    __tablename__ = "deletion_item"
    __table_args__ = (
        Index(None, "request_id", "is_due", "position"),
        Index("ix_deletion_item_plan", "plan_id", "position", unique=True),
        Index(
            "ix_deletion_item_orphan",
            "source_id",
            "provider_voice_id",
            unique=True,
            sqlite_where=text("plan_id IS NULL"),
            postgresql_where=text("plan_id IS NULL"),
        ),
        Index(
            "ix_deletion_item_unconfirmed",
            "source_id",
            sqlite_where=text("state = 'unconfirmed'"),
            postgresql_where=text("state = 'unconfirmed'"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    plan_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("clean_up_plan.id"))
    position: Mapped[int] = mapped_column(BigId)
    name: Mapped[str] = mapped_column(Text)
    request_id: Mapped[int] = mapped_column(BigId, ForeignKey("deletion_request.id"))
    source_id: Mapped[int] = mapped_column(BigId)
    provider_voice_id: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime | None] = mapped_column(UtcTime)
    state: Mapped[str] = mapped_column(String(20))
    is_due: Mapped[bool]
    message: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime | None] = mapped_column(UtcTime)
    decided_at: Mapped[datetime] = mapped_column(UtcTime)
