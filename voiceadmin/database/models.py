"""The table that identifies this database."""

from __future__ import annotations

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base


class DatabaseIdentity(Base):
    """One row: a random name of this database, which makes ETags of different databases different."""

    __tablename__ = "database_identity"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
