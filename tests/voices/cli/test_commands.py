"""The other commands, invalid command lines, and commands as processes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.commands import Shell
from tests.factories import voice_row
from tests.voices.cli.scenario import count, lines, process
from voiceadmin.config import COMMAND, Settings
from voiceadmin.database.base import db
from voiceadmin.organizations.models import Organization
from voiceadmin.tabular import ExportFormat
from voiceadmin.voices.exporting.writing import format_file
from voiceadmin.voices.models import ClonedVoice


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["import", "-"], "Missing option '--assistant'"),
        (["import", "--assistant", "31"], "Missing argument 'FILE'"),
        (["import", "/no/such/file", "--assistant", "31"], "No such file or directory"),
        (["import", "/", "--assistant", "31"], "Is a directory"),
        (["import", "-", "--assistant", "0"], "0 is not in the range"),
        (["import", "-", "--assistant", str(2**63)], "is not in the range"),
        (["import", "-", "--assistant", "desk"], "is not a valid integer"),
        (["export", "--assistant", "31", "--format", "xml"], "'xml' is not one of"),
        (["sample", "--now", "soon"], "'soon' is not a time. Write it as 2026-01-31T12:00:00Z."),
        (["serve", "--port", "0"], "0 is not in the range"),
        (["fly"], "No such command 'fly'"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else None,
)
def test_an_invalid_command_line_prints_the_reason(shell: Shell, words: list[str], message: str) -> None:
    result = shell(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_the_sample_is_added_and_removed(shell: Shell) -> None:
    added = shell("sample", "--now", "2026-03-06T00:30:00+01:00")
    again = shell("sample", "--now", "2026-03-05T12:00:00")
    count_before = count(ClonedVoice)
    removed = shell("sample", "--remove")

    assert "Voices: 2,500 added." in added.stdout
    assert "Voices: 2,500 unchanged." in again.stdout
    assert "Voices: 2,500 removed." in removed.stdout
    assert (count_before, count(ClonedVoice), count(Organization)) == (2500, 0, 0)


def test_the_sample_is_computed_for_now_by_default(shell: Shell, now: datetime) -> None:
    shell("sample")

    latest = db.session.scalar(select(func.max(ClonedVoice.created_at)))

    assert datetime(2026, 11, 1, tzinfo=UTC) < (latest or now) <= now


def test_migrating_twice_changes_nothing_more(make_shell: Callable[[Settings], Shell], tmp_path: Path) -> None:
    shell = make_shell(Settings(instance=tmp_path / "new" / "store"))

    first, second = shell("migrate"), shell("migrate")

    assert (first.exit_code, first.output) == (0, "The database was migrated.\n")
    assert (second.exit_code, second.output) == (0, "The database is up to date.\n")


@pytest.mark.parametrize("words", [["import", "-", "--assistant", "31"], ["export", "--assistant", "31"], ["migrate"]])
def test_an_unreachable_database_prints_one_line_and_fails(
    make_shell: Callable[[Settings], Shell], tmp_path: Path, words: list[str]
) -> None:
    shell = make_shell(
        Settings(instance=tmp_path, database_url=f"postgresql+psycopg://user:secret@/voices?host={tmp_path}")
    )

    result = shell(*words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: The database cannot be reached: ")
    assert result.stderr.endswith(" Nothing was written.\n")
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.stderr


def test_a_database_of_a_newer_version_is_refused(make_shell: Callable[[Settings], Shell], tmp_path: Path) -> None:
    shell = make_shell(Settings(instance=tmp_path))
    shell("migrate")
    with closing(sqlite3.connect(tmp_path / "voiceadmin.sqlite")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    result = shell("export", "--assistant", "31")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: The database was written by a newer version of voiceadmin.")


def test_a_process_imports_and_exports(tmp_path: Path) -> None:
    rows = [voice_row(id=2, name="Recepción 😀\r\n=1+1"), voice_row(id=1, quality_score=None)]

    imported = process(tmp_path, "import", "-", "--assistant", "31", stdin=lines(rows))
    exported = process(tmp_path, "export", "--assistant", "31", "--format", "ndjson")

    assert (imported.returncode, imported.stderr) == (0, "")
    assert imported.stdout == "2 added, 0 changed, 0 unchanged, 0 refused.\n"
    assert exported.stdout == "".join(format_file(rows[::-1], ExportFormat.NDJSON))
    assert (tmp_path / "voiceadmin.sqlite").stat().st_mode & 0o777 == 0o600


def test_all_invalid_settings_are_printed_together_without_a_traceback(tmp_path: Path) -> None:
    result = process(
        tmp_path, "migrate", VOICEADMIN_DATABASE_URL="mysql://user:secret@db", VOICEADMIN_HOSTS="*", VOICEADMIN_HOST="x"
    )

    assert (result.returncode, result.stdout) == (1, "")
    assert [line.removeprefix("Error: ").split()[0] for line in result.stderr.splitlines()] == [
        "VOICEADMIN_DATABASE_URL",
        "VOICEADMIN_HOST",
        "VOICEADMIN_HOSTS",
    ]
    assert "secret" not in result.stderr


def test_help_lists_every_command_and_needs_no_settings(tmp_path: Path) -> None:
    result = process(tmp_path, "--help", VOICEADMIN_HOST="x")

    assert result.returncode == 0
    assert result.stdout.startswith(f"Usage: {COMMAND} ")
    assert all(f"  {name} " in result.stdout for name in ("run", "serve", "import", "export", "sample", "migrate"))
