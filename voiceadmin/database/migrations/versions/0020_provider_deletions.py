"""Add the deletion of voices at their providers: who may, what plans listed, and what was requested."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, Sortable, UtcTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


IS_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Add the columns and tables. Deletion is allowed for no source, and plans that exist have listed no voice."""
    op.add_column("source", sa.Column("deletion_allowed_at", UtcTime, nullable=True))
    op.add_column("source", sa.Column("deletion_allowed_by", sa.Text, nullable=True))

    _create_listing()
    _create_request()
    _create_item()


def _plan_columns() -> tuple[sa.Column[int], sa.Column[int]]:
    plan = sa.ForeignKey("clean_up_plan.id")
    return (
        sa.Column("plan_id", BigId, plan, primary_key=True, autoincrement=False),
        sa.Column("position", BigId, primary_key=True, autoincrement=False),
    )


def _create_listing() -> None:
    op.create_table(
        "clean_up_listing",
        *_plan_columns(),
        sa.Column("source_id", BigId, primary_key=True, autoincrement=False),
        sa.Column("provider_voice_id", sa.Text, nullable=False),
        sa.Column("created_at", UtcTime),
    )


def _create_request() -> None:
    op.create_table(
        "deletion_request",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("plan_id", BigId, sa.ForeignKey("clean_up_plan.id"), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("provider", Sortable, nullable=False),
        sa.Column("voice_count", BigId, nullable=False),
        sa.Column("requested_at", UtcTime, nullable=False),
        sa.Column("requested_by_kind", sa.String(20), nullable=False),
        sa.Column("requested_by_id", BigId),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("ended_at", UtcTime),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("holder_expires_at", UtcTime),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_deletion_request_open", "deletion_request", ["plan_id"], sqlite_where=IS_OPEN, postgresql_where=IS_OPEN
    )


def _create_item() -> None:
    op.create_table(
        "deletion_item",
        *_plan_columns(),
        sa.Column("request_id", BigId, sa.ForeignKey("deletion_request.id"), nullable=False),
        sa.Column("source_id", BigId, nullable=False),
        sa.Column("provider_voice_id", sa.Text, nullable=False),
        sa.Column("created_at", UtcTime),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("is_due", sa.Boolean, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("sent_at", UtcTime),
        sa.Column("decided_at", UtcTime, nullable=False),
    )
    op.create_index(None, "deletion_item", ["request_id", "is_due", "position"])


def downgrade() -> None:
    """Drop the tables and columns."""
    for name in ("deletion_item", "deletion_request", "clean_up_listing"):
        op.drop_table(name)
    op.drop_column("source", "deletion_allowed_by")
    op.drop_column("source", "deletion_allowed_at")
