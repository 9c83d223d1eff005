"""Add the sources of voices, the runs of their syncs, and which voices they list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, UtcTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _create_source()
    _create_sync_run()
    _create_source_voice()
    _create_sync_lease()


def _create_source() -> None:
    organization_id = sa.ForeignKey("organization.id", ondelete="CASCADE")
    op.create_table(
        "source",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("organization_id", BigId, organization_id),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("key_variable", sa.Text),
        sa.Column("encrypted_key", sa.Text),
        sa.Column("assistant_ids", sa.Text, nullable=False),
        sa.Column("etags", sa.Text, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("disabled_at", UtcTime),
        sa.Column("tested_at", UtcTime),
        sa.Column("rights", sa.Text),
        sa.Column("account_hash", sa.Text, nullable=False),
        sa.Column("account_changed_at", UtcTime),
        sa.Column("sync_requested_at", UtcTime),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_source_organization_id", "source", ["organization_id"])


def _create_sync_run() -> None:
    op.create_table(
        "sync_run",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("source_id", BigId, sa.ForeignKey("source.id", ondelete="CASCADE"), nullable=False),
        sa.Column("started_at", UtcTime, nullable=False),
        sa.Column("ended_at", UtcTime),
        sa.Column("result", sa.String(20), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("requests", sa.Text, nullable=False),
        sa.Column("faults", sa.Text, nullable=False),
        sa.Column("started_by", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sync_run_source_id_id", "sync_run", ["source_id", "id"])


def _create_source_voice() -> None:
    source_id = sa.ForeignKey("source.id", ondelete="CASCADE")
    voice_id = sa.ForeignKey("cloned_voice.id", ondelete="CASCADE")
    op.create_table(
        "source_voice",
        sa.Column("source_id", BigId, source_id, primary_key=True, autoincrement=False),
        sa.Column("voice_id", BigId, voice_id, primary_key=True, autoincrement=False),
        sa.Column("first_listed_at", UtcTime, nullable=False),
        sa.Column("missing_since", UtcTime),
    )
    op.create_index("ix_source_voice_voice_id", "source_voice", ["voice_id"])
    missing = sa.text("missing_since IS NOT NULL")
    op.create_index(
        "ix_source_voice_missing", "source_voice", ["missing_since"], sqlite_where=missing, postgresql_where=missing
    )


def _create_sync_lease() -> None:
    op.create_table(
        "sync_lease",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
        sa.Column("every_seconds", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in ("sync_lease", "source_voice", "sync_run", "source"):
        op.drop_table(name)
