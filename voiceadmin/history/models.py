"""Tables of the history."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Float, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from voiceadmin.database.base import Base
from voiceadmin.database.types import BigId, UtcDay


class VoiceDay(Base):
    """The values of a voice at the end of a UTC day on which one of them changed, or the voice was first seen.

    Attributes:
        day: The day on which a sync or an import found the values.
        status: Upstream's status, also for a voice that was archived here.
    """

    __tablename__ = "voice_day"
    __table_args__ = (Index(None, "day", "voice_id"), {"sqlite_with_rowid": False})

    voice_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("cloned_voice.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    day: Mapped[date] = mapped_column(UtcDay, primary_key=True, autoincrement=False)
    synthesis_count: Mapped[int] = mapped_column(BigId)
    status: Mapped[str] = mapped_column(String(20))
    quality_score: Mapped[float | None] = mapped_column(Float(53))


class SlotDay(Base):
    """The slots of one kind at the end of a UTC day on which they changed, or were first read.

    Attributes:
        slot_limit: None if the provider does not tell it.
    """

    __tablename__ = "slot_day"
    __table_args__ = ({"sqlite_with_rowid": False},)

    source_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("source.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    day: Mapped[date] = mapped_column(UtcDay, primary_key=True, autoincrement=False)
    used: Mapped[int]
    slot_limit: Mapped[int | None]


class HistoryProgress(Base):
    """One row: how far the history was thinned out.

    Attributes:
        weekly_until: Up to this day, each week of a voice has one row; None if no day was thinned out yet.
        deleted_until: Up to this day, each voice has one row; None if no day was deleted yet.
        trends_on: The last day on which the stored trends were renewed; None if they never were.
    """

    __tablename__ = "history_progress"

    id: Mapped[int] = mapped_column(primary_key=True)
    weekly_until: Mapped[date | None] = mapped_column(UtcDay)
    deleted_until: Mapped[date | None] = mapped_column(UtcDay)
    trends_on: Mapped[date | None] = mapped_column(UtcDay)


class VoiceTrend(Base):
    """The trend of a voice, if it is one of `STORED_TRENDS`, and the days on which it holds.

    It follows from the rows of the voice before a day, as long as the newest of them is the basis: a voice that is used
    again has another one, so that the row stops to hold without a write. See `voices.listing.trend_filter`.

    Attributes:
        organization_id: of the voice. The row does not hold if the voice has another one.
        trend: `Trend` as a value.
        from_day, until_day: The first and last day on which it holds. until_day: date.max if time does not change it.
        basis_day, basis_count: The newest row of the voice before from_day.
    """

    __tablename__ = "voice_trend"
    __table_args__ = (Index(None, "trend", "organization_id", "voice_id"),)

    voice_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("cloned_voice.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    organization_id: Mapped[int] = mapped_column(BigId)
    trend: Mapped[str] = mapped_column(String(20))
    from_day: Mapped[date] = mapped_column(UtcDay)
    until_day: Mapped[date] = mapped_column(UtcDay)
    basis_day: Mapped[date] = mapped_column(UtcDay)
    basis_count: Mapped[int] = mapped_column(BigId)
