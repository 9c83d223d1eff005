"""Add the trends of voices, for a filter of lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, UtcDay

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table. The process that syncs, or “history renew-trends”, fills it."""
    voice = sa.ForeignKey("cloned_voice.id", ondelete="CASCADE")
    op.create_table(
        "voice_trend",
        sa.Column("voice_id", BigId, voice, primary_key=True, autoincrement=False),
        sa.Column("organization_id", BigId, nullable=False),
        sa.Column("trend", sa.String(20), nullable=False),
        *(sa.Column(name, UtcDay, nullable=False) for name in ("from_day", "until_day", "basis_day")),
        sa.Column("basis_count", BigId, nullable=False),
    )
    columns = ["trend", "organization_id", "voice_id"]
    op.create_index("ix_voice_trend_trend_organization_id_voice_id", "voice_trend", columns)
    op.add_column("history_progress", sa.Column("trends_on", UtcDay))


def downgrade() -> None:
    """Drop the table and the column."""
    op.drop_column("history_progress", "trends_on")
    op.drop_table("voice_trend")
