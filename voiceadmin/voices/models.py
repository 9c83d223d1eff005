"""Tables of cloned voices, and the tables that triggers derive from them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Enum,
    FetchedValue,
    Float,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    case,
    func,
    null,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base
from voiceadmin.database.totals import DAY_TOTALS, LARGE_TOTALS, PROVIDER_TOTALS
from voiceadmin.database.types import BigId, Sortable, UtcTime
from voiceadmin.voices.types.status import VoiceStatus

# The indexes of the list orders: the columns to order by, by name. Each begins with organization, status and provider,
# so that the voices of one status and provider are one ordered range, a partition.
ORDER_INDEXES = {
    "name": ("name_key",),
    "quality": ("quality_score",),
    "syntheses": ("synthesis_count",),
    "last_used": ("has_last_used_at", "last_activity_at"),
    "created": ("created_at",),
}


# The columns at the end of each of these indexes: what list filters test, so that a scan need not read the table.
FILTER_COLUMNS = (
    "id",
    "tier",
    "language",
    "has_last_used_at",
    "is_never_used",
    "last_activity_at",
)


# The partial indexes of the attention rules: the start time, further columns that the rule reads, and the condition.
QUEUE_INDEXES = {
    "failed": ("status_changed_at", (), "status = 'failed'"),
    "stuck": ("status_changed_at", (), "status = 'processing'"),
    "poor": ("created_at", (), "quality_score < 0.7 AND synthesis_count > 0 AND status <> 'archived'"),
    "unused": ("last_used_at", ("created_at",), "status = 'ready' AND last_used_at IS NOT NULL"),
    "never": ("created_at", (), "status = 'ready' AND last_used_at IS NULL AND synthesis_count = 0"),
    "used": ("synthesis_count", (), "status = 'ready' AND synthesis_count > 0"),
    "too_new": ("created_at", ("last_used_at",), "status = 'ready' AND last_used_at < created_at"),
}


def _order_index(name: str, columns: tuple[str, ...]) -> Index:
    return Index(
        f"ix_voice_by_{name}",
        "organization_id",
        "status",
        "provider",
        *columns,
        *(column for column in FILTER_COLUMNS if column not in columns),
    )


def _queue_index(name: str, since: str, columns: tuple[str, ...], condition: str) -> Index:
    return Index(
        f"ix_queue_{name}",
        since,
        "id",
        "organization_id",
        "provider",
        *columns,
        sqlite_where=text(condition),
        postgresql_where=text(condition),
    )


class ClonedVoice(Base):
    """A cloned voice: the eleven fields of upstream, local columns, and columns that the database computes.

    Attributes:
        id: Upstream's id.
        status: The status that is shown: "archived" for a voice that was archived here.
        name_key: The fold_case name, cut to the length that fits into an index.
        search_key: The fold_case name and provider's id, surrounded by line breaks.
        upstream_changed_at: When an import last changed a field; None if that was before this column existed.
        recorded_status_changed_at: When an import changed the status; None while the voice has its first known status.
        archived_at: When the voice was archived here. Like the next three, None for any other voice.
        archived_by: Who archived it here.
        archive_note: The note of the person who archived it.
        upstream_status: The status that upstream reports for a voice that was archived here.
        status_changed_at: Computed. When the voice got its status, at the latest.
        tier: Computed. `QualityTier.signal_level` of the score; 0 if not scored.
        has_last_used_at: Computed. 1 if the last use is known.
        is_never_used: Computed. 1 if there is neither a use nor a date of one.
        last_activity_at: Computed. The last use, or else the creation.
        json_body: Computed. The voice as the JSON route writes it.
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
        *(_order_index(name, columns) for name, columns in ORDER_INDEXES.items()),
        *(_queue_index(name, *parts) for name, parts in QUEUE_INDEXES.items()),
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
    def resolve_conflict(cls, existing: Any, incoming: Any) -> dict[str, Any]:
        """Return the columns that an upsert does not simply overwrite, so that an import never undoes a local archive.

        Args:
            existing: Columns of the stored row.
            incoming: Columns of the row to write, with upstream's status.
        """
        is_archived_here = existing.archived_at.is_not(None)
        previous_status = func.coalesce(existing.upstream_status, existing.status)
        return {
            "status": case((is_archived_here, existing.status), else_=incoming.status),
            "upstream_status": case((is_archived_here, incoming.status), else_=null()),
            "recorded_status_changed_at": case(
                (previous_status != incoming.status, incoming.upstream_changed_at),
                else_=existing.recorded_status_changed_at,
            ),
            "archived_at": existing.archived_at,
            "archived_by": existing.archived_by,
            "archive_note": existing.archive_note,
        }


class VoiceStats(Base):
    """Number of voices in each voice group, maintained by triggers.

    Attributes:
        language: "" for voices without a language.
        voices: Number of voices.
    """

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


def _total(name: str) -> Column[int]:
    return Column(name, BigId if name in LARGE_TOTALS else Integer, nullable=False, server_default="0")


