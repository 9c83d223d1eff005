"""The import command."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.commands import Shell
from tests.factories import voice_row
from tests.voices.cli.scenario import ONE_BAD, command, count, environ, lines, process
from voiceadmin.database.base import db
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.models import ClonedVoice

NONE = "0 added, 0 changed, 0 unchanged, 0 refused."


@pytest.mark.parametrize("source", ["file", "standard input"])
def test_import_prints_the_outcomes(shell: Shell, tmp_path: Path, source: str) -> None:
    data = lines([voice_row(id=1), voice_row(id=2)])
    (tmp_path / "voices.ndjson").write_text(data)

    if source == "file":
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
    shell("import", "-", "--assistant", "31", "--assistant-name", "Night desk", "--organization", "Acme", stdin=b"[]")

    assert db.session.scalars(select(Assistant.name)).all() == ["Night desk"]
    assert db.session.scalars(select(Organization.name)).all() == ["Acme"]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"a": 1}, "Ignored 1 field that the API does not have."),
        ({"a": 1, "b": 2}, "Ignored 2 fields that the API does not have."),
    ],
    ids=["one", "two"],
)
def test_import_prints_the_number_of_ignored_fields(shell: Shell, extra: dict[str, Any], message: str) -> None:
    result = shell("import", "-", "--assistant", "31", stdin=lines([voice_to_json(voice_row()) | extra]))

    assert result.stdout == f"1 added, 0 changed, 0 unchanged, 0 refused. {message}\n"


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]], ids=["import", "dry-run"])
@pytest.mark.parametrize(
    ("bad", "remedy"),
    [(1, "Fix 1 record, or skip it"), (2, "Fix 2 records, or skip them")],
)
def test_a_refused_import_prints_every_fault_and_fails(shell: Shell, bad: int, remedy: str, dry_run: list[str]) -> None:
    records = [voice_row(id=1), *[voice_to_json(voice_row()) | {"id": "x"}] * bad]

    result = shell("import", "-", "--assistant", "31", *dry_run, stdin=lines(records))

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


@pytest.mark.parametrize("skip", [[], ["--skip-bad"]], ids=["all", "skip-bad"])
def test_a_dry_run_without_invalid_records_succeeds(shell: Shell, skip: list[str]) -> None:
    records = [voice_row(id=1), *([voice_to_json(voice_row()) | {"id": "x"}] if skip else [])]

    result = shell("import", "-", "--assistant", "31", "--dry-run", *skip, stdin=lines(records))

    assert result.exit_code == 0
    assert result.stdout == (
        f"Dry run, nothing was written. The import would be: 1 added, 0 changed, 0 unchanged, {len(skip)} refused.\n"
    )
    assert count(ClonedVoice) == count(Organization) == 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"detail": "Assistant not found"}', "The input: is an error response of the API: 'Assistant not found'."),
        (b'[{"id": ', "Record 1: is incomplete or not JSON: "),
        (b"\xff[", "The input: is not UTF-8 text. Save it as UTF-8; "),
        (b"id,name\n", "The input: has a header with columns missing: provider, status, created_at, "),
        (b"", "The input: is empty. Check the command that wrote it; a list without voices is []."),
    ],
)
def test_an_unreadable_input_prints_one_line_and_fails(shell: Shell, data: bytes, message: str) -> None:
    result = shell("import", "-", "--assistant", "31", stdin=data)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1


def test_a_contradictory_target_prints_one_line_and_fails(shell: Shell) -> None:
    result = shell("import", "-", "--assistant", "31", "--organization", "77")

    assert (result.exit_code, result.stderr) == (1, "Error: There is no organization 77. Give a name to create one.\n")


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
        running.stdin.flush()  # more than the pipe buffer, so most of it has been read now
        running.send_signal(signal.SIGINT)
        output, messages = running.communicate()

    assert (running.returncode, output) == (1, "")
    assert messages.strip() == "Aborted!"
    assert process(tmp_path, "export", "--assistant", "31").stdout == before


def test_two_concurrent_imports_into_a_new_database_write_all_voices(tmp_path: Path) -> None:
    halves = [lines(voice_row(id=number) for number in range(first, 1001, 2)) for first in (1, 2)]
    (tmp_path / "0").write_text(halves[0])
    (tmp_path / "1").write_text(halves[1])

    imports = [
        subprocess.Popen(
            command("import", tmp_path / half, "--assistant", "31"),
            env=environ(tmp_path / "store"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # one of them may say that it waits
            text=True,
        )
        for half in ("0", "1")
    ]

    assert [running.communicate()[0] for running in imports] == ["500 added, 0 changed, 0 unchanged, 0 refused.\n"] * 2
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
        progress = b"".join(iter(lambda: read_terminal(controller), b"")).decode()
        output, _ = running.communicate()
    os.close(controller)

    assert output == "2,000 added, 0 changed, 0 unchanged, 0 refused.\n"
    assert "Importing" in progress
    assert "100%" in progress


def read_terminal(controller: int) -> bytes:
    """Return what was written to a terminal, or b"" when it is closed."""
    try:
        return os.read(controller, 65536)
    except OSError:
        return b""


MEASURE = """
import resource, subprocess, sys
result = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)
sys.stdout.write(result.stdout + str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(result.returncode)
"""


@pytest.mark.long
@pytest.mark.timeout(600)
def test_an_import_of_any_length_uses_less_than_200_megabytes(tmp_path: Path, long: bool) -> None:
    number = 1_000_000 if long else 200_000
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, kilobytes elsewhere

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
        output, peak = running.stdout.read().splitlines()

    assert output == f"{number:,} added, 0 changed, 0 unchanged, 0 refused."
    assert int(peak) * unit < 200e6


def response(number: int) -> Iterator[str]:
    """Yield a response of the API with this number of different voices, in pieces."""
    row = json.dumps(voice_to_json(voice_row(id=1, name="Recepción {0}", provider_voice_id="pv-{0}")))
    pattern = row.replace("{", "{{", 1).replace('"id": 1', '"id": {0}')[:-1] + "}}"
    yield '{"success": true, "cloned_voices": ['
    for index in range(1, number + 1):
        yield ("," if index > 1 else "") + pattern.format(index)
    yield "]}"
