"""Add the voices that the settings of assistants name besides the one that callers hear."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, Sortable

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table. The next sync of each source of the platform fills it."""
    assistant = sa.ForeignKey("assistant.id", ondelete="CASCADE")
    op.create_table(
        "assistant_voice",
        sa.Column("assistant_id", BigId, assistant, primary_key=True, autoincrement=False),
        sa.Column("provider", Sortable, primary_key=True),
        sa.Column("provider_voice_id", sa.Text, primary_key=True),
    )
    columns = ["provider", "provider_voice_id"]
    op.create_index("ix_assistant_voice_provider_provider_voice_id", "assistant_voice", columns)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("assistant_voice")
