"""Add the verdicts of voices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, Sortable, UtcTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table. The next sync of a provider fills it."""
    voice = sa.ForeignKey("cloned_voice.id", ondelete="CASCADE")
    op.create_table(
        "voice_verdict",
        sa.Column("voice_id", BigId, voice, primary_key=True, autoincrement=False),
        sa.Column("organization_id", BigId, nullable=False),
        sa.Column("provider", Sortable, nullable=False),
        sa.Column("provider_voice_id", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("upstream_status", sa.String(20), nullable=False),
        sa.Column("verdict", sa.String(20)),
        sa.Column("certainty", sa.String(20), nullable=False),
        sa.Column("rests_on_absence", sa.Boolean, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("since", UtcTime, nullable=False),
        sa.Column("judged_at", UtcTime, nullable=False),
    )
    columns = ["verdict", "organization_id", "provider", "voice_id"]
    op.create_index("ix_voice_verdict_verdict_organization_id_provider_voice_id", "voice_verdict", columns)
    op.create_index("ix_source_kind_organization_id", "source", ["kind", "organization_id"])


def downgrade() -> None:
    """Drop the table and the index."""
    op.drop_index("ix_source_kind_organization_id", "source")
    op.drop_table("voice_verdict")
