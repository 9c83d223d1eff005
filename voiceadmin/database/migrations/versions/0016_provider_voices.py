"""Add the voices, listings, look-ups and slots of providers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, UtcTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "provider_listing",
        _source_id(),
        sa.Column("name", sa.String(50), primary_key=True),
        sa.Column("attempted_at", UtcTime, nullable=False),
        sa.Column("result", sa.String(20), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("complete_at", UtcTime),
        sa.Column("voices", sa.Integer, nullable=False),
        sa.Column("withheld", sa.Text, nullable=False),
    )
    _create_provider_voice()
    op.create_table(
        "provider_look_up",
        _source_id(),
        sa.Column("voice_id", sa.Text, primary_key=True),
        sa.Column("answer", sa.String(20), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("asked_at", UtcTime, nullable=False),
    )
    op.create_table(
        "slot_use",
        _source_id(),
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("used", sa.Integer),
        sa.Column("slot_limit", sa.Integer),
        sa.Column("is_counted", sa.Boolean, nullable=False),
        sa.Column("read_at", UtcTime, nullable=False),
    )


def _source_id() -> sa.Column[int]:
    source = sa.ForeignKey("source.id", ondelete="CASCADE")
    return sa.Column("source_id", BigId, source, primary_key=True, autoincrement=False)


def _create_provider_voice() -> None:
    op.create_table(
        "provider_voice",
        _source_id(),
        sa.Column("voice_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("is_ours", sa.Boolean, nullable=False),
        sa.Column("raw_state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("slot", sa.String(20)),
        sa.Column("created_at", UtcTime),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("gender", sa.Text, nullable=False),
        sa.Column("breaks_at", UtcTime),
        sa.Column("first_listed_at", UtcTime, nullable=False),
        sa.Column("absent_since", UtcTime),
    )
    op.create_index("ix_provider_voice_voice_id", "provider_voice", ["voice_id"])


def downgrade() -> None:
    """Drop the tables."""
    for name in ("slot_use", "provider_look_up", "provider_voice", "provider_listing"):
        op.drop_table(name)
