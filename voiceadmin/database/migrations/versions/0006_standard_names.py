"""Rename tables, columns, indexes, constraints, triggers and functions to the terms of docs/glossary.md.

The table of voices is never rewritten: renaming a table or a column costs the
same with a million rows as with one. The column of the full-text index keeps
its name, grams: FTS5 cannot rename it, and filling a new index takes minutes.
Stored values follow in the next step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DatabaseError

from voiceadmin.database.migrations.triggers import (
    NAMES_0005,
    NAMES_0006,
    build_postgresql_audit_triggers,
    build_postgresql_functions,
    build_postgresql_voice_triggers,
    build_sqlite_audit_triggers,
    build_sqlite_voice_triggers,
)
from voiceadmin.database.types import BigId, Sortable, UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = {
    "store": "database_identity",
    "voice_count": "voice_stats",
    "shared_place": "shared_provider_voice_ref",
    "former_place": "former_provider_voice_ref",
    "audit_line": "audit_event",
    "bucket": "token_bucket",
    "link": "one_time_link",
    "deed": "operation",
    "quiet": "mute",
    "plan": "clean_up_plan",
    "plan_organization": "clean_up_organization",
    "plan_item": "clean_up_item",
}

# By the new name of the table: the columns that get another name.
COLUMNS = {
    "cloned_voice": {
        "dated": "has_last_used_at",
        "never": "is_never_used",
        "idle_since": "last_activity_at",
        "record": "json_body",
        "written_at": "upstream_changed_at",
        "status_since": "recorded_status_changed_at",
        "standing_since": "status_changed_at",
        "archived_why": "archive_note",
    },
    "voice_stats": {"dated": "has_last_used_at", "never": "is_never_used"},
    "account_session": {"seen_at": "last_active_at", "sure_at": "reauthenticated_at", "client": "user_agent"},
    "api_key": {"everywhere": "all_organizations", "maker": "created_by", "used_at": "last_used_at"},
    "audit_event": {"word": "event_type", "why": "note", "deed_id": "operation_id"},
    "token_bucket": {"at": "counted_at"},
    "one_time_link": {"made_by": "created_by"},
    "operation": {"act": "action", "number": "object_count"},
    "mute": {"mark": "fingerprint", "act": "kind", "at": "muted_at", "by": "muted_by"},
    "clean_up_plan": {
        "made_at": "created_at",
        "made_by": "created_by",
        "chosen": "filters",
        "number": "voice_count",
        "seen": "last_seen_operation_id",
    },
    "clean_up_item": {"mark": "fingerprint", "record": "json_body", "why": "skip_reason", "deed_id": "operation_id"},
}

# Table, old name, columns. The naming convention gives the new name.
INDEXES = (
    ("voice_stats", "ix_voice_count_provider_status_tier_voices", ("provider", "status", "tier", "voices")),
    ("audit_event", "ix_audit_line_at", ("at",)),
    ("audit_event", "ix_audit_line_organization_id_id", ("organization_id", "id")),
    ("audit_event", "ix_audit_line_actor_key_id", ("actor_key", "id")),
    ("audit_event", "ix_audit_line_word_id", ("event_type", "id")),
    ("audit_event", "ix_audit_line_object_kind_object_id_id", ("object_kind", "object_id", "id")),
    ("audit_event", "ix_audit_line_deed_id_id", ("operation_id", "id")),
    ("token_bucket", "ix_bucket_at", ("counted_at",)),
    ("mute", "ix_quiet_organization_id", ("organization_id",)),
    ("clean_up_item", "ix_plan_item_plan_id_state_position", ("plan_id", "state", "position")),
)
VOICE_INDEXES = {"ix_voice_record": "ix_voice_json_body", "ix_voice_by_kind": "ix_voice_by_group"}

# In PostgreSQL only. By the new name of the table: its constraints, as the naming convention names them.
CONSTRAINTS = {
    "database_identity": {"pk_store": "pk_database_identity"},
    "voice_stats": {"pk_voice_count": "pk_voice_stats"},
    "shared_provider_voice_ref": {
        "pk_shared_place": "pk_shared_provider_voice_ref",
        "fk_shared_place_organization_id": "fk_shared_provider_voice_ref_organization_id",
    },
    "former_provider_voice_ref": {
        "pk_former_place": "pk_former_provider_voice_ref",
        "fk_former_place_organization_id": "fk_former_provider_voice_ref_organization_id",
    },
    "audit_event": {"pk_audit_line": "pk_audit_event"},
    "token_bucket": {"pk_bucket": "pk_token_bucket"},
    "one_time_link": {
        "pk_link": "pk_one_time_link",
        "uq_link_token_hash": "uq_one_time_link_token_hash",
        "fk_link_account_id": "fk_one_time_link_account_id",
        "fk_link_made_by": "fk_one_time_link_created_by",
        "fk_link_organization_id": "fk_one_time_link_organization_id",
    },
    "operation": {
        "pk_deed": "pk_operation",
        "uq_deed_key": "uq_operation_key",
        "fk_deed_undoes": "fk_operation_undoes",
        "fk_deed_undone_by": "fk_operation_undone_by",
    },
    "mute": {"pk_quiet": "pk_mute", "fk_quiet_organization_id": "fk_mute_organization_id"},
    "clean_up_plan": {"pk_plan": "pk_clean_up_plan", "uq_plan_key": "uq_clean_up_plan_key"},
    "clean_up_organization": {
        "pk_plan_organization": "pk_clean_up_organization",
        "fk_plan_organization_plan_id": "fk_clean_up_organization_plan_id",
    },
    "clean_up_item": {
        "pk_plan_item": "pk_clean_up_item",
        "fk_plan_item_plan_id": "fk_clean_up_item_plan_id",
        "fk_plan_item_deed_id": "fk_clean_up_item_operation_id",
    },
}
# In PostgreSQL only.
SEQUENCES = {f"{old}_id_seq": f"{TABLES[old]}_id_seq" for old in ("store", "audit_line", "link", "deed", "plan")}
FUNCTIONS = {  # used by generated columns and by an index: the new name and the types of the arguments
    "voice_text": ("voice_json_text", "text"),
    "voice_time": ("voice_json_time", "timestamptz"),
    "voice_grams": ("voice_trigrams", "bigint, text"),
}

REBUILT_IN_SQLITE = (  # parents before their children
    "database_identity",
    "token_bucket",
    "one_time_link",
    "operation",
    "mute",
    "clean_up_plan",
    "clean_up_organization",
    "clean_up_item",
)
AUTOINCREMENT = {"one_time_link", "operation", "clean_up_plan"}


def upgrade() -> None:
    """Rename everything."""
    if op.get_bind().dialect.name == "sqlite":
        _upgrade_sqlite()
    else:
        _upgrade_postgresql()


def downgrade() -> None:
    """Give everything its old name back."""
    if op.get_bind().dialect.name == "sqlite":
        _downgrade_sqlite()
    else:
        _downgrade_postgresql()


def _map_index_names() -> dict[str, str]:
    """Return the new names of indexes by the old ones."""
    return {old: f"ix_{table}_{'_'.join(names)}" for table, old, names in INDEXES} | VOICE_INDEXES


def _upgrade_sqlite() -> None:
    _drop_sqlite_triggers(NAMES_0005)
    _rebuild_small_tables()
    in_place = {old: new for old, new in TABLES.items() if new not in REBUILT_IN_SQLITE}
    for old, new in (in_place | {"place": "trigram_position"}).items():
        op.rename_table(old, new)
    for table, columns in COLUMNS.items():
        if table not in REBUILT_IN_SQLITE:
            for old, new in columns.items():
                op.execute(f'ALTER TABLE {table} RENAME COLUMN "{old}" TO {new}')
    _rename_sqlite_indexes(_map_index_names())
    _create_sqlite_triggers(NAMES_0006)


def _downgrade_sqlite() -> None:
    """Rename in place. The tables that were rebuilt keep the new names of their constraints."""
    _drop_sqlite_triggers(NAMES_0006)
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            op.execute(f'ALTER TABLE {table} RENAME COLUMN {new} TO "{old}"')
    for old, new in (TABLES | {"place": "trigram_position"}).items():
        op.rename_table(new, old)
    _rename_sqlite_indexes({new: old for old, new in _map_index_names().items()})
    _create_sqlite_triggers(NAMES_0005)


def _drop_sqlite_triggers(names: Mapping[str, str]) -> None:
    for name in (*build_sqlite_audit_triggers(names), *build_sqlite_voice_triggers(names)):
        op.execute(f"DROP TRIGGER {name}")


def _create_sqlite_triggers(names: Mapping[str, str]) -> None:
    for statement in (*build_sqlite_audit_triggers(names).values(), *build_sqlite_voice_triggers(names).values()):
        op.execute(statement)


def _rename_sqlite_indexes(names: Mapping[str, str]) -> None:
    """Rename indexes, if possible without creating them again, which takes a minute for a million voices.

    SQLite has no statement for it. Its documentation of ALTER TABLE allows changes of the schema table that do not
    affect the content of the file. A build in defensive mode refuses them.
    """
    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'index'")).all()
    statements = {
        name: sql.replace(f"INDEX {name} ON", f"INDEX {names[name]} ON") for name, sql in found if name in names
    }
    update = sa.text("UPDATE sqlite_master SET name = :new, sql = :sql WHERE name = :old")
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("PRAGMA writable_schema=ON")
            for name, sql in statements.items():
                connection.execute(update, {"old": name, "new": names[name], "sql": sql})
    except DatabaseError:
        for name, sql in statements.items():
            op.execute(f"DROP INDEX {name}")
            op.execute(sql)
    finally:
        connection.exec_driver_sql("PRAGMA writable_schema=RESET")


def _find_old_name(table: str) -> str:
    return next(old for old, new in TABLES.items() if new == table)


def _rebuild_small_tables() -> None:
    """Copy the small tables to new ones, parents first, and drop the old ones, children first.

    SQLite keeps the names of constraints in the text of CREATE TABLE, so only a new table gets new ones. The tables
    that can be large (audit events, statistics, provider voice references) keep the old names of their primary and
    foreign keys, which nothing refers to.
    """
    for name in REBUILT_IN_SQLITE:
        columns = _list_columns(name)
        op.create_table(name, *columns, sqlite_autoincrement=name in AUTOINCREMENT)
        old_names = {new: old for old, new in COLUMNS.get(name, {}).items()}
        targets = ", ".join(f'"{column.name}"' for column in columns)
        sources = ", ".join(f'"{old_names.get(column.name, column.name)}"' for column in columns)
        op.execute(f"INSERT INTO {name} ({targets}) SELECT {sources} FROM {_find_old_name(name)} ORDER BY rowid")
        if name in AUTOINCREMENT:  # an id of a deleted row is never used again
            op.execute(f"DELETE FROM sqlite_sequence WHERE name = '{name}'")
            op.execute(f"UPDATE sqlite_sequence SET name = '{name}' WHERE name = '{_find_old_name(name)}'")
    for name in reversed(REBUILT_IN_SQLITE):
        op.drop_table(_find_old_name(name))
    for table, _, names in INDEXES:
        if table in REBUILT_IN_SQLITE:
            op.create_index(None, table, list(names))


def _list_columns(table: str) -> list[sa.Column[Any]]:
    """Return the columns of a table that is rebuilt."""
    match table:
        case "database_identity":
            return [sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text, nullable=False)]
        case "token_bucket":
            return [
                sa.Column("name", sa.Text, primary_key=True),
                sa.Column("tokens", sa.Float(53), nullable=False),
                sa.Column("counted_at", sa.Float(53), nullable=False),
            ]
        case "one_time_link":
            return [
                sa.Column("id", BigId, primary_key=True),
                sa.Column("token_hash", sa.Text, nullable=False, unique=True),
                sa.Column("purpose", sa.String(20), nullable=False),
                sa.Column("email", sa.Text, nullable=False),
                sa.Column("account_id", BigId, sa.ForeignKey("account.id")),
                sa.Column("created_by", BigId, sa.ForeignKey("account.id")),
                sa.Column("organization_id", BigId, sa.ForeignKey("organization.id", ondelete="CASCADE")),
                sa.Column("role", sa.SmallInteger),
                sa.Column("platform", sa.Boolean, nullable=False, server_default=sa.false()),
                sa.Column("created_at", UtcTime, nullable=False),
                sa.Column("expires_at", UtcTime, nullable=False),
                sa.Column("used_at", UtcTime),
            ]
        case "operation":
            return [
                sa.Column("id", BigId, primary_key=True),
                sa.Column("key", sa.Text, nullable=False, unique=True),
                sa.Column("at", UtcTime, nullable=False),
                sa.Column("actor_kind", sa.String(20), nullable=False),
                sa.Column("actor_id", BigId),
                sa.Column("actor_name", sa.Text, nullable=False),
                sa.Column("action", sa.String(20), nullable=False),
                sa.Column("object_count", BigId, nullable=False),
                sa.Column("outcome", sa.Text, nullable=False),
                sa.Column("undoes", BigId, sa.ForeignKey("operation.id")),
                sa.Column("undone_by", BigId, sa.ForeignKey("operation.id")),
            ]
        case "mute":
            return [
                sa.Column("object_kind", sa.String(20), primary_key=True),
                sa.Column("object_id", BigId, primary_key=True, autoincrement=False),
                sa.Column(
                    "organization_id", BigId, sa.ForeignKey("organization.id", ondelete="CASCADE"), nullable=False
                ),
                sa.Column("reason", sa.String(20), primary_key=True),
                sa.Column("fingerprint", sa.Text, nullable=False),
                sa.Column("kind", sa.String(20), nullable=False),
                sa.Column("until", UtcTime),
                sa.Column("muted_at", UtcTime, nullable=False),
                sa.Column("muted_by", sa.Text, nullable=False),
            ]
        case "clean_up_plan":
            return [
                sa.Column("id", BigId, primary_key=True),
                sa.Column("key", sa.Text, nullable=False, unique=True),
                sa.Column("created_at", UtcTime, nullable=False),
                sa.Column("created_by", sa.Text, nullable=False),
                sa.Column("filters", sa.Text, nullable=False),
                sa.Column("voice_count", BigId, nullable=False),
                sa.Column("last_seen_operation_id", BigId, nullable=False),
                sa.Column("confirmed_at", UtcTime),
                sa.Column("confirmed_by", sa.Text, nullable=False),
            ]
        case "clean_up_organization":
            return [_build_plan_id(), sa.Column("organization_id", BigId, primary_key=True, autoincrement=False)]
        case _:
            return [
                _build_plan_id(),
                sa.Column("position", BigId, primary_key=True, autoincrement=False),
                sa.Column("voice_id", BigId, nullable=False),
                sa.Column("organization_id", BigId, nullable=False),
                sa.Column("provider", Sortable, nullable=False),
                sa.Column("reason", sa.String(20), nullable=False),
                sa.Column("fingerprint", sa.Text, nullable=False),
                sa.Column("since", UtcTime, nullable=False),
                sa.Column("json_body", sa.Text, nullable=False),
                sa.Column("state", sa.String(20), nullable=False),
                sa.Column("skip_reason", sa.Text, nullable=False),
                sa.Column("operation_id", BigId, sa.ForeignKey("operation.id")),
            ]


def _build_plan_id() -> sa.Column[Any]:
    return sa.Column("plan_id", BigId, sa.ForeignKey("clean_up_plan.id"), primary_key=True, autoincrement=False)


def _upgrade_postgresql() -> None:
    _drop_postgresql_triggers(NAMES_0005)
    for old, new in TABLES.items():
        op.rename_table(old, new)
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            op.execute(f'ALTER TABLE {table} RENAME COLUMN "{old}" TO {new}')
    for table, constraints in CONSTRAINTS.items():
        for old, new in constraints.items():
            op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
    for old, new in _map_index_names().items():
        op.execute(f"ALTER INDEX {old} RENAME TO {new}")
    for old, new in SEQUENCES.items():
        op.execute(f"ALTER SEQUENCE {old} RENAME TO {new}")
    for old, (new, arguments) in FUNCTIONS.items():
        op.execute(f"ALTER FUNCTION {old}({arguments}) RENAME TO {new}")
    _rename_not_null_constraints()
    _create_postgresql_triggers(NAMES_0006)


def _downgrade_postgresql() -> None:
    _drop_postgresql_triggers(NAMES_0006)
    for old, (new, arguments) in FUNCTIONS.items():
        op.execute(f"ALTER FUNCTION {new}({arguments}) RENAME TO {old}")
    for old, new in SEQUENCES.items():
        op.execute(f"ALTER SEQUENCE {new} RENAME TO {old}")
    for old, new in _map_index_names().items():
        op.execute(f"ALTER INDEX {new} RENAME TO {old}")
    for table, constraints in CONSTRAINTS.items():
        for old, new in constraints.items():
            op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {new} TO {old}")
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            op.execute(f'ALTER TABLE {table} RENAME COLUMN {new} TO "{old}"')
    for old, new in TABLES.items():
        op.rename_table(new, old)
    _rename_not_null_constraints()
    _create_postgresql_triggers(NAMES_0005)


def _rename_not_null_constraints() -> None:
    """Give NOT NULL constraints, which have names since PostgreSQL 18, those that a new table would have."""
    found = op.get_bind().execute(
        sa.text(
            "SELECT relname, conname, relname || '_' || attname || '_not_null' FROM pg_constraint"
            " JOIN pg_class ON pg_class.oid = conrelid"
            " JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]"
            " WHERE contype = 'n' AND relnamespace = current_schema()::regnamespace"
            " AND conname <> relname || '_' || attname || '_not_null'"
        )
    )
    for table, name, new_name in found.all():
        op.execute(f'ALTER TABLE "{table}" RENAME CONSTRAINT "{name}" TO "{new_name}"')


def _drop_postgresql_triggers(names: Mapping[str, str]) -> None:
    for name in build_postgresql_audit_triggers(names):
        op.execute(f"DROP TRIGGER {name} ON {names['audit_event']}")
    for name in build_postgresql_voice_triggers(names):
        op.execute(f"DROP TRIGGER {name} ON cloned_voice")
    for name in build_postgresql_functions(names):
        op.execute(f"DROP FUNCTION {name}()")


def _create_postgresql_triggers(names: Mapping[str, str]) -> None:
    for build in (build_postgresql_functions, build_postgresql_audit_triggers, build_postgresql_voice_triggers):
        for statement in build(names).values():
            op.execute(statement)
