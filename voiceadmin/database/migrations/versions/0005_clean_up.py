"""Clean-up: plans of what to archive, voice by voice, and what providers take for a voice in a month."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, Sortable, UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it all."""
    op.create_table(
        "price",
        sa.Column("provider", Sortable, primary_key=True),
        sa.Column("cents", BigId, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("changed_at", UtcTime, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.CheckConstraint("cents >= 0", name=op.f("ck_price_cents")),
    )
    op.create_table(
        "plan",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("made_at", UtcTime, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("chosen", sa.Text, nullable=False),
        sa.Column("number", BigId, nullable=False),
        sa.Column("seen", BigId, nullable=False),
        sa.Column("confirmed_at", UtcTime),
        sa.Column("confirmed_by", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "plan_organization",
        _plan(),
        sa.Column("organization_id", BigId, primary_key=True, autoincrement=False),
    )
    op.create_table(
        "plan_item",
        _plan(),
        sa.Column("position", BigId, primary_key=True, autoincrement=False),
        sa.Column("voice_id", BigId, nullable=False),
        sa.Column("organization_id", BigId, nullable=False),
        sa.Column("provider", Sortable, nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("mark", sa.Text, nullable=False),
        sa.Column("since", UtcTime, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("deed_id", BigId, sa.ForeignKey("deed.id")),
    )
    op.create_index(None, "plan_item", ["plan_id", "state", "position"])


def _plan() -> sa.Column[int]:
    return sa.Column("plan_id", BigId, sa.ForeignKey("plan.id"), primary_key=True, autoincrement=False)


def downgrade() -> None:
    """Take it away again. What plans archived stays archived."""
    for table in ("plan_item", "plan_organization", "plan", "price"):
        op.drop_table(table)
