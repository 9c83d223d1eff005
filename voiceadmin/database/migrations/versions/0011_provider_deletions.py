"""Add marks of voices that were deleted at their provider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, Sortable, UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    voice_id = sa.ForeignKey("cloned_voice.id", ondelete="CASCADE")
    op.create_table(
        "provider_deletion",
        sa.Column("voice_id", BigId, voice_id, primary_key=True, autoincrement=False),
        sa.Column("provider", Sortable, nullable=False),
        sa.Column("provider_voice_id", sa.Text, nullable=False),
        sa.Column("marked_at", UtcTime, nullable=False),
        sa.Column("marked_by", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("provider_deletion")
