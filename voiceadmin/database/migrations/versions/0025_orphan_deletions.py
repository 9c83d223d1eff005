"""Let a deletion at a provider be about an orphan of a source instead of a voice of a clean-up plan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, UtcTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

COPY = "former_deletion_item"

COLUMNS = (
    "plan_id, position, request_id, source_id, provider_voice_id, created_at, state, is_due, message, sent_at,"
    " decided_at"
)

UNCONFIRMED = sa.text("state = 'unconfirmed'")
WITHOUT_PLAN = sa.text("plan_id IS NULL")


def upgrade() -> None:
    """Add an id and the name of an orphan to the items. SQLite copies both tables, first the one that refers."""
    _move_items_away()
    _change_requests(has_source=True)
    _create_items()
    op.execute(f"INSERT INTO deletion_item ({COLUMNS}, name) SELECT {COLUMNS}, '' FROM {COPY}")
    op.drop_table(COPY)


def _move_items_away() -> None:
    op.execute(f"CREATE TABLE {COPY} AS SELECT * FROM deletion_item")
    op.drop_table("deletion_item")


def _change_requests(*, has_source: bool) -> None:
    """Let the plan of a request be NULL, or forbid it."""
    with op.batch_alter_table("deletion_request", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.alter_column("plan_id", existing_type=BigId, nullable=has_source)
        if has_source:
            batch.add_column(sa.Column("source_id", BigId, nullable=True))
        else:
            batch.drop_column("source_id")


def _common_columns() -> tuple[sa.Column[object], ...]:
    return (
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


def _create_items() -> None:
    op.create_table(
        "deletion_item",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("plan_id", BigId, sa.ForeignKey("clean_up_plan.id")),
        sa.Column("position", BigId, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        *_common_columns(),
        sqlite_autoincrement=True,
    )
    op.create_index(None, "deletion_item", ["request_id", "is_due", "position"])
    op.create_index("ix_deletion_item_plan", "deletion_item", ["plan_id", "position"], unique=True)
    orphan = ["source_id", "provider_voice_id"]
    op.create_index(
        "ix_deletion_item_orphan",
        "deletion_item",
        orphan,
        unique=True,
        sqlite_where=WITHOUT_PLAN,
        postgresql_where=WITHOUT_PLAN,
    )
    op.create_index(
        "ix_deletion_item_unconfirmed",
        "deletion_item",
        ["source_id"],
        sqlite_where=UNCONFIRMED,
        postgresql_where=UNCONFIRMED,
    )


def downgrade() -> None:
    """Delete the requests about orphans, and identify items by their plan again."""
    op.execute("DELETE FROM deletion_item WHERE plan_id IS NULL")
    op.execute("DELETE FROM deletion_request WHERE plan_id IS NULL")
    _move_items_away()
    _change_requests(has_source=False)
    op.create_table(
        "deletion_item",
        sa.Column("plan_id", BigId, sa.ForeignKey("clean_up_plan.id"), primary_key=True, autoincrement=False),
        sa.Column("position", BigId, primary_key=True, autoincrement=False),
        *_common_columns(),
    )
    op.create_index(None, "deletion_item", ["request_id", "is_due", "position"])
    op.execute(f"INSERT INTO deletion_item ({COLUMNS}) SELECT {COLUMNS} FROM {COPY}")
    op.drop_table(COPY)
