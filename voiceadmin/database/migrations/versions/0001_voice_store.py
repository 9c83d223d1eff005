"""The voice store: organizations, assistants, cloned voices, and a revision that every writer moves."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, Sortable, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATUSES = ("processing", "ready", "failed", "archived")


def upgrade() -> None:
    """Make the tables and the triggers."""
    store = op.create_table(
        "store",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
    )
    op.bulk_insert(store, [{"id": 1, "name": uuid.uuid4().hex}])
    op.create_table(
        "organization",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("upstream_id", BigId, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("revision", BigId, nullable=False, server_default="0"),
        sa.Column("sample", sa.Boolean, nullable=False, server_default=sa.false()),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "assistant",
        sa.Column("id", BigId, primary_key=True, autoincrement=False),
        sa.Column("organization_id", BigId, sa.ForeignKey("organization.id"), nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", Sortable, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("tts_provider", sa.Text),
        sa.Column("tts_voice_id", sa.Text),
    )
    op.create_table(
        "cloned_voice",
        sa.Column("id", BigId, primary_key=True, autoincrement=False),
        sa.Column("organization_id", BigId, sa.ForeignKey("organization.id"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("provider", Sortable, nullable=False),
        sa.Column("provider_voice_id", sa.Text, nullable=False),
        sa.Column("language", Sortable),
        sa.Column("gender", sa.Text),
        sa.Column(
            "status",
            sa.Enum(*STATUSES, native_enum=False, create_constraint=True, name="status", length=20),
            nullable=False,
        ),
        sa.Column("quality_score", sa.Float(53)),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("last_used_at", UtcTime),
        sa.Column("synthesis_count", BigId, nullable=False),
        sa.Column("name_key", Sortable, nullable=False),
        sa.Column("search_key", sa.Text, nullable=False),
        sa.CheckConstraint("id >= 1", name="id"),
        sa.CheckConstraint("quality_score BETWEEN 0.0 AND 1.0", name="quality_score"),
        sa.CheckConstraint("synthesis_count >= 0", name="synthesis_count"),
        sa.Index(None, "organization_id", "status", "provider"),
        sa.Index(None, "organization_id", "provider", "provider_voice_id"),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    """Take all of it away."""
    op.drop_table("cloned_voice")
    op.drop_table("assistant")
    op.drop_table("organization")
    op.drop_table("store")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION voices_written()")


SQLITE = [
    f"""CREATE TRIGGER voice_{event.lower()} AFTER {event} ON cloned_voice BEGIN
            UPDATE organization SET revision = random() WHERE id IN ({touched}); END"""
    for event, touched in {
        "INSERT": "NEW.organization_id",
        "UPDATE": "OLD.organization_id, NEW.organization_id",
        "DELETE": "OLD.organization_id",
    }.items()
]

# Once a statement, not once a row: a thousand updates of one row in one transaction would trip over each other.
POSTGRESQL = [
    """CREATE FUNCTION voices_written() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
           UPDATE organization SET revision = ('x' || md5(gen_random_uuid()::text))::bit(64)::bigint
           WHERE id IN (SELECT organization_id FROM written);
           RETURN NULL;
       END $$""",
    *(
        f"""CREATE TRIGGER {name} AFTER {event} ON cloned_voice REFERENCING {table} TABLE AS written
            FOR EACH STATEMENT EXECUTE FUNCTION voices_written()"""
        for name, event, table in (
            ("voice_insert", "INSERT", "NEW"),
            ("voice_update", "UPDATE", "NEW"),
            ("voice_update_away", "UPDATE", "OLD"),
            ("voice_delete", "DELETE", "OLD"),
        )
    ),
]
