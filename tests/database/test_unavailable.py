"""Faults of a database are 503 with a sentence in the log and in the shell, and end without a restart."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask, Response
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from tests.conftest import NOW, SHELL, Client
from tests.database.conftest import connect, create_database
from tests.factories import make_account, make_assistant, make_organization, sign_in
from voiceadmin import clock, create_app
from voiceadmin.__main__ import cli
from voiceadmin.api_keys.actions import create_api_key
from voiceadmin.config import Settings
from voiceadmin.database import engine
from voiceadmin.database.base import db
from voiceadmin.database.engine import SQLITE_PATH
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.database.transactions import WRITES_RETRIED_AT
from voiceadmin.database.unavailable import describe_unavailable
from voiceadmin.identity import EVERYTHING

NOBODY = 65534  # a user id that owns nothing
SIGN_IN = {"email": "nobody@example.com", "password": "x"}


@pytest.fixture
def database(postgres: str) -> str:
    """The address of a migrated database of its own."""
    name = f"{make_url(postgres).database}_faulty"
    create_database(postgres, name)
    address = make_url(postgres).set(database=name).render_as_string(hide_password=False)
    app = create_app(Settings(database_url=address))
    with app.app_context():
        prepare_database()
        dispose_engine()
    return address


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Flask]]:
    """Return a function that returns an application for an address."""
    with ExitStack() as stack:

        def begin(address: str) -> Flask:
            app = create_app(Settings(instance=tmp_path, database_url=address), WTF_CSRF_ENABLED=False)
            app.test_client_class = Client

            def end() -> None:
                with app.app_context():
                    dispose_engine()

            stack.callback(end)
            return app

        yield begin


def run_sql(address: str, *statements: str) -> None:
    """Execute statements as the owner of the server."""
    url = make_url(address)
    assert url.database
    with connect(address, url.database) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def assert_unavailable(app: Flask, caplog: pytest.LogCaptureFixture, sentence: str) -> None:
    """Assert that signing in answers 503, and that the sentence is in the log."""
    with caplog.at_level(logging.ERROR):
        response = app.test_client().post("/sign-in", data=SIGN_IN)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "Database unavailable" in response.text
    assert sentence in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("fault", "remedy", "sentence"),
    [
        ("REVOKE ALL ON audit_event FROM {role}", "GRANT ALL ON audit_event TO {role}", "lacks rights"),
        ("ALTER ROLE {role} SET default_transaction_read_only = on", "ALTER ROLE {role} RESET ALL", "is read-only"),
        (
            "ALTER ROLE {role} CONNECTION LIMIT 0",
            "ALTER ROLE {role} CONNECTION LIMIT -1",
            "too many connections for role",
        ),
        ("ALTER ROLE {role} NOLOGIN", "ALTER ROLE {role} LOGIN", "is not permitted to log in"),
        ("ALTER TABLE audit_event RENAME TO away", "ALTER TABLE away RENAME TO audit_event", ""),
    ],
    ids=["rights", "read-only", "connections", "login", "table"],
)
def test_a_fault_of_postgresql_is_503_until_it_is_repaired(
    database: str,
    start: Callable[[str], Flask],
    now: datetime,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    remedy: str,
    sentence: str,
) -> None:
    role = f"desk_of_{make_url(database).database}"  # all processes of the tests share the roles of one server
    create = f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    grants = [f"GRANT ALL ON ALL {kind} IN SCHEMA public TO {role}" for kind in ("TABLES", "SEQUENCES")]
    run_sql(database, create, f"ALTER ROLE {role} LOGIN CONNECTION LIMIT -1", *grants)
    app = start(make_url(database).set(username=role).render_as_string(hide_password=False))
    assert app.test_client().post("/sign-in", data=SIGN_IN).status_code == 422
    with app.app_context():
        dispose_engine()

    run_sql(database, fault.format(role=role))
    try:
        if sentence:
            assert_unavailable(app, caplog, sentence)
        else:  # a schema that is not ours: an error with a reference, not a promise that it passes by itself
            assert app.test_client().post("/sign-in", data=SIGN_IN).status_code == 500
        assert app.test_client().get("/readyz").status_code == 503
        assert app.test_client().get("/healthz").status_code == 200
    finally:
        with app.app_context():
            dispose_engine()
        run_sql(database, remedy.format(role=role))

    assert app.test_client().post("/sign-in", data=SIGN_IN).status_code == 422
    assert app.test_client().get("/readyz").status_code == 200


def prepare_reader(app: Flask) -> Callable[[], dict[str, int]]:
    """Return a function that requests a page with a session, JSON with a key and others, and returns their status.

    The last activity of the session and of the key are due to be recorded.
    """
    with app.app_context():
        make_assistant(make_organization(), id=31)
        client = sign_in(app.test_client(), make_account(platform=True))
        secret = create_api_key(EVERYTHING, "poller", None, expires_at=None, by=SHELL, now=NOW)
        dispose_engine()

    def request_all() -> dict[str, int]:
        key = {"Authorization": f"Bearer {secret}"}
        responses = {
            "page": client.get("/assistants/31/voices"),
            "json": client.get("/api/v1/assistants/31/cloned-voices", headers=key),
            "write": client.post("/sign-in", data=SIGN_IN),
            "ready": client.get("/readyz"),
            "up": client.get("/healthz"),
        }
        assert all((one.status_code == 503) == ("Retry-After" in one.headers) for one in responses.values())
        return {name: response.status_code for name, response in responses.items()}

    return request_all


WRITABLE = {"page": 200, "json": 200, "write": 422, "ready": 200, "up": 200}
READ_ONLY = {"page": 200, "json": 200, "write": 503, "ready": 503, "up": 200}


def test_a_postgresql_server_that_became_a_standby_is_read_but_not_ready(
    database: str, start: Callable[[str], Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app, name = start(database), make_url(database).database
    monkeypatch.setattr(clock, "now", lambda: NOW)
    request_all = prepare_reader(app)
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=5))
    end_sessions = f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
    server = make_url(database).set(database="postgres").render_as_string(hide_password=False)

    run_sql(server, f"ALTER DATABASE {name} SET default_transaction_read_only = on", end_sessions)
    demoted = request_all()
    run_sql(server, f"ALTER DATABASE {name} RESET ALL", end_sessions)
    app.extensions.pop(WRITES_RETRIED_AT)
    promoted = request_all()

    assert (demoted, promoted) == (READ_ONLY, WRITABLE)


def test_a_connection_that_breaks_after_a_response_was_made_does_not_replace_it(
    database: str, start: Callable[[str], Flask]
) -> None:
    app = start(database)

    @app.after_request
    def break_connection(response: Response) -> Response:
        process = db.session.scalar(text("SELECT pg_backend_pid()"))
        run_sql(database, f"SELECT pg_terminate_backend({process}, 10000)")
        return response

    assert [app.test_client().get("/sign-in").status_code for _ in range(2)] == [200, 200]


@pytest.fixture
def plain_user() -> Iterator[Path]:
    """Return a folder of its own of a user who is not root. The test runs as this user."""
    folder = Path(tempfile.mkdtemp(prefix="voiceadmin-"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    yield folder
    if is_root:
        os.seteuid(0)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("target", "mode", "expected"),
    [
        ("voiceadmin.sqlite", 0o400, READ_ONLY),
        ("", 0o500, READ_ONLY | {"page": 503, "json": 503}),  # SQLite cannot create the files beside the database
    ],
    ids=["file", "folder"],
)
def test_a_read_only_sqlite_file_is_not_ready(
    plain_user: Path, monkeypatch: pytest.MonkeyPatch, target: str, mode: int, expected: dict[str, int]
) -> None:
    app = create_app(Settings(instance=plain_user), WTF_CSRF_ENABLED=False)
    app.test_client_class = Client
    with app.app_context():
        prepare_database()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    request_all = prepare_reader(app)
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=5))
    path = plain_user / target
    former = path.stat().st_mode
    monkeypatch.setattr(engine, "RETRY_SECONDS", None)  # waiting, which cannot help, would fail

    path.chmod(mode)
    read_only = request_all()
    for file in (path, *plain_user.iterdir()):  # SQLite gives the files beside the database its mode
        file.chmod(former)
    app.extensions.pop(WRITES_RETRIED_AT, None)
    writable = request_all()
    with app.app_context():
        dispose_engine()

    assert (read_only, writable) == (expected, WRITABLE)


def test_a_statement_and_an_idle_transaction_that_take_too_long_are_described(
    database: str, start: Callable[[str], Flask]
) -> None:
    limits = "-cstatement_timeout%3D20ms%20-cidle_in_transaction_session_timeout%3D20ms"
    with start(f"{database}&options={limits}").app_context():
        with pytest.raises(SQLAlchemyError) as slow:
            db.session.execute(text("SELECT pg_sleep(10)"))
        db.session.rollback()
        process = db.session.scalar(text("SELECT pg_backend_pid()"))
        with connect(database) as observer:
            while observer.execute(f"SELECT 1 FROM pg_stat_activity WHERE pid = {process}".encode()).fetchone():
                pass
        with pytest.raises(SQLAlchemyError) as idle:
            db.session.execute(text("SELECT 1"))
        db.session.rollback()

    assert describe_unavailable(slow.value) == ("A statement took longer than the database allows (statement_timeout).")
    assert describe_unavailable(idle.value) == (
        "The database ended an idle transaction (idle_in_transaction_session_timeout)."
    )


def test_used_up_connections_are_503_at_once(
    sqlite_app: Flask, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db.engine.pool, "_timeout", 0)
    with ExitStack() as stack:
        for _ in range(db.engine.pool.size() + db.engine.pool._max_overflow):  # type: ignore[attr-defined]
            stack.enter_context(db.engine.connect())

        assert_unavailable(sqlite_app, caplog, "All connections to the database are in use.")


def test_a_damaged_sqlite_file_is_503_and_named_in_the_shell(
    sqlite_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    path = Path(sqlite_app.extensions[SQLITE_PATH])
    dispose_engine()
    content = bytearray(path.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)  # all but the header
    path.write_bytes(content)

    assert_unavailable(sqlite_app, caplog, "The SQLite file is damaged. Stop the server and restore a backup.")
    dispose_engine()
    settings: Settings = sqlite_app.config["VOICEADMIN"]
    result = CliRunner().invoke(cli, ["account", "list"], obj=lambda: create_app(replace(settings)))

    assert result.exit_code == 1
    assert result.stderr == (
        "Error: The SQLite file is damaged. Stop the server and restore a backup. Nothing was written.\n"
    )


def test_a_file_that_is_no_database_is_named_in_the_shell(tmp_path: Path) -> None:
    (tmp_path / "voiceadmin.sqlite").write_text("id,name\n1,Anna\n" * 100)

    result = CliRunner().invoke(cli, ["account", "list"], obj=lambda: create_app(Settings(instance=tmp_path)))

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: The file of VOICEADMIN_DATABASE_URL is not an SQLite database")


def test_a_read_only_sqlite_file_is_described(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    sqlite3.connect(path).execute("CREATE TABLE t (x)").connection.close()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as refused:
        connection.execute("INSERT INTO t VALUES (1)")
    connection.close()

    error = OperationalError("INSERT", {}, refused.value)
    assert describe_unavailable(error) == "The SQLite file, its folder, or its -wal or -shm file is read-only."
