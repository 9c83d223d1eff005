"""Add the time since which an assistant is unready, which triggers maintain, and its index for the queue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.migrations.totals_triggers import (
    ASSISTANT_COLUMNS_0013,
    build_postgresql_totals_functions,
    build_sqlite_totals_triggers,
)
from voiceadmin.database.totals import (
    ASSISTANT_TOTALS_0013,
    ASSISTANT_TOTALS_0014,
    AssistantTotals,
    recheck_assistants_sql,
)
from voiceadmin.database.types import UtcTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INDEX = "ix_assistant_unready_since"


def upgrade() -> None:
    """Add the column, fill it, and replace the triggers."""
    dialect = op.get_bind().dialect.name
    op.add_column("assistant", sa.Column("unready_since", UtcTime, nullable=True))
    op.execute(sa.text(recheck_assistants_sql(dialect, columns=ASSISTANT_TOTALS_0014)))
    op.create_index(
        INDEX,
        "assistant",
        ["unready_since", "id", "organization_id", "tts_provider"],
        sqlite_where=sa.text("is_unready"),
        postgresql_where=sa.text("is_unready"),
        postgresql_ops={"unready_since": "NULLS FIRST"},  # as in every index of SQLite
    )
    _replace_triggers(ASSISTANT_TOTALS_0013, ASSISTANT_TOTALS_0014)


def _replace_triggers(former: AssistantTotals, current: AssistantTotals) -> None:
    """Replace the triggers of SQLite, or the functions of PostgreSQL, that write these columns of assistants."""
    if op.get_bind().dialect.name == "sqlite":
        before, after = _build_sqlite(former), _build_sqlite(current)
    else:
        before, after = build_postgresql_totals_functions(former), build_postgresql_totals_functions(current)
    for name in (name for name, statement in after.items() if statement != before[name]):
        if op.get_bind().dialect.name == "sqlite":
            op.execute(f"DROP TRIGGER {name}")
        op.execute(after[name].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1))


def _build_sqlite(totals: AssistantTotals) -> dict[str, str]:
    return build_sqlite_totals_triggers(totals, ASSISTANT_COLUMNS_0013)


def downgrade() -> None:
    """Restore the former triggers, and drop the column with its index."""
    _replace_triggers(ASSISTANT_TOTALS_0014, ASSISTANT_TOTALS_0013)
    op.drop_index(INDEX, "assistant")
    op.drop_column("assistant", "unready_since")
