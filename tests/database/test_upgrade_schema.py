"""The schema after an upgrade from version 0005, and after the downgrade."""

from __future__ import annotations

import sqlite3
from typing import Any

from flask import Flask
from sqlalchemy import text

from tests.database.schema import migrate_to, schema_differences
from tests.database.version_0005 import SQLITE, all_rows
from voiceadmin.database.base import Base, db
from voiceadmin.database.migrations import migrate


def test_an_upgraded_database_has_the_schema_of_a_new_one(upgraded: Flask) -> None:
    assert schema_differences() == []


@SQLITE
def test_a_sqlite_file_passes_its_integrity_checks_after_the_upgrade(upgraded: Flask) -> None:
    assert db.session.scalars(text("PRAGMA integrity_check")).all() == ["ok"]
    assert db.session.execute(text("PRAGMA foreign_key_check")).all() == []


@SQLITE
def test_indexes_are_created_again_if_sqlite_protects_its_schema(old_app: Flask) -> None:
    def protect(action: int, first: str | None, second: str | None, *_: Any) -> int:
        is_refused = (action, first, second) == (sqlite3.SQLITE_PRAGMA, "writable_schema", "ON")
        return sqlite3.SQLITE_DENY if is_refused else sqlite3.SQLITE_OK

    with db.engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_authorizer(protect)

    migrate()

    assert schema_differences() == []


def test_a_downgrade_restores_the_old_names_and_values(old_app: Flask) -> None:
    before = all_rows()
    migrate()
    upgraded = all_rows()
    migrate_to("0005", down=True)
    after = all_rows()
    migrate()
    upgraded_again = all_rows()

    assert set(after) == set(before)
    for table, rows in before.items():
        sentences = {"deed": {"outcome"}, "plan_item": {"why"}}.get(table, set())
        for name in set(rows[0]) - sentences:
            assert sorted(repr(row[name]) for row in after[table]) == sorted(repr(row[name]) for row in rows), (
                table,
                name,
            )
    assert upgraded_again == upgraded
    assert set(upgraded_again) == set(Base.metadata.tables)
