"""Settings of PostgreSQL sessions: on servers with other defaults, and behind a real PgBouncer in transaction mode."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url, text

from tests.conftest import NOW, SHELL
from tests.database.conftest import connect, create_database
from tests.database.pgbouncer import pgbouncer
from tests.factories import make_account, make_assistant, make_organization, sign_in
from voiceadmin import create_app
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.errors import DatabaseNotReady
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.queries import get_assistant_organization
from voiceadmin.tabular import ExportFormat
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.queries import voices_file

CREATED = "2026-11-01T08:30:00Z"
Start = Callable[..., Flask]


@pytest.fixture
def database(postgres: str) -> str:
    """The address of an empty database on a server whose defaults are not ours."""
    name = f"{make_url(postgres).database}_hostile"
    create_database(postgres, name)
    with connect(postgres) as connection:
        for setting in ("timezone = 'Asia/Kathmandu'", "datestyle = 'SQL, DMY'", "intervalstyle = 'sql_standard'"):
            connection.execute(f"ALTER DATABASE {name} SET {setting}".encode())
    return make_url(postgres).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that migrates a database and returns an application for it, inside its context."""
    with ExitStack() as stack:

        def begin(address: str) -> Flask:
            app = create_app(Settings(instance=tmp_path, database_url=address), WTF_CSRF_ENABLED=False)
            stack.enter_context(app.app_context())
            stack.callback(dispose_engine)
            prepare_database()
            return app

        yield begin


def import_records(count: int, **fields: Any) -> None:
    """Import voices of assistant 31."""
    records = [
        {
            "id": id,
            "name": f"Voice {id}",
            "provider": "elevenlabs",
            "status": "ready",
            "created_at": CREATED,
            "synthesis_count": 0,
        }
        | fields
        for id in range(1, count + 1)
    ]
    faults: list[Any] = []
    import_voices(BytesIO(json.dumps(records).encode()), ImportTarget(31), by=SHELL, now=NOW, on_fault=faults.append)
    assert faults == []


def read_created_at(app: Flask) -> set[str]:
    """Return the creation times of the voices of assistant 31 in the JSON route and in an export."""
    client = sign_in(app.test_client(), make_account(platform=True))
    listed = client.get("/api/v1/assistants/31/cloned-voices").get_json()["cloned_voices"]
    db.session.rollback()  # the JSON route reads without a transaction, and its session is that of the test
    owner = get_assistant_organization(EVERYTHING, 31)
    assert owner is not None
    exported = [json.loads(line) for line in "".join(voices_file(owner[0], ExportFormat.NDJSON)).splitlines()]
    assert len(listed) == len(exported) > 0
    return {voice["created_at"] for voice in [*listed, *exported]}


def test_times_are_utc_if_the_database_has_other_defaults(database: str, start: Start, now: datetime) -> None:
    app = start(database)
    make_assistant(make_organization(), id=31)
    import_records(3)

    assert read_created_at(app) == {CREATED}
    assert db.session.scalar(text("SHOW timezone")) == "UTC"


def test_times_are_utc_if_the_environment_asks_for_another_zone(
    database: str, start: Start, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGTZ", "Pacific/Chatham")
    monkeypatch.setenv("PGOPTIONS", "-c timezone=Pacific/Chatham -c work_mem=5MB")
    app = start(database)
    make_assistant(make_organization(), id=31)
    import_records(3)

    assert read_created_at(app) == {CREATED}
    assert db.session.scalar(text("SHOW work_mem")) == "5MB"


def test_options_of_the_address_are_kept(database: str, start: Start) -> None:
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA desk")

    start(f"{database}&options=-csearch_path%3Ddesk%20-clock_timeout%3D7s")

    assert db.session.scalar(text("SELECT to_regclass('desk.cloned_voice') IS NOT NULL"))
    assert not db.session.scalar(text("SELECT to_regclass('public.cloned_voice') IS NOT NULL"))
    assert db.session.scalar(text("SHOW lock_timeout")) == "7s"
    assert db.session.scalar(text("SHOW timezone")) == "UTC"


@pytest.mark.parametrize("options", ["", "ignore_startup_parameters = options"], ids=["refused", "ignored"])
def test_everything_works_behind_pgbouncer_in_transaction_mode(
    database: str, start: Start, now: datetime, options: str
) -> None:
    with pgbouncer(database, options=options) as address:
        app = start(address)
        make_assistant(make_organization(), id=31)
        import_records(20_000)
        import_records(20_000, synthesis_count=1)
        created = read_created_at(app)
        client = sign_in(app.test_client(), make_account(platform=True))
        with ThreadPoolExecutor(12) as pool:
            responses = list(pool.map(lambda _: client.get("/assistants/31/voices?q=voice").status_code, range(60)))
        dispose_engine()

    assert created == {CREATED}
    assert responses == [200] * 60


def test_nothing_stays_behind_on_a_connection_of_pgbouncer(database: str, start: Start, now: datetime) -> None:
    with pgbouncer(database, pool_size=1) as address:
        app = start(address)
        make_assistant(make_organization(), id=31)
        import_records(100)
        client = sign_in(app.test_client(), make_account(platform=True))
        for _ in range(10):
            assert client.get("/assistants/31/voices").status_code == 200
        in_transaction = db.session.scalar(text("SHOW lock_timeout"))
        db.session.rollback()
        with psycopg.connect(address.replace("+psycopg", ""), autocommit=True, prepare_threshold=None) as other:
            left = [other.execute(f"SHOW {name}".encode()).fetchone() for name in ("lock_timeout", "timezone")]
            prepared = other.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
        dispose_engine()

    assert in_transaction == "30s"
    assert left == [("0",), ("Asia/Kathmandu",)]
    assert prepared == (0,)


def test_a_database_that_is_not_utf_8_is_refused(postgres: str, start: Start) -> None:
    name = f"{make_url(postgres).database}_latin1"
    with connect(postgres) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(
            f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0".encode()
        )
    address = make_url(postgres).set(database=name).render_as_string(hide_password=False)

    with pytest.raises(DatabaseNotReady, match=r"^The database has the encoding LATIN1, which cannot store every name"):
        start(address)
