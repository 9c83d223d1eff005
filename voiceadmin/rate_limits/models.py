"""The table of token buckets."""

from __future__ import annotations

from sqlalchemy import Float, Text
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base


class TokenBucket(Base):
    """A token bucket. tokens: number at the time counted_at, in seconds since 1970."""

    __tablename__ = "token_bucket"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    tokens: Mapped[float] = mapped_column(Float(53))
    counted_at: Mapped[float] = mapped_column(Float(53), index=True)
