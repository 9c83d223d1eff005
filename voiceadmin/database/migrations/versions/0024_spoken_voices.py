"""Add whether the mode of an assistant uses its TTS settings, on which triggers depend, and an index of its voice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.migrations.totals_triggers import (
    ASSISTANT_COLUMNS,
    ASSISTANT_COLUMNS_0013,
    build_postgresql_totals_functions,
    build_postgresql_totals_triggers,
    build_sqlite_totals_triggers,
)
from voiceadmin.database.totals import ASSISTANT_TOTALS, ASSISTANT_TOTALS_0014, AssistantTotals, recheck_assistants_sql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

INDEX = "ix_assistant_tts_provider_tts_voice_id"
UPDATE_TRIGGER = "assistant_update_totals"

Version = tuple[AssistantTotals, str]  # the columns of assistants that triggers write, and those that they read

FORMER: Version = (ASSISTANT_TOTALS_0014, ASSISTANT_COLUMNS_0013)
CURRENT: Version = (ASSISTANT_TOTALS, ASSISTANT_COLUMNS)


def upgrade() -> None:
    """Add the column, and replace the triggers. The next sync of each source of the platform writes the modes."""
    op.add_column("assistant", sa.Column("is_voice_spoken", sa.Boolean, nullable=False, server_default=sa.true()))
    op.create_index(INDEX, "assistant", ["tts_provider", "tts_voice_id"])
    _replace_triggers(FORMER, CURRENT)


def _replace_triggers(former: Version, current: Version) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _replace_sqlite(build_sqlite_totals_triggers(*former), build_sqlite_totals_triggers(*current))
    else:
        _replace_postgresql(former, current)


def _replace_sqlite(before: dict[str, str], after: dict[str, str]) -> None:
    for name in (name for name, statement in after.items() if statement != before[name]):
        op.execute(f"DROP TRIGGER {name}")
        op.execute(after[name])


def _replace_postgresql(former: Version, current: Version) -> None:
    before, after = build_postgresql_totals_functions(former[0]), build_postgresql_totals_functions(current[0])
    for signature in (signature for signature, statement in after.items() if statement != before[signature]):
        op.execute(after[signature].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1))
    table, statement = build_postgresql_totals_triggers(current[1])[UPDATE_TRIGGER]
    op.execute(f"DROP TRIGGER {UPDATE_TRIGGER} ON {table}")
    op.execute(statement)


def downgrade() -> None:
    """Restore the former triggers, compute what they write, and drop the column and the index."""
    _replace_triggers(CURRENT, FORMER)
    op.execute(sa.text(recheck_assistants_sql(op.get_bind().dialect.name, columns=ASSISTANT_TOTALS_0014)))
    op.drop_index(INDEX, "assistant")
    op.drop_column("assistant", "is_voice_spoken")
