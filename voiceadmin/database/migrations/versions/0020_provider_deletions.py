"""Add whether voices may be deleted at the provider of a source."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import UtcTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. Deletion is allowed for no source."""
    op.add_column("source", sa.Column("deletion_allowed_at", UtcTime, nullable=True))
    op.add_column("source", sa.Column("deletion_allowed_by", sa.Text, nullable=True))


def downgrade() -> None:
    """Drop the columns."""
    op.drop_column("source", "deletion_allowed_by")
    op.drop_column("source", "deletion_allowed_at")
