"""The ops desk: archiving as a fact of our own, assignments, snoozes, deeds that can be undone, and what rules read."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, Sortable, UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# What each rule about voices reads, in the order of its queue, and of no other voice than it can be about.
QUEUES = {
    "failed": (["standing_since", "id", "organization_id", "provider"], "status = 'failed'"),
    "stuck": (["standing_since", "id", "organization_id", "provider"], "status = 'processing'"),
    "poor": (
        ["created_at", "id", "organization_id", "provider"],
        "quality_score < 0.7 AND synthesis_count > 0 AND status <> 'archived'",
    ),
    "unused": (
        ["last_used_at", "id", "organization_id", "provider", "created_at"],
        "status = 'ready' AND last_used_at IS NOT NULL",
    ),
    "never": (
        ["created_at", "id", "organization_id", "provider"],
        "status = 'ready' AND last_used_at IS NULL AND synthesis_count = 0",
    ),
    "archived": (["archived_at", "id", "organization_id", "provider"], "archived_at IS NOT NULL"),
    "used": (["synthesis_count", "id", "organization_id", "provider"], "status = 'ready' AND synthesis_count > 0"),
}
ARCHIVED_HERE = """(archived_at IS NULL AND upstream_status IS NULL)
    OR (archived_at IS NOT NULL AND upstream_status IS NOT NULL AND status = 'archived')"""


def upgrade() -> None:
    """Make it all."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for column in (
        sa.Column("written_at", UtcTime),
        sa.Column("status_since", UtcTime),
        sa.Column("upstream_status", sa.String(20)),
        sa.Column("archived_by", sa.Text),
        sa.Column("archived_why", sa.Text),
    ):
        op.add_column("cloned_voice", column)
    for statement in SQLITE["columns"] if sqlite else POSTGRESQL["columns"]:
        op.execute(statement)
    for name, (columns, condition) in QUEUES.items():
        where = sa.text(condition)
        op.create_index(f"ix_queue_{name}", "cloned_voice", columns, sqlite_where=where, postgresql_where=where)
    op.create_index(None, "voice_count", ["provider", "status", "tier", "voices"])
    op.create_index(None, "assistant", ["organization_id", "tts_provider", "tts_voice_id"])
    op.create_table("shared_place", *_place())
    op.create_table("former_place", *_place())
    op.create_table(
        "deed",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("actor_kind", sa.String(20), nullable=False),
        sa.Column("actor_id", BigId),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("act", sa.String(20), nullable=False),
        sa.Column("number", BigId, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("undoes", BigId, sa.ForeignKey("deed.id")),
        sa.Column("undone_by", BigId, sa.ForeignKey("deed.id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "assignment",
        *_object(),
        sa.Column("account_id", BigId, sa.ForeignKey("account.id"), nullable=False, index=True),
    )
    op.create_table(
        "quiet",
        *_object(),
        sa.Column("reason", sa.String(20), primary_key=True),
        sa.Column("mark", sa.Text, nullable=False),
        sa.Column("act", sa.String(20), nullable=False),
        sa.Column("until", UtcTime),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
    )
    op.add_column("audit_line", sa.Column("deed_id", BigId))
    op.create_index(None, "audit_line", ["deed_id", "id"])
    for statement in SQLITE["rest"] if sqlite else POSTGRESQL["rest"]:
        op.execute(statement)


def _place() -> list[sa.Column[object]]:
    return [
        _organization(primary_key=True, autoincrement=False),
        sa.Column("provider", Sortable, primary_key=True),
        sa.Column("provider_voice_id", sa.Text, primary_key=True),
    ]


def _object() -> list[sa.Column[object]]:
    return [
        sa.Column("object_kind", sa.String(20), primary_key=True),
        sa.Column("object_id", BigId, primary_key=True, autoincrement=False),
        _organization(nullable=False, index=True),
    ]


def _organization(**more: Any) -> sa.Column[object]:
    return sa.Column("organization_id", BigId, sa.ForeignKey("organization.id", ondelete="CASCADE"), **more)


def downgrade() -> None:
    """Take it away again. A voice that was archived here gets upstream's status back."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE["away"] if sqlite else POSTGRESQL["away"]:
        op.execute(statement)
    op.execute(
        "UPDATE cloned_voice SET status = upstream_status, archived_at = NULL, upstream_status = NULL"
        " WHERE archived_at IS NOT NULL"
    )
    op.drop_index(op.f("ix_audit_line_deed_id_id"), "audit_line")
    op.drop_column("audit_line", "deed_id")
    for table in ("quiet", "assignment", "deed", "former_place", "shared_place"):
        op.drop_table(table)
    op.drop_index(op.f("ix_assistant_organization_id_tts_provider_tts_voice_id"), "assistant")
    op.drop_index(op.f("ix_voice_count_provider_status_tier_voices"), "voice_count")
    for name in QUEUES:
        op.drop_index(f"ix_queue_{name}", "cloned_voice")
    for column in (
        *("archived_at", "standing_since", "status_since", "written_at"),
        *("upstream_status", "archived_by", "archived_why"),
    ):
        op.drop_column("cloned_voice", column)


STANDING = "coalesce(status_since, created_at)"
PLACE = "organization_id, provider, provider_voice_id"


def same_place(one: str, other: str) -> str:
    """Make the condition that two voices lie at the same place, which no empty provider id is."""
    return " AND ".join(
        f"{one}.{name} = {other}.{name}" for name in ("organization_id", "provider", "provider_voice_id")
    )


def noted(voice: str) -> str:
    """Make SQLite's statement that keeps the place of a voice if another one lies there."""
    # Not OR IGNORE, which SQLite takes for OR ABORT where an upsert is what fires the trigger.
    return f"""INSERT INTO shared_place
        SELECT {voice}.organization_id, {voice}.provider, {voice}.provider_voice_id
        WHERE {voice}.provider_voice_id <> '' AND EXISTS (SELECT 1 FROM cloned_voice AS twin
            WHERE {same_place("twin", voice)} AND twin.id <> {voice}.id) ON CONFLICT DO NOTHING;"""


FORMER = """INSERT INTO former_place
    SELECT OLD.organization_id, OLD.provider, OLD.provider_voice_id
    WHERE OLD.provider_voice_id <> '' ON CONFLICT DO NOTHING;"""
MOVED = """(OLD.organization_id, OLD.provider, OLD.provider_voice_id)
    <> (NEW.organization_id, NEW.provider, NEW.provider_voice_id)"""
ALL_SHARED = f"""INSERT INTO shared_place SELECT {PLACE} FROM cloned_voice WHERE provider_voice_id <> ''
    GROUP BY {PLACE} HAVING count(*) > 1"""

SQLITE = {
    "columns": [
        f"""ALTER TABLE cloned_voice ADD COLUMN archived_at TEXT
            CONSTRAINT ck_cloned_voice_archived CHECK ({ARCHIVED_HERE})""",
        f"ALTER TABLE cloned_voice ADD COLUMN standing_since TEXT NOT NULL GENERATED ALWAYS AS ({STANDING}) VIRTUAL",
    ],
    "rest": [
        ALL_SHARED,
        f"CREATE TRIGGER voice_insert_shared AFTER INSERT ON cloned_voice BEGIN {noted('NEW')} END",
        f"CREATE TRIGGER voice_update_shared AFTER UPDATE ON cloned_voice WHEN {MOVED} BEGIN {noted('NEW')} END",
        f"CREATE TRIGGER voice_update_former AFTER UPDATE ON cloned_voice WHEN {MOVED} BEGIN {FORMER} END",
        f"CREATE TRIGGER voice_delete_former AFTER DELETE ON cloned_voice BEGIN {FORMER} END",
    ],
    "away": [
        f"DROP TRIGGER voice_{name}" for name in ("insert_shared", "update_shared", "update_former", "delete_former")
    ],
}

NOTE_SHARED = f"""INSERT INTO shared_place SELECT DISTINCT {", ".join(f"voice.{name}" for name in PLACE.split(", "))}
    FROM written AS voice JOIN cloned_voice AS twin ON {same_place("twin", "voice")} AND twin.id <> voice.id
    WHERE voice.provider_voice_id <> '' ON CONFLICT DO NOTHING;"""
NOTE_FORMER = f"""INSERT INTO former_place SELECT DISTINCT {PLACE} FROM former AS voice
    WHERE provider_voice_id <> '' AND NOT EXISTS (SELECT 1 FROM cloned_voice AS still
        WHERE still.id = voice.id AND {same_place("still", "voice")}) ON CONFLICT DO NOTHING;"""


def _kept_by(event: str, tables: str, change: str) -> list[str]:
    return [
        f"""CREATE FUNCTION voices_placed_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN {change} RETURN NULL; END $$""",
        f"""CREATE TRIGGER voice_{event}_placed AFTER {event} ON cloned_voice REFERENCING {tables}
            FOR EACH STATEMENT EXECUTE FUNCTION voices_placed_{event}()""",
    ]


EVENTS = ("insert", "update", "delete")
POSTGRESQL = {
    "columns": [
        f"""ALTER TABLE cloned_voice ADD COLUMN archived_at timestamptz
            CONSTRAINT ck_cloned_voice_archived CHECK ({ARCHIVED_HERE}),
            ADD COLUMN standing_since timestamptz NOT NULL GENERATED ALWAYS AS ({STANDING}) STORED""",
    ],
    "rest": [
        ALL_SHARED,
        *_kept_by("insert", "NEW TABLE AS written", NOTE_SHARED),
        *_kept_by("update", "NEW TABLE AS written OLD TABLE AS former", NOTE_SHARED + NOTE_FORMER),
        *_kept_by("delete", "OLD TABLE AS former", NOTE_FORMER),
    ],
    "away": [
        *(f"DROP TRIGGER voice_{event}_placed ON cloned_voice" for event in EVENTS),
        *(f"DROP FUNCTION voices_placed_{event}()" for event in EVENTS),
    ],
}
