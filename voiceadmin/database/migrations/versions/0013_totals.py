"""Add the totals by provider and by day, and the flags and counts of references that triggers maintain.

The index of voices that were archived here, which was read for such counts only, is dropped.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.migrations.totals_triggers import (
    ASSISTANT_COLUMNS_0013,
    build_postgresql_totals_functions,
    build_postgresql_totals_triggers,
    build_sqlite_totals_triggers,
)
from voiceadmin.database.migrations.triggers import NAMES_0006, build_sqlite_voice_triggers
from voiceadmin.database.totals import (
    ASSISTANT_TOTALS_0013,
    DAY_TOTALS,
    LARGE_TOTALS,
    PROVIDER_TOTALS,
    rebuild_statements,
)
from voiceadmin.database.types import BigId, Sortable, UtcTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# They insert into a table that gets another column.
SHARED_REF_TRIGGERS = ("voice_insert_shared_ref", "voice_update_shared_ref")

USED_BEFORE_CREATION = "status = 'ready' AND last_used_at < created_at"


def upgrade() -> None:
    """Create tables, columns and triggers, and fill them."""
    _create_tables()
    _create_columns()
    dialect = op.get_bind().dialect.name
    if dialect == "sqlite":
        _recreate_shared_ref_triggers()
    for statement in rebuild_statements(dialect, ASSISTANT_TOTALS_0013):
        op.execute(sa.text(statement))
    _create_triggers(dialect)


def _create_tables() -> None:
    op.create_table(
        "provider_totals",
        sa.Column("organization_id", BigId, primary_key=True, autoincrement=False),
        sa.Column("provider", Sortable, primary_key=True),
        *(_total(name) for name in PROVIDER_TOTALS),
        sa.Column("last_used_at", UtcTime),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "provider_day_totals",
        sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("provider", Sortable, primary_key=True),
        sa.Column("day", Sortable, primary_key=True),
        *(_total(name) for name in DAY_TOTALS),
        sqlite_with_rowid=False,
    )


def _total(name: str) -> sa.Column[int]:
    return sa.Column(name, BigId if name in LARGE_TOTALS else sa.Integer, nullable=False, server_default="0")


def _create_columns() -> None:
    op.add_column("assistant", sa.Column("is_unready", sa.Boolean, nullable=False, server_default=sa.false()))
    _create_index("ix_assistant_unready", "assistant", ["organization_id", "tts_provider"], "is_unready")
    op.add_column("shared_provider_voice_ref", sa.Column("voices", sa.Integer, nullable=False, server_default="0"))
    columns = ["organization_id", "provider", "voices"]
    _create_index("ix_shared_provider_voice_ref_duplicate", "shared_provider_voice_ref", columns, "voices > 1")
    columns = ["created_at", "id", "organization_id", "provider", "last_used_at"]
    _create_index("ix_queue_too_new", "cloned_voice", columns, USED_BEFORE_CREATION)
    op.drop_index("ix_queue_archived", "cloned_voice")


def _create_index(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _recreate_shared_ref_triggers() -> None:
    triggers = build_sqlite_voice_triggers(NAMES_0006)
    for name in SHARED_REF_TRIGGERS:
        op.execute(f"DROP TRIGGER {name}")
        op.execute(triggers[name])


def _create_triggers(dialect: str) -> None:
    if dialect == "sqlite":
        statements = [*build_sqlite_totals_triggers(ASSISTANT_TOTALS_0013, ASSISTANT_COLUMNS_0013).values()]
    else:
        functions = build_postgresql_totals_functions(ASSISTANT_TOTALS_0013)
        triggers = build_postgresql_totals_triggers(ASSISTANT_COLUMNS_0013)
        statements = [*functions.values(), *(statement for _, statement in triggers.values())]
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    """Drop everything again. The triggers of SQLite that name their columns can stay."""
    if op.get_bind().dialect.name == "sqlite":
        for name in build_sqlite_totals_triggers():
            op.execute(f"DROP TRIGGER {name}")
    else:
        for name, (table, _) in build_postgresql_totals_triggers().items():
            op.execute(f"DROP TRIGGER {name} ON {table}")
        for signature in build_postgresql_totals_functions():
            op.execute(f"DROP FUNCTION {signature}")
    columns = ["archived_at", "id", "organization_id", "provider"]
    _create_index("ix_queue_archived", "cloned_voice", columns, "archived_at IS NOT NULL")
    op.drop_index("ix_queue_too_new", "cloned_voice")
    op.drop_index("ix_shared_provider_voice_ref_duplicate", "shared_provider_voice_ref")
    op.drop_column("shared_provider_voice_ref", "voices")
    op.drop_index("ix_assistant_unready", "assistant")
    op.drop_column("assistant", "is_unready")
    op.drop_table("provider_day_totals")
    op.drop_table("provider_totals")
