"""Backups: made while a server writes, and copied over a database whose write-ahead log remained."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select, text

from tests.database.schema import assert_totals_are_correct
from tests.factories import make_organization, put_voices, voice_row
from tests.server.server_process import wait_until
from voiceadmin import create_app
from voiceadmin.__main__ import cli
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.engine import SQLITE_PATH
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.database.sqlite_files import check_sqlite_files
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.errors import DatabaseNotReady
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import build_voice_columns


@pytest.fixture
def replaced(sqlite_app: Flask, tmp_path: Path) -> Path:
    """A database file that was replaced by its backup, beside the write-ahead log of a process that was killed."""
    source = Path(sqlite_app.extensions[SQLITE_PATH])
    folder = tmp_path / "instance"
    folder.mkdir(mode=0o700)
    dispose_engine()
    shutil.copy(source, tmp_path / "backup")
    put_voices(make_organization(), [voice_row(name="x" * 1000) for _ in range(3000)])
    db.session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    db.session.rollback()
    put_voices(make_organization("Second"), [voice_row() for _ in range(300)])
    for suffix in ("", "-wal", "-shm"):
        shutil.copy(f"{source}{suffix}", f"{folder / 'voiceadmin.sqlite'}{suffix}")
    shutil.copy(tmp_path / "backup", folder / "voiceadmin.sqlite")
    for path in folder.iterdir():
        path.chmod(0o600)
    return folder / "voiceadmin.sqlite"


def make_older(path: Path, seconds: int) -> None:
    """Let a file be older than it is."""
    changed = path.stat().st_mtime - seconds
    os.utime(path, (changed, changed))


def test_serve_refuses_a_log_of_another_file_and_changes_nothing(replaced: Path) -> None:
    make_older(Path(f"{replaced}-wal"), 600)
    before = {path.name: path.read_bytes() for path in replaced.parent.iterdir() if not path.name.endswith("-shm")}

    result = CliRunner().invoke(cli, ["serve"], obj=lambda: create_app(Settings(instance=replaced.parent)))

    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {replaced} is damaged, or voiceadmin.sqlite-wal belongs to another file. If you have restored a "
        f"backup, delete {replaced}-wal and {replaced}-shm, copy the backup again, and start the server.\n"
    )
    after = {path.name: path.read_bytes() for path in replaced.parent.iterdir() if not path.name.endswith("-shm")}
    assert after == before


def test_the_log_of_a_killed_process_is_accepted(sqlite_app: Flask, tmp_path: Path) -> None:
    source = Path(sqlite_app.extensions[SQLITE_PATH])
    make_organization()
    path = tmp_path / "voiceadmin.sqlite"
    for suffix in ("", "-wal", "-shm"):
        shutil.copy(f"{source}{suffix}", f"{path}{suffix}")

    check_sqlite_files(path)
    make_older(Path(f"{path}-wal"), 600)
    check_sqlite_files(path)


def test_a_damaged_file_is_refused(replaced: Path) -> None:
    make_older(Path(f"{replaced}-wal"), 600)
    replaced.write_bytes(replaced.read_bytes()[:20_000])

    with pytest.raises(DatabaseNotReady, match="is damaged"):
        check_sqlite_files(replaced)


def test_a_database_without_a_log_is_not_read(tmp_path: Path) -> None:
    check_sqlite_files(tmp_path / "missing")
    (tmp_path / "x").write_bytes(b"no database")
    check_sqlite_files(tmp_path / "x")


def test_a_backup_made_during_writes_is_a_consistent_database(sqlite_app: Flask, tmp_path: Path) -> None:
    acme, ended, written = make_organization(), threading.Event(), 0
    organization_id = acme.id

    def write() -> None:
        nonlocal written
        with sqlite_app.app_context():
            while not ended.is_set():
                with write_transaction():
                    rows = [build_voice_columns(voice_row(), organization_id) for _ in range(20)]
                    db.session.execute(upsert_statement(ClonedVoice), rows)
                written += 20
            db.session.remove()

    writer = threading.Thread(target=write)
    writer.start()
    wait_until(lambda: written >= 100, "voices are written")
    least = written
    with (
        closing(sqlite3.connect(sqlite_app.extensions[SQLITE_PATH])) as source,
        closing(sqlite3.connect(tmp_path / "voiceadmin.sqlite")) as copy,
    ):
        source.backup(copy, pages=50)
    most = written + 20
    ended.set()
    writer.join()

    with create_app(Settings(instance=tmp_path)).app_context():
        assert not prepare_database()
        assert db.session.scalar(text("PRAGMA integrity_check")) == "ok"
        count = db.session.scalar(select(func.count()).select_from(ClonedVoice)) or 0
        assert count % 20 == 0
        assert least <= count <= most
        assert_totals_are_correct()
        dispose_engine()