# The voices of an organization at a provider; see `database.totals`. Maintained by triggers.
provider_totals = Table(
    "provider_totals",
    Base.metadata,
    Column("organization_id", BigId, primary_key=True, autoincrement=False),
    Column("provider", Sortable, primary_key=True),
    *map(_total, PROVIDER_TOTALS),
    Column("last_used_at", UtcTime),
    sqlite_with_rowid=False,
)

# The voices of all organizations at a provider, by the UTC day of their creation or last use. Maintained by triggers.
# The sum over all shards counts: PostgreSQL lets transactions that run at the same time write to different shards.
provider_day_totals = Table(
    "provider_day_totals",
    Base.metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("provider", Sortable, primary_key=True),
    Column("day", Sortable, primary_key=True),
    *map(_total, DAY_TOTALS),
    sqlite_with_rowid=False,
)


class SharedProviderVoiceRef(Base):
    """A provider voice reference that two voices of an organization have, or once had. Maintained by triggers.

    Attributes:
        voices: Number of voices with it that are not archived.
    """

    __tablename__ = "shared_provider_voice_ref"
    __table_args__ = (
        Index(
            "ix_shared_provider_voice_ref_duplicate",
            "organization_id",
            "provider",
            "voices",
            sqlite_where=text("voices > 1"),
            postgresql_where=text("voices > 1"),
        ),
    )

    organization_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    provider: Mapped[str] = mapped_column(Sortable, primary_key=True)
    provider_voice_id: Mapped[str] = mapped_column(Text, primary_key=True)
    voices: Mapped[int] = mapped_column(Integer, server_default="0")


class FormerProviderVoiceRef(Base):
    """A provider voice reference that a voice of an organization had before it changed. Maintained by triggers."""

    __tablename__ = "former_provider_voice_ref"

    organization_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    provider: Mapped[str] = mapped_column(Sortable, primary_key=True)
    provider_voice_id: Mapped[str] = mapped_column(Text, primary_key=True)


class VoiceVerdict(Base):
    """How a voice compares with its provider, as last judged. No row: it was not judged, or no source can list it.

    The row is valid while the voice is what it was judged on, see `verdicts.IS_VALID`. It was judged as if the lists
    of the provider were current: whether they are is read with it.

    Attributes:
        organization_id, provider, provider_voice_id, status, upstream_status: of the voice when it was judged.
            upstream_status: "" for a voice that was not archived here.
        verdict: `Verdict` as a value; None if nothing could be said.
        certainty: `Certainty` as a value.
        rests_on_absence: Whether the verdict follows from the lack of the voice in the lists.
        message: The reason as a sentence.
        since: When it first had this verdict and certainty.
        judged_at: When this row was written. Judging a voice anew writes nothing if the outcome is the same.
        reset_id: The newest `VerdictReset` when it was judged; 0 if there was none.
    """

    __tablename__ = "voice_verdict"
    __table_args__ = (Index(None, "verdict", "organization_id", "provider", "voice_id"),)

    voice_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("cloned_voice.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    organization_id: Mapped[int] = mapped_column(BigId)
    provider: Mapped[str] = mapped_column(Sortable)
    provider_voice_id: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20))
    upstream_status: Mapped[str] = mapped_column(String(20))
    verdict: Mapped[str | None] = mapped_column(String(20))
    certainty: Mapped[str] = mapped_column(String(20))
    rests_on_absence: Mapped[bool]
    message: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcTime)
    judged_at: Mapped[datetime] = mapped_column(UtcTime)
    reset_id: Mapped[int] = mapped_column(BigId, server_default="0")


class VerdictReset(Base):
    """A change of sources, so that verdicts with a smaller `reset_id` do not hold. See `verdicts.IS_RESET`.

    The newest reset of a provider and owner replaces older ones. The organization may have been removed.

    Attributes:
        id: The order in which resets were committed. Never used again, so that no verdict is newer than a reset.
        provider: Of the voices.
        organization_id: The owner of the voices; None for all organizations.
        at: When the sources changed.
        judged_at: When the voices were judged again, as far as their lists were read; None until then.
    """

    __tablename__ = "verdict_reset"
    __table_args__ = (Index(None, "provider", "organization_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    provider: Mapped[str] = mapped_column(Sortable)
    organization_id: Mapped[int | None] = mapped_column(BigId)
    at: Mapped[datetime] = mapped_column(UtcTime)
    judged_at: Mapped[datetime | None] = mapped_column(UtcTime)


class ImportStep(Base):
    """Changes of a large import into SQLite that are still to be written. See `importing.steps`.

    Attributes:
        position: 0 for the import itself, which exists once the import is started; the order of the changes from 1.
        content: as JSON.
    """

    __tablename__ = "import_step"

    position: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    content: Mapped[str] = mapped_column(Text)


class ProviderDeletion(Base):
    """A person's statement that a voice was deleted at its provider. Holds for the provider voice reference it names.

    Attributes:
        provider, provider_voice_id: of the voice when it was marked. If an import changes them, the mark is void.
    """

    __tablename__ = "provider_deletion"

    voice_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("cloned_voice.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    provider: Mapped[str] = mapped_column(Sortable)
    provider_voice_id: Mapped[str] = mapped_column(Text)
    marked_at: Mapped[datetime] = mapped_column(UtcTime)
    marked_by: Mapped[str] = mapped_column(Text)
