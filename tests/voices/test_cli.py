"""The commands: their output, exit codes and memory."""

from __future__ import annotations

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from tests.commands import Shell
from tests.factories import make_assistant, make_organization, make_voice, put_voices, voice_row
from tests.strategies import VOICES
from voiceadmin.config import COMMAND, Settings
from voiceadmin.database.base import db
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.tabular import ExportFormat
from voiceadmin.voices.exporting.writing import format_file
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import voices_file
from voiceadmin.voices.types.rows import VoiceRow

ROOT = Path(__file__).resolve().parents[2]
NONE = "0 added, 0 changed, 0 unchanged, 0 refused."
ONE_BAD = 'Record 2, id: "x" is not an integer. Give one from 1 to 9223372036854775807, in digits.\n'


def environ(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a process whose database is in a folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VOICEADMIN_")}
    return kept | {"PYTHONPATH": str(ROOT), "VOICEADMIN_INSTANCE": str(folder)} | more


def command(*words: str | Path) -> list[str]:
    """Return the arguments that start a command as a process."""
    return [sys.executable, "-P", "-m", "voiceadmin", *map(str, words)]


def process(folder: Path, *words: str | Path, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a process with the database in a folder."""
    return subprocess.run(
        command(*words),
        env=environ(folder, **more),
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


def lines(rows: Iterable[Any]) -> str:
    """Return voices or raw records as NDJSON."""
    records = (voice_to_json(row) if isinstance(row, VoiceRow) else row for row in rows)
    return "".join(json.dumps(record) + "\n" for record in records)


def count(table: type[Any]) -> int:
    """Return the number of rows of a table."""
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(table)) or 0


# Import


@pytest.mark.parametrize("way", ["file", "standard input"])
def test_import_prints_the_outcomes(shell: Shell, tmp_path: Path, way: str) -> None:
    data = lines([voice_row(id=1), voice_row(id=2)])
    (tmp_path / "voices.ndjson").write_text(data)

    if way == "file":
        result = shell("import", tmp_path / "voices.ndjson", "--assistant", "31")
    else:
        result = shell("import", "-", "--assistant", "31", stdin=data)

    assert (result.exit_code, result.stdout, result.stderr) == (
        0,
        "2 added, 0 changed, 0 unchanged, 0 refused.\n",
        "",
    )
    assert count(ClonedVoice) == 2


def test_importing_again_changes_nothing(shell: Shell) -> None:
    data = lines(voice_row(id=number) for number in range(1, 1201))
    shell("import", "-", "--assistant", "31", stdin=data)

    result = shell("import", "-", "--assistant", "31", stdin=data)

    assert result.stdout == "0 added, 0 changed, 1,200 unchanged, 0 refused.\n"


def test_import_uses_the_given_names(shell: Shell) -> None:
    shell("import", "-", "--assistant", "31", "--assistant-name", "Night desk", "--organization", "Acme")

    assert db.session.scalars(select(Assistant.name)).all() == ["Night desk"]
    assert db.session.scalars(select(Organization.name)).all() == ["Acme"]


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"a": 1}, "Ignored 1 field that the API does not have."),
        ({"a": 1, "b": 2}, "Ignored 2 fields that the API does not have."),
    ],
    ids=["one", "two"],
)
def test_import_prints_the_number_of_ignored_fields(shell: Shell, extra: dict[str, Any], told: str) -> None:
    result = shell("import", "-", "--assistant", "31", stdin=lines([voice_to_json(voice_row()) | extra]))

    assert result.stdout == f"1 added, 0 changed, 0 unchanged, 0 refused. {told}\n"


@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["wet", "dry"])
@pytest.mark.parametrize(
    ("bad", "remedy"),
    [(1, "Fix 1 record, or skip it"), (2, "Fix 2 records, or skip them")],
)
def test_a_refused_import_prints_every_fault_and_fails(shell: Shell, bad: int, remedy: str, dry: list[str]) -> None:
    records = [voice_row(id=1), *[voice_to_json(voice_row()) | {"id": "x"}] * bad]

    result = shell("import", "-", "--assistant", "31", *dry, stdin=lines(records))

    faults = "".join(ONE_BAD.replace("2", str(number), 1) for number in range(2, bad + 2))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"{faults}Error: Nothing was written. {remedy} with --skip-bad: "
        f"1 added, 0 changed, 0 unchanged, {bad} refused.\n"
    )
    assert count(ClonedVoice) == count(Organization) == 0


def test_skipping_invalid_records_writes_the_others_and_succeeds(shell: Shell) -> None:
    records = [voice_row(id=1), voice_to_json(voice_row()) | {"id": "x"}]

    result = shell("import", "-", "--assistant", "31", "--skip-bad", stdin=lines(records))

    assert (result.exit_code, result.stdout, result.stderr) == (
        0,
        "1 added, 0 changed, 0 unchanged, 1 refused.\n",
        ONE_BAD,
    )
    assert count(ClonedVoice) == 1


@pytest.mark.parametrize("skip", [[], ["--skip-bad"]], ids=["whole", "skip-bad"])
def test_a_dry_run_without_invalid_records_succeeds(shell: Shell, skip: list[str]) -> None:
    records = [voice_row(id=1), *([voice_to_json(voice_row()) | {"id": "x"}] if skip else [])]

    result = shell("import", "-", "--assistant", "31", "--dry-run", *skip, stdin=lines(records))

    assert result.exit_code == 0
    assert result.stdout == (
        f"Dry run, nothing was written. The import would be: 1 added, 0 changed, 0 unchanged, {len(skip)} refused.\n"
    )
    assert count(ClonedVoice) == count(Organization) == 0


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"detail": "Assistant not found"}', "The input: is an error response of the API: 'Assistant not found'."),
        (b'[{"id": ', "Record 1: is incomplete or not JSON: "),
        (b"\xff\xfe[", "The input: is not UTF-8 text. Save it as UTF-8."),
        (
            b"id,name\n",
            "The input: is not JSON, and its first line is not a CSV header: missing or repeated: provider, ",
        ),
    ],
)
def test_an_unreadable_input_prints_one_line_and_fails(shell: Shell, data: bytes, says: str) -> None:
    result = shell("import", "-", "--assistant", "31", stdin=data)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {says}")
    assert result.stderr.count("\n") == 1


def test_a_contradictory_target_prints_one_line_and_fails(shell: Shell) -> None:
    result = shell("import", "-", "--assistant", "31", "--organization", "77")

    assert (result.exit_code, result.stderr) == (1, "Error: There is no organization 77. Give a name to create one.\n")


@pytest.mark.parametrize(
    ("words", "says"),
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
def test_an_invalid_command_line_prints_the_reason(shell: Shell, words: list[str], says: str) -> None:
    result = shell(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert says in result.stderr


# Export


@pytest.mark.parametrize("format", list(ExportFormat))
def test_export_writes_only_the_file(shell: Shell, format: ExportFormat) -> None:
    acme = make_organization()
    make_assistant(acme, id=31)
    make_voice(acme, name='=HYPERLINK("x")\nRecepción 😀')
    make_voice(make_organization(), name="Theirs")

    result = shell("export", "--assistant", "31", "--format", format.value)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout_bytes == "".join(voices_file(acme.id, format)).encode()
    assert b"Theirs" not in result.stdout_bytes


def test_export_writes_json_by_default(shell: Shell) -> None:
    make_assistant(id=31)

    assert json.loads(shell("export", "--assistant", "31").stdout) == {"success": True, "cloned_voices": []}


@pytest.mark.parametrize("format", list(ExportFormat))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(rows=st.lists(VOICES, max_size=3, unique_by=lambda row: row.id))
def test_import_of_an_export_changes_nothing(shell: Shell, format: ExportFormat, rows: list[VoiceRow]) -> None:
    with db.engine.begin() as connection:
        for table in ("cloned_voice", "assistant", "organization"):
            connection.execute(text(f"DELETE FROM {table}"))
    acme = make_organization()
    make_assistant(acme, id=31)
    if rows:
        put_voices(acme, rows)

    exported = shell("export", "--assistant", "31", "--format", format.value).stdout_bytes
    result = shell("import", "-", "--assistant", "31", stdin=exported)

    assert result.stdout == f"0 added, 0 changed, {len(rows)} unchanged, 0 refused.\n"
    assert shell("export", "--assistant", "31", "--format", format.value).stdout_bytes == exported


def test_export_of_an_unknown_assistant_fails(shell: Shell) -> None:
    result = shell("export", "--assistant", "31")

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: Assistant with ID 31 not found\n")


# Sample and migrate


def test_the_sample_is_added_and_removed(shell: Shell) -> None:
    filled = shell("sample", "--now", "2026-03-06T00:30:00+01:00")
    again = shell("sample", "--now", "2026-03-05T12:00:00")
    present = count(ClonedVoice)
    removed = shell("sample", "--remove")

    assert "Voices: 2,500 added." in filled.stdout
    assert "Voices: 2,500 unchanged." in again.stdout
    assert "Voices: 2,500 removed." in removed.stdout
    assert (present, count(ClonedVoice), count(Organization)) == (2500, 0, 0)


def test_the_sample_is_computed_for_now_by_default(shell: Shell, now: datetime) -> None:
    shell("sample")

    latest = db.session.scalar(select(func.max(ClonedVoice.created_at)))

    assert datetime(2026, 11, 1, tzinfo=UTC) < (latest or now) <= now


def test_migrating_twice_changes_nothing_more(over: Callable[[Settings], Shell], tmp_path: Path) -> None:
    shell = over(Settings(instance=tmp_path / "new" / "store"))

    first, second = shell("migrate"), shell("migrate")

    assert (first.exit_code, first.output) == (0, "The database was migrated.\n")
    assert (second.exit_code, second.output) == (0, "The database is up to date.\n")


@pytest.mark.parametrize("words", [["import", "-", "--assistant", "31"], ["export", "--assistant", "31"], ["migrate"]])
def test_an_unreachable_database_prints_one_line_and_fails(
    over: Callable[[Settings], Shell], tmp_path: Path, words: list[str]
) -> None:
    shell = over(Settings(instance=tmp_path, database_url=f"postgresql+psycopg://desk:mute@/voices?host={tmp_path}"))

    result = shell(*words)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: The database cannot be reached: ")
    assert result.stderr.endswith(" Nothing was written.\n")
    assert result.stderr.count("\n") == 1
    assert "mute" not in result.stderr


def test_a_database_of_a_newer_version_is_refused(over: Callable[[Settings], Shell], tmp_path: Path) -> None:
    shell = over(Settings(instance=tmp_path))
    shell("migrate")
    with closing(sqlite3.connect(tmp_path / "voiceadmin.sqlite")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    result = shell("export", "--assistant", "31")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: The database was written by a newer version of voiceadmin.")


# As processes


def test_a_process_imports_and_exports(tmp_path: Path) -> None:
    rows = [voice_row(id=2, name="Recepción 😀\r\n=1+1"), voice_row(id=1, quality_score=None)]

    imported = process(tmp_path, "import", "-", "--assistant", "31", stdin=lines(rows))
    exported = process(tmp_path, "export", "--assistant", "31", "--format", "ndjson")

    assert (imported.returncode, imported.stderr) == (0, "")
    assert imported.stdout == "2 added, 0 changed, 0 unchanged, 0 refused.\n"
    assert exported.stdout == "".join(format_file(rows[::-1], ExportFormat.NDJSON))
    assert (tmp_path / "voiceadmin.sqlite").stat().st_mode & 0o777 == 0o600


def test_all_invalid_settings_are_printed_together_without_a_traceback(tmp_path: Path) -> None:
    ended = process(
        tmp_path, "migrate", VOICEADMIN_DATABASE_URL="mysql://desk:mute@db", VOICEADMIN_HOSTS="*", VOICEADMIN_HOST="x"
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert [line.removeprefix("Error: ").split()[0] for line in ended.stderr.splitlines()] == [
        "VOICEADMIN_DATABASE_URL",
        "VOICEADMIN_HOST",
        "VOICEADMIN_HOSTS",
    ]
    assert "mute" not in ended.stderr


def test_help_lists_every_command_and_needs_no_settings(tmp_path: Path) -> None:
    ended = process(tmp_path, "--help", VOICEADMIN_HOST="x")

    assert ended.returncode == 0
    assert ended.stdout.startswith(f"Usage: {COMMAND} ")
    assert all(f"  {name} " in ended.stdout for name in ("run", "serve", "import", "export", "sample", "migrate"))


def test_export_into_a_closed_pipe_ends_without_output(tmp_path: Path) -> None:
    process(tmp_path, "sample")

    with subprocess.Popen(
        command("export", "--assistant", "31"),
        env=environ(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as export:
        assert export.stdout is not None
        assert export.stderr is not None
        export.stdout.read(1)
        export.stdout.close()
        said = export.stderr.read()

    assert (export.returncode, said) == (1, b"")


def test_an_import_interrupted_with_ctrl_c_changes_nothing(tmp_path: Path) -> None:
    process(tmp_path, "import", "-", "--assistant", "31", stdin=lines([voice_row(id=1)]))
    before = process(tmp_path, "export", "--assistant", "31").stdout

    with subprocess.Popen(
        command("import", "-", "--assistant", "31", "--assistant-name", "Renamed"),
        env=environ(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        running.stdin.write(lines(voice_row(id=number) for number in range(10, 5010)))
        running.stdin.flush()  # more than a pipe holds, so most of it has been read when this returns
        running.send_signal(signal.SIGINT)
        output, messages = running.communicate()

    assert (running.returncode, output) == (1, "")
    assert messages.strip() == "Aborted!"
    assert process(tmp_path, "export", "--assistant", "31").stdout == before


def test_two_concurrent_imports_into_a_new_database_write_all_voices(tmp_path: Path) -> None:
    halves = [lines(voice_row(id=number) for number in range(first, 1001, 2)) for first in (1, 2)]
    (tmp_path / "0").write_text(halves[0])
    (tmp_path / "1").write_text(halves[1])

    both = [
        subprocess.Popen(
            command("import", tmp_path / half, "--assistant", "31"),
            env=environ(tmp_path / "store"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for half in ("0", "1")
    ]

    assert [one.communicate()[0] for one in both] == ["500 added, 0 changed, 0 unchanged, 0 refused.\n"] * 2
    listed = json.loads(process(tmp_path / "store", "export", "--assistant", "31").stdout)["cloned_voices"]
    assert [voice["id"] for voice in listed] == list(range(1, 1001))


def test_a_terminal_shows_the_progress_of_an_import(tmp_path: Path) -> None:
    (tmp_path / "voices").write_text(lines(voice_row(id=number) for number in range(1, 2001)))
    controller, terminal = pty.openpty()

    with subprocess.Popen(
        command("import", tmp_path / "voices", "--assistant", "31"),
        env=environ(tmp_path),
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    ) as running:
        os.close(terminal)
        shown = b"".join(iter(lambda: seen(controller), b"")).decode()
        output, _ = running.communicate()
    os.close(controller)

    assert output == "2,000 added, 0 changed, 0 unchanged, 0 refused.\n"
    assert "Importing" in shown
    assert "100%" in shown


def seen(controller: int) -> bytes:
    """Return what was written to a terminal, and nothing once it is closed."""
    try:
        return os.read(controller, 65536)
    except OSError:
        return b""


MEASURE = """
import resource, subprocess, sys
ended = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)
sys.stdout.write(ended.stdout + str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(ended.returncode)
"""


@pytest.mark.long
@pytest.mark.timeout(600)
def test_an_import_of_any_length_uses_less_than_200_megabytes(tmp_path: Path, long: bool) -> None:
    number = 1_000_000 if long else 200_000
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    started = time.perf_counter()

    # A small process starts the import: the peak memory of a child includes that of its parent at the fork.
    with subprocess.Popen(
        [sys.executable, "-c", MEASURE, *command("import", "-", "--assistant", "31")],
        env=environ(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.writelines(response(number))
        running.stdin.close()
        told, most = running.stdout.read().splitlines()

    speed = number / (time.perf_counter() - started)
    print(f"{speed:,.0f} records a second, {int(most) * unit / 1e6:.0f} MB")  # noqa: T201  # shown with -rP
    assert told == f"{number:,} added, 0 changed, 0 unchanged, 0 refused."
    assert int(most) * unit < 200e6


def response(number: int) -> Iterator[str]:
    """Yield a response of the API with this number of different voices, in pieces."""
    row = json.dumps(voice_to_json(voice_row(id=1, name="Recepción {0}", provider_voice_id="pv-{0}")))
    pattern = row.replace("{", "{{", 1).replace('"id": 1', '"id": {0}')[:-1] + "}}"
    yield '{"success": true, "cloned_voices": ['
    for place in range(1, number + 1):
        yield ("," if place > 1 else "") + pattern.format(place)
    yield "]}"
