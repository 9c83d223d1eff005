"""Note which stored verdicts do not hold any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, Sortable, UtcTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and the column. All stored verdicts hold."""
    op.create_table(
        "verdict_reset",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("provider", Sortable, nullable=False),
        sa.Column("organization_id", BigId),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("judged_at", UtcTime),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_verdict_reset_provider_organization_id", "verdict_reset", ["provider", "organization_id"])
    op.add_column("voice_verdict", sa.Column("reset_id", BigId, nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop the column and the table."""
    op.drop_column("voice_verdict", "reset_id")
    op.drop_table("verdict_reset")
