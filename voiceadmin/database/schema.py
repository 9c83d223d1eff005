"""Prepare the database, check its schema version, and close its connections."""

from __future__ import annotations

from voiceadmin.config import format_command
from voiceadmin.database.base import db
from voiceadmin.database.migrations import current_revision, head_revision, migrate
from voiceadmin.errors import DatabaseNotReady


def check_schema_version() -> None:
    """Raise DatabaseNotReady unless the database is at the schema of this version."""
    if current_revision() != head_revision():
        raise DatabaseNotReady(f"The database is not at the schema of this version. Run “{format_command('migrate')}”.")


def prepare_database() -> bool:
    """Create or migrate the database. Returns whether anything changed. Raises DatabaseNotReady."""
    return migrate()


def dispose_engine() -> None:
    """Close every connection, so that processes forked from this one open their own."""
    db.session.remove()
    db.engine.dispose()
