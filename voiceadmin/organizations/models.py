"""Tables of organizations and their assistants."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    Index,
    Text,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base
from voiceadmin.database.types import BigId, Sortable, UtcTime
from voiceadmin.identity import OrganizationId


class Organization(Base):
    """An owner of assistants and voices.

    Attributes:
        id: Generated here.
        upstream_id: Upstream's id; None if it is not known.
        revision: Triggers set it to a new random number whenever a voice of the organization is written, by any
            process. Random and not a counter: after a backup is restored, a counter could repeat a value with other
            voices.
        sample: Whether the organization belongs to the sample data.
        merged_into_id: The organization that got its voices and assistants; None if it was not merged. Its audit events
            stay with this row, which nothing else uses then.
    """

    __tablename__ = "organization"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[OrganizationId] = mapped_column(BigId, primary_key=True)
    upstream_id: Mapped[int | None] = mapped_column(BigId, unique=True)
    name: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(BigId, server_default="0")
    sample: Mapped[bool] = mapped_column(server_default=false())
    merged_into_id: Mapped[int | None] = mapped_column(BigId, index=True)


class Assistant(Base):
    """An AI phone agent.

    Attributes:
        id: Upstream's id.
        name_key: The fold_case name, for search and order.
        tts_provider: See AssistantRow; so are tts_voice_id and is_voice_spoken.
        is_unready: Whether callers should hear a cloned voice that is not ready. Maintained by triggers.
        unready_since: When the last voice with its reference stopped being ready. None if it is not unready, or if no
            such voice exists. Maintained by triggers.
    """

    __tablename__ = "assistant"
    __table_args__ = (
        Index(None, "organization_id", "tts_provider", "tts_voice_id"),
        Index(None, "tts_provider", "tts_voice_id"),  # to find the assistants of all organizations
        Index(
            "ix_assistant_unready",
            "organization_id",
            "tts_provider",
            sqlite_where=text("is_unready"),
            postgresql_where=text("is_unready"),
        ),
        # ix_assistant_unready_since is created by migration 0014: only PostgreSQL's must say NULLS FIRST.
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(BigId, ForeignKey("organization.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Sortable)
    active: Mapped[bool] = mapped_column(server_default=true())
    tts_provider: Mapped[str | None] = mapped_column(Text)
    tts_voice_id: Mapped[str | None] = mapped_column(Text)
    is_voice_spoken: Mapped[bool] = mapped_column(server_default=true())
    is_unready: Mapped[bool] = mapped_column(server_default=false())
    unready_since: Mapped[datetime | None] = mapped_column(UtcTime)


class AssistantVoice(Base):
    """A voice that the settings of an assistant name besides the one in `Assistant.tts_voice_id`.

    The platform can come back to it, so that it must not be deleted at its provider.
    """

    __tablename__ = "assistant_voice"
    __table_args__ = (Index(None, "provider", "provider_voice_id"),)

    assistant_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("assistant.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    provider: Mapped[str] = mapped_column(Sortable, primary_key=True)
    provider_voice_id: Mapped[str] = mapped_column(Text, primary_key=True)


class OrganizationMerge(Base):
    """A merge of one organization into another, with what is needed to undo it.

    Attributes:
        details: JSON of the assistants, roles and API keys that were moved; see `management.actions.merging`.
        undone_at: None while the merge is in force.
    """

    __tablename__ = "organization_merge"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source_id: Mapped[int] = mapped_column(BigId, ForeignKey("organization.id"), index=True)
    target_id: Mapped[int] = mapped_column(BigId, ForeignKey("organization.id"), index=True)
    merged_at: Mapped[datetime] = mapped_column(UtcTime)
    merged_by: Mapped[str] = mapped_column(Text)
    details: Mapped[str] = mapped_column(Text)
    undone_at: Mapped[datetime | None] = mapped_column(UtcTime)


class MergedVoice(Base):
    """A voice that a merge moved. The id is no foreign key: the row outlives the voice."""

    __tablename__ = "merged_voice"

    merge_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("organization_merge.id"), primary_key=True, autoincrement=False
    )
    voice_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
