"""Tables of organizations and their assistants."""

from __future__ import annotations

from sqlalchemy import (
    ForeignKey,
    Index,
    Text,
    false,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base
from voiceadmin.database.types import BigId, Sortable
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
    """

    __tablename__ = "organization"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[OrganizationId] = mapped_column(BigId, primary_key=True)
    upstream_id: Mapped[int | None] = mapped_column(BigId, unique=True)
    name: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(BigId, server_default="0")
    sample: Mapped[bool] = mapped_column(server_default=false())


class Assistant(Base):
    """An AI phone agent.

    Attributes:
        id: Upstream's id.
        name_key: The fold_case name, for search and order.
        tts_provider: See AssistantRow; so is tts_voice_id.
    """

    __tablename__ = "assistant"
    __table_args__ = (Index(None, "organization_id", "tts_provider", "tts_voice_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(BigId, ForeignKey("organization.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Sortable)
    active: Mapped[bool] = mapped_column(server_default=true())
    tts_provider: Mapped[str | None] = mapped_column(Text)
    tts_voice_id: Mapped[str | None] = mapped_column(Text)
