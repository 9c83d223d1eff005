"""Helpers for migrations: move to a revision, compare the schema with the models, and check the statistics."""

from __future__ import annotations

import warnings
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from voiceadmin.database.base import Base, db
from voiceadmin.database.engine import write_execution_options
from voiceadmin.database.migrations import HERE
from voiceadmin.totals.queries import find_wrong_totals


def migrate_to(revision: str, *, down: bool = False) -> None:
    """Upgrade or downgrade the database to a revision."""
    with db.engine.connect().execution_options(**write_execution_options()) as connection, connection.begin():
        config = Config()
        config.set_main_option("script_location", str(HERE).replace("%", "%%"))
        config.attributes["connection"] = connection
        (command.downgrade if down or revision == "base" else command.upgrade)(config, revision)


# Tables and indexes that only one kind of database has, or has in this form. They are not part of the models.
NOT_IN_MODELS = {
    "trigram_position",
    "ix_voice_json_body",
    "ix_voice_search",
    "ix_voice_by_group",
    "ix_assistant_unready_since",
}


def schema_differences() -> Any:
    """The differences between the database and the models, without those that Alembic cannot compare."""

    def is_compared(item: Any, name: str | None, *_: Any) -> bool:
        return name is not None and name not in NOT_IN_MODELS and not name.startswith("voice_search")

    options = {"compare_server_default": True, "include_object": is_compared}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index ix_voice_by_group")
        warnings.filterwarnings("ignore", r"Computed default on cloned_voice\.\w+ cannot be modified")
        return compare_metadata(MigrationContext.configure(db.session.connection(), opts=options), Base.metadata)


def assert_totals_are_correct() -> None:
    """Compare everything that triggers count with a count over all voices."""
    assert find_wrong_totals() == []
