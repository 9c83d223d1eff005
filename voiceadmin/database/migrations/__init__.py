"""Migrate the database with Alembic, and read its revision."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import text

from voiceadmin.database.base import db
from voiceadmin.database.engine import SQLITE_PATH, write_execution_options
from voiceadmin.errors import DatabaseNotReady

HERE = Path(__file__).resolve().parent


MIGRATION_LOCK = 7_621_734_002  # an arbitrary number: the key of PostgreSQL's advisory lock for migrations


@cache
def head_revision() -> str:
    """Return the newest revision of this version."""
    head = ScriptDirectory(str(HERE)).get_current_head()
    assert head is not None  # noqa: S101  # there is at least one migration
    return head


def current_revision() -> str | None:
    """Return the revision of the connected database; None for an empty one."""
    return MigrationContext.configure(db.session.connection()).get_current_revision()


def migrate() -> bool:
    """Create the database or migrate it to the newest schema, in one transaction. Returns whether anything changed.

    Processes that start at the same time migrate once: the others wait for the lock.

    Raises:
        DatabaseNotReady: if the file cannot be written, or the database was written by a newer version.
    """
    path: Path | None = current_app.extensions[SQLITE_PATH]
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
        except OSError as error:
            raise DatabaseNotReady(
                f"{path} cannot be written: {error.strerror}. Make its folder writable, or choose another "
                "VOICEADMIN_INSTANCE."
            ) from error
    with db.engine.connect() as connection:  # the usual case, without waiting for a writer
        if MigrationContext.configure(connection).get_current_revision() == head_revision():
            return False
    with db.engine.connect().execution_options(**write_execution_options()) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        found = MigrationContext.configure(connection).get_current_revision()
        if found == head_revision():
            return False
        script = ScriptDirectory(str(HERE))
        if found is not None and found not in {step.revision for step in script.walk_revisions()}:
            raise DatabaseNotReady(
                "The database was written by a newer version of voiceadmin. Install that version, or restore a backup."
            )
        config = Config()
        config.set_main_option("script_location", str(HERE).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return True
