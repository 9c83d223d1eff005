"""The state of the database: empty, and its schema version."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from tests.factories import make_assistant
from voiceadmin.database.base import db
from voiceadmin.database.migrations import head_revision
from voiceadmin.database.schema import check_schema_version
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import DatabaseNotReady
from voiceadmin.sample.queries import database_is_empty


def test_a_database_without_assistants_and_voices_is_empty(app: Flask) -> None:
    assert database_is_empty()

    make_assistant()

    assert not database_is_empty()


def test_a_database_of_another_version_is_not_ready(app: Flask) -> None:
    check_schema_version()
    with write_transaction():
        db.session.execute(text("UPDATE alembic_version SET version_num = 'older'"))

    try:
        with pytest.raises(DatabaseNotReady, match="migrate"):
            check_schema_version()
    finally:
        with write_transaction():
            db.session.execute(
                text("UPDATE alembic_version SET version_num = :head_revision"), {"head_revision": head_revision()}
            )
