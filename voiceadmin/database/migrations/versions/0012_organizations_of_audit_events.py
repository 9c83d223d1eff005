"""Add the table of audit events that concern several organizations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from voiceadmin.database.types import BigId

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = "audit_event_organization"

SQLITE_TRIGGERS = [
    f"""CREATE TRIGGER {TABLE}_{event.lower()} BEFORE {event} ON {TABLE}
        BEGIN SELECT RAISE(ABORT, 'audit events cannot be changed or deleted'); END"""
    for event in ("UPDATE", "DELETE")
]

POSTGRESQL_TRIGGERS = [
    f"""CREATE TRIGGER {TABLE}_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE}
        FOR EACH STATEMENT EXECUTE FUNCTION reject_audit_event_change()"""
]

# Until now, the activity page looked up the organizations of a key.
FILL = f"""
INSERT INTO {TABLE} (organization_id, event_id)
SELECT api_key_organization.organization_id, audit_event.id
FROM audit_event JOIN api_key_organization ON api_key_organization.key_id = audit_event.object_id
WHERE audit_event.object_kind = 'key' AND audit_event.organization_id IS NULL
"""


def upgrade() -> None:
    """Create the table, and fill it for the events about API keys of several organizations."""
    op.create_table(
        TABLE,
        sa.Column("organization_id", BigId, primary_key=True, autoincrement=False),
        sa.Column("event_id", BigId, primary_key=True, autoincrement=False),
    )
    op.execute(FILL)
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for trigger in SQLITE_TRIGGERS if is_sqlite else POSTGRESQL_TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    """Drop the table with its triggers."""
    op.drop_table(TABLE)
