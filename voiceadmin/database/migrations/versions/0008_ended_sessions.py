"""The newest session of an account that an admin of an organization has ended there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("membership", sa.Column("ended_session_id", BigId, nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("membership", "ended_session_id")
