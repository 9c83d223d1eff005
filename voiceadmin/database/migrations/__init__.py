"""The store's schema, one small Alembic step per change, and how far a store has come."""

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


LOCK = 7_621_734_002  # any number of our own: PostgreSQL's advisory lock that only migrations take


@cache
def head_revision() -> str:
    """Return the newest revision that this program knows."""
    head = ScriptDirectory(str(HERE)).get_current_head()
    assert head is not None  # noqa: S101  # there is always a first step
    return head


def current_revision() -> str | None:
    """Return the revision of the connected database; None for an empty one."""
    return MigrationContext.configure(db.session.connection()).get_current_revision()


def migrate() -> bool:
    """Bring the store to the newest schema, making it if there is none. True when there was anything to do.

    One transaction: it happens whole or not at all, and once, however many
    processes start together. Raises DatabaseNotReady when the store was made by
    a newer version.
    """
    path: Path | None = current_app.extensions[SQLITE_PATH]
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
        except OSError as error:
            raise DatabaseNotReady(
                f"{path} cannot be made: {error.strerror}. Choose another VOICEADMIN_INSTANCE."
            ) from error
    with db.engine.connect() as connection:  # a look that waits for no writer, since there is rarely more to do
        if MigrationContext.configure(connection).get_current_revision() == head_revision():
            return False
    with db.engine.connect().execution_options(**write_execution_options()) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        found = MigrationContext.configure(connection).get_current_revision()
        if found == head_revision():
            return False
        script = ScriptDirectory(str(HERE))
        if found is not None and found not in {step.revision for step in script.walk_revisions()}:
            raise DatabaseNotReady(
                "The store was made by a newer version of voiceadmin. Install that one, or restore a backup."
            )
        config = Config()
        config.set_main_option("script_location", str(HERE).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return True
