"""Tables of cloned voices and their trigger-maintained counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Enum,
    FetchedValue,
    Float,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    case,
    func,
    null,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base
from voiceadmin.database.types import BigId, Sortable, UtcTime
from voiceadmin.voices.types.status import VoiceStatus

# The orders of a list of voices, each an index of one stretch for every status and provider; then what filters test.
ORDERS = {
    "name": ("name_key",),
    "quality": ("quality_score",),
    "syntheses": ("synthesis_count",),
    "last_used": ("has_last_used_at", "last_activity_at"),
    "created": ("created_at",),
}


TESTED = ("id", "tier", "language", "has_last_used_at", "is_never_used", "last_activity_at")


# What the rules of attention read: the order of each queue, and of which voices.
QUEUES = {
    "failed": ("status_changed_at", (), "status = 'failed'"),
    "stuck": ("status_changed_at", (), "status = 'processing'"),
    "poor": ("created_at", (), "quality_score < 0.7 AND synthesis_count > 0 AND status <> 'archived'"),
    "unused": ("last_used_at", ("created_at",), "status = 'ready' AND last_used_at IS NOT NULL"),
    "never": ("created_at", (), "status = 'ready' AND last_used_at IS NULL AND synthesis_count = 0"),
    "archived": ("archived_at", (), "archived_at IS NOT NULL"),
    "used": ("synthesis_count", (), "status = 'ready' AND synthesis_count > 0"),
}


class ClonedVoice(Base):
    """A cloned voice: upstream's eleven fields, the organization, and two folded texts to order and search by.

    id is upstream's. name_key: the folded name, cut to fit into an index.
    search_key: folded name and provider's id, between newlines.

    status is the one that is shown. Of a voice that was archived here, archived_at
    tells when, archived_by and archive_note by whom and why, and
    upstream_status what upstream says meanwhile; all four are None of any other.
    upstream_changed_at: when upstream last said anything new of it, None if before that was kept.
    recorded_status_changed_at: when it came to its status; None as long as it is in the first one known.

    The database works out the last six itself. status_changed_at: since when it has
    its status at least. tier: of the quality score, its bars, 0 without a score.
    has_last_used_at: 1 when the last use is known. never: 1 when there was none.
    last_activity_at: the last use, or else the creation. record: its JSON as the JSON
    route writes it.
    """

    __tablename__ = "cloned_voice"
    __table_args__ = (
        CheckConstraint("id >= 1", name="id"),
        CheckConstraint("quality_score BETWEEN 0.0 AND 1.0", name="quality_score"),
        CheckConstraint("synthesis_count >= 0", name="synthesis_count"),
        CheckConstraint(
            "(archived_at IS NULL AND upstream_status IS NULL)"
            " OR (archived_at IS NOT NULL AND upstream_status IS NOT NULL AND status = 'archived')",
            name="archived",
        ),
        Index(None, "organization_id", "provider", "provider_voice_id"),
        *(
            Index(
                f"ix_voice_by_{name}",
                *("organization_id", "status", "provider", *columns, *(one for one in TESTED if one not in columns)),
            )
            for name, columns in ORDERS.items()
        ),
        *(
            Index(
                *(f"ix_queue_{name}", since, "id", "organization_id", "provider", *more),
                sqlite_where=text(condition),
                postgresql_where=text(condition),
            )
            for name, (since, more, condition) in QUEUES.items()
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(BigId, ForeignKey("organization.id"))
    name: Mapped[str] = mapped_column(Text)
    provider: Mapped[str] = mapped_column(Sortable)
    provider_voice_id: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Sortable)
    gender: Mapped[str | None] = mapped_column(Text)
    status: Mapped[VoiceStatus] = mapped_column(
        Enum(
            VoiceStatus,
            native_enum=False,
            create_constraint=True,
            name="status",
            length=20,
            values_callable=lambda statuses: [status.value for status in statuses],
        )
    )
    quality_score: Mapped[float | None] = mapped_column(Float(53))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcTime)
    synthesis_count: Mapped[int] = mapped_column(BigId)
    name_key: Mapped[str] = mapped_column(Sortable)
    search_key: Mapped[str] = mapped_column(Text)
    upstream_changed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    recorded_status_changed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    upstream_status: Mapped[str | None] = mapped_column(String(20))
    archived_at: Mapped[datetime | None] = mapped_column(UtcTime)
    archived_by: Mapped[str | None] = mapped_column(Text)
    archive_note: Mapped[str | None] = mapped_column(Text)

    status_changed_at: Mapped[datetime] = mapped_column(UtcTime, FetchedValue())
    tier: Mapped[int] = mapped_column(SmallInteger, FetchedValue())
    has_last_used_at: Mapped[int] = mapped_column(SmallInteger, FetchedValue())
    is_never_used: Mapped[int] = mapped_column(SmallInteger, FetchedValue())
    last_activity_at: Mapped[datetime] = mapped_column(UtcTime, FetchedValue())
    json_body: Mapped[str] = mapped_column(Text, FetchedValue())

    @classmethod
    def overwritten(cls, kept: Any, given: Any) -> dict[str, Any]:
        """What an upsert does not simply overwrite: upstream's word never undoes our archiving."""
        here = kept.archived_at.is_not(None)
        before = func.coalesce(kept.upstream_status, kept.status)
        return {
            "status": case((here, kept.status), else_=given.status),
            "upstream_status": case((here, given.status), else_=null()),
            "recorded_status_changed_at": case(
                (before != given.status, given.upstream_changed_at), else_=kept.recorded_status_changed_at
            ),
            **{name: kept[name] for name in ("archived_at", "archived_by", "archive_note")},
        }


class VoiceStats(Base):
    """How many voices an organization has of each kind, kept by triggers. language: "" for none."""

    __tablename__ = "voice_stats"
    __table_args__ = (Index(None, "provider", "status", "tier", "voices"), {"sqlite_with_rowid": False})

    organization_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(20), primary_key=True)
    provider: Mapped[str] = mapped_column(Sortable, primary_key=True)
    language: Mapped[str] = mapped_column(Sortable, primary_key=True)
    tier: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    has_last_used_at: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    is_never_used: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    voices: Mapped[int] = mapped_column(BigId)


class SharedProviderVoiceRef(Base):
    """A provider and an id of it where two voices of an organization lie, or once lay. Kept by triggers."""

    __tablename__ = "shared_provider_voice_ref"

    organization_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    provider: Mapped[str] = mapped_column(Sortable, primary_key=True)
    provider_voice_id: Mapped[str] = mapped_column(Text, primary_key=True)


class FormerProviderVoiceRef(Base):
    """A provider and an id of it where a voice of an organization once lay and went away. Kept by triggers."""

    __tablename__ = "former_provider_voice_ref"

    organization_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    provider: Mapped[str] = mapped_column(Sortable, primary_key=True)
    provider_voice_id: Mapped[str] = mapped_column(Text, primary_key=True)
