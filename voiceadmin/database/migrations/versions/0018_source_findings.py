"""Add what the rules about sources read, and let assignments and mutes be about sources of the platform."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, UtcTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLES_OF_OBJECTS = ("assignment", "mute")

SOURCE_COLUMNS = ("read_at", "failing_since", "failure", "orphan_count", "orphans_since")

IS_PLATFORM = "source.kind IN ('burki', 'voiceadmin')"

RUNS = "FROM sync_run WHERE sync_run.source_id = source.id"

# The lists of a provider are read together. Of the platform, the runs tell when its lists were read.
FILL_READ_AT = f"""
UPDATE source SET read_at = CASE WHEN {IS_PLATFORM}
    THEN (SELECT max(started_at) {RUNS} AND result = 'complete')
    ELSE (SELECT CASE WHEN count(*) = count(complete_at) THEN min(complete_at) END
          FROM provider_listing WHERE provider_listing.source_id = source.id)
END
"""

# A list that a person has believed since is complete, although the run is not.
FILL_FAILING_SINCE = f"""
UPDATE source SET
    failing_since = (SELECT min(started_at) {RUNS} AND result IN ('incomplete', 'failed')
                     AND (source.read_at IS NULL OR started_at > source.read_at)),
    failure = coalesce((SELECT message {RUNS} AND result IN ('incomplete', 'failed')
                        AND (source.read_at IS NULL OR started_at > source.read_at)
                        ORDER BY id DESC LIMIT 1), '')
"""

FILL_NEARLY_FULL_SINCE = (
    "UPDATE slot_use SET nearly_full_since = read_at WHERE used > 0 AND used * 100 >= slot_limit * 90"
)


def upgrade() -> None:
    """Add and fill the columns, and let the organization of an assignment and of a mute be NULL."""
    op.add_column("source", sa.Column("read_at", UtcTime))
    op.add_column("source", sa.Column("failing_since", UtcTime))
    op.add_column("source", sa.Column("failure", sa.Text, nullable=False, server_default=sa.text("''")))
    op.add_column("source", sa.Column("orphan_count", sa.Integer))
    op.add_column("source", sa.Column("orphans_since", UtcTime))
    op.add_column("slot_use", sa.Column("nearly_full_since", UtcTime))
    for statement in (FILL_READ_AT, FILL_FAILING_SINCE, FILL_NEARLY_FULL_SINCE):
        op.execute(sa.text(statement))
    _set_organization_nullable(True)


def _set_organization_nullable(is_nullable: bool) -> None:
    """Change the column in both tables, which SQLite does by copying them."""
    for table in TABLES_OF_OBJECTS:
        with op.batch_alter_table(table) as batch:
            batch.alter_column("organization_id", existing_type=BigId, nullable=is_nullable)


def downgrade() -> None:
    """Delete assignments and mutes of sources, and drop the columns."""
    for table in TABLES_OF_OBJECTS:
        op.execute(f"DELETE FROM {table} WHERE object_kind = 'source'")
    _set_organization_nullable(False)
    op.drop_column("slot_use", "nearly_full_since")
    for name in reversed(SOURCE_COLUMNS):
        op.drop_column("source", name)
