"""Add merges of organizations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the tables."""
    op.add_column("organization", sa.Column("merged_into_id", BigId))
    op.create_index("ix_organization_merged_into_id", "organization", ["merged_into_id"])
    op.create_table(
        "organization_merge",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("source_id", BigId, sa.ForeignKey("organization.id"), nullable=False, index=True),
        sa.Column("target_id", BigId, sa.ForeignKey("organization.id"), nullable=False, index=True),
        sa.Column("merged_at", UtcTime, nullable=False),
        sa.Column("merged_by", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("undone_at", UtcTime),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "merged_voice",
        sa.Column("merge_id", BigId, sa.ForeignKey("organization_merge.id"), primary_key=True, autoincrement=False),
        sa.Column("voice_id", BigId, primary_key=True, autoincrement=False),
    )


def downgrade() -> None:
    """Drop the tables and the column."""
    op.drop_table("merged_voice")
    op.drop_table("organization_merge")
    op.drop_index("ix_organization_merged_into_id", "organization")
    op.drop_column("organization", "merged_into_id")
