"""Add the history of voices and slots by day. It begins with the voices as they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, UtcDay

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TODAY = {
    "sqlite": "CAST(strftime('%s', 'now') AS INTEGER) / 86400",
    "postgresql": "CAST(now() AT TIME ZONE 'UTC' AS date)",
}


def upgrade() -> None:
    """Create the tables, and a first row for each voice."""
    op.create_table(
        "voice_day",
        _reference("voice_id", "cloned_voice.id"),
        sa.Column("day", UtcDay, primary_key=True, autoincrement=False),
        sa.Column("synthesis_count", BigId, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("quality_score", sa.Float(53)),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_voice_day_day_voice_id", "voice_day", ["day", "voice_id"])
    _create_slot_day()
    op.create_table(
        "history_progress",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("weekly_until", UtcDay),
        sa.Column("deleted_until", UtcDay),
    )
    _insert_first_rows()


def _create_slot_day() -> None:
    op.create_table(
        "slot_day",
        _reference("source_id", "source.id"),
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("day", UtcDay, primary_key=True, autoincrement=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("slot_limit", sa.Integer),
        sqlite_with_rowid=False,
    )


def _reference(name: str, target: str) -> sa.Column[int]:
    return sa.Column(name, BigId, sa.ForeignKey(target, ondelete="CASCADE"), primary_key=True, autoincrement=False)


def _insert_first_rows() -> None:
    today = TODAY[op.get_bind().dialect.name]
    op.execute(
        sa.text(
            "INSERT INTO voice_day (voice_id, day, synthesis_count, status, quality_score)"
            f" SELECT id, {today}, synthesis_count, coalesce(upstream_status, status), quality_score"
            " FROM cloned_voice ORDER BY id"
        )
    )
    op.execute(
        sa.text(
            "INSERT INTO slot_day (source_id, kind, day, used, slot_limit)"
            f" SELECT source_id, kind, {today}, used, slot_limit FROM slot_use WHERE used IS NOT NULL"
        )
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in ("history_progress", "slot_day", "voice_day"):
        op.drop_table(name)
