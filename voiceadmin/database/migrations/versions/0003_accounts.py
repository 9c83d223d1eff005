"""Accounts, sessions, links, API keys, buckets, and an audit trail that nobody can alter."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId, Sortable, UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables and the triggers."""
    op.create_table(
        "account",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", Sortable, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("platform", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("disabled_at", UtcTime),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "membership",
        sa.Column("account_id", BigId, sa.ForeignKey("account.id"), primary_key=True, autoincrement=False),
        _of_organization(),
        sa.Column("role", sa.SmallInteger, nullable=False),
        sa.CheckConstraint("role BETWEEN 1 AND 3", name="role"),
    )
    op.create_table(
        "account_session",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("token_hash", sa.Text, nullable=False, unique=True),
        sa.Column("account_id", BigId, sa.ForeignKey("account.id"), nullable=False, index=True),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("seen_at", UtcTime, nullable=False),
        sa.Column("sure_at", UtcTime, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "link",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("token_hash", sa.Text, nullable=False, unique=True),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("account_id", BigId, sa.ForeignKey("account.id")),
        sa.Column("made_by", BigId, sa.ForeignKey("account.id")),
        sa.Column("organization_id", BigId, sa.ForeignKey("organization.id", ondelete="CASCADE")),
        sa.Column("role", sa.SmallInteger),
        sa.Column("platform", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
        sa.Column("used_at", UtcTime),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "api_key",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False, unique=True),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("everywhere", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("maker", sa.Text, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime),
        sa.Column("revoked_at", UtcTime),
        sa.Column("used_at", UtcTime),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "api_key_organization",
        sa.Column("key_id", BigId, sa.ForeignKey("api_key.id"), primary_key=True, autoincrement=False),
        _of_organization(),
    )
    op.create_table(
        "bucket",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("tokens", sa.Float(53), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False, index=True),
    )
    op.create_table(
        "audit_line",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("at", UtcTime, nullable=False, index=True),
        sa.Column("actor_kind", sa.String(20), nullable=False),
        sa.Column("actor_id", BigId),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("actor_key", Sortable, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("word", sa.String(40), nullable=False),
        sa.Column("organization_id", BigId),
        sa.Column("object_kind", sa.String(20), nullable=False),
        sa.Column("object_id", BigId),
        sa.Column("object_name", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("why", sa.Text, nullable=False),
        sa.Index(None, "organization_id", "id"),
        sa.Index(None, "actor_key", "id"),
        sa.Index(None, "word", "id"),
        sa.Index(None, "object_kind", "object_id", "id"),
        sqlite_autoincrement=True,
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def _of_organization() -> sa.Column[int]:
    return sa.Column(
        "organization_id",
        BigId,
        sa.ForeignKey("organization.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    )


def downgrade() -> None:
    """Take all of it away, the audit trail included."""
    for table in (
        *("audit_line", "bucket", "api_key_organization", "api_key"),
        *("link", "account_session", "membership", "account"),
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_is_final()")


SQLITE = [
    *(
        f"""CREATE TRIGGER audit_{event.lower()} BEFORE {event} ON audit_line BEGIN
                SELECT RAISE(ABORT, 'a line of the audit trail is final'); END"""
        for event in ("UPDATE", "DELETE")
    ),
    # REPLACE removes the old row without a DELETE trigger.
    """CREATE TRIGGER audit_insert BEFORE INSERT ON audit_line
       WHEN EXISTS (SELECT 1 FROM audit_line WHERE id = NEW.id) BEGIN
           SELECT RAISE(ABORT, 'a line of the audit trail is final'); END""",
]

POSTGRESQL = [
    """CREATE FUNCTION audit_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION 'a line of the audit trail is final'; END $$""",
    """CREATE TRIGGER audit_final BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_line
       FOR EACH STATEMENT EXECUTE FUNCTION audit_is_final()""",
]
