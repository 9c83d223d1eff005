"""Databases of version 0005, before and after their upgrade."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url

from tests.conftest import Client
from tests.database.version_0005 import read_fixture
from voiceadmin import create_app
from voiceadmin.config import Settings
from voiceadmin.database.migrations import migrate
from voiceadmin.database.schema import dispose_engine


@pytest.fixture(scope="session")
def expected() -> dict[str, Any]:
    """The responses of the old version for the same database."""
    found: dict[str, Any] = json.loads(read_fixture("version_0005_expected.json.gz"))
    return found


@pytest.fixture(scope="session")
def old_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("old") / "voiceadmin.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(read_fixture("version_0005_sqlite.sql.gz"))
    connection.close()
    return path


@pytest.fixture(scope="session")
def old_postgresql_database(postgres: str) -> str:
    """The name of a database with the old schema. Its server is that of the `postgres` fixture."""
    name = f"{make_url(postgres).database}_old"
    create_database(postgres, name)
    with connect(postgres, name) as connection:
        connection.execute(read_fixture("version_0005_postgresql.sql.gz").encode())
    return name


@pytest.fixture(params=["sqlite", "postgresql"])
def old_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An application with a database of version 0005, inside its context."""
    settings = Settings(instance=tmp_path)
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("old_sqlite_file"), tmp_path / "voiceadmin.sqlite")
    else:
        postgres: str = request.getfixturevalue("postgres")
        template: str = request.getfixturevalue("old_postgresql_database")
        create_database(postgres, f"{template}_copy", template)
        address = make_url(postgres).set(database=f"{template}_copy").render_as_string(hide_password=False)
        settings = replace(settings, database_url=address)
    app = create_app(settings, WTF_CSRF_ENABLED=False)
    app.test_client_class = Client
    with app.app_context():
        yield app
        dispose_engine()


@pytest.fixture
def upgraded(old_app: Flask, now: object) -> Flask:
    """The same application after the upgrade."""
    assert migrate()
    return old_app


def create_database(server: str, name: str, template: str = "template1") -> None:
    with connect(server) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())


def connect(server: str, name: str = "postgres") -> psycopg.Connection[Any]:
    address = make_url(server).set(drivername="postgresql", database=name)
    return psycopg.connect(address.render_as_string(hide_password=False), autocommit=True)
