"""Add the progress of syncs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import UtcTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("sync_run", sa.Column("progress", sa.Text(), nullable=True))
    op.add_column("sync_run", sa.Column("progress_at", UtcTime(), nullable=True))


def downgrade() -> None:
    """Drop the columns."""
    op.drop_column("sync_run", "progress_at")
    op.drop_column("sync_run", "progress")
