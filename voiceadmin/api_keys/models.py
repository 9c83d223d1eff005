"""Tables of API keys and the organizations that they read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base
from voiceadmin.database.types import BigId, UtcTime


class ApiKey(Base):
    """The API key of a program. hint: its first characters. all_organizations: whether it reads future ones too."""

    __tablename__ = "api_key"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    hint: Mapped[str] = mapped_column(Text)
    all_organizations: Mapped[bool] = mapped_column(server_default=false())
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcTime)


class ApiKeyOrganization(Base):
    """An organization that an API key reads."""

    __tablename__ = "api_key_organization"

    key_id: Mapped[int] = mapped_column(BigId, ForeignKey("api_key.id"), primary_key=True, autoincrement=False)
    organization_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True, autoincrement=False, index=True
    )
