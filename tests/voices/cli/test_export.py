"""The export command."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.commands import Shell
from tests.factories import make_assistant, make_organization, make_voice, put_voices
from tests.strategies import VOICES
from tests.voices.cli.scenario import command, environ, process
from voiceadmin.database.base import db
from voiceadmin.tabular import ExportFormat
from voiceadmin.voices.queries import voices_file
from voiceadmin.voices.types.rows import VoiceRow


def options(format: ExportFormat) -> list[str]:
    """Return the command line options of a format."""
    return ["--excel"] if format is ExportFormat.EXCEL else ["--format", format.value]


@pytest.mark.parametrize("format", list(ExportFormat))
def test_export_writes_only_the_file(shell: Shell, format: ExportFormat) -> None:
    acme = make_organization()
    make_assistant(acme, id=31)
    make_voice(acme, name='=HYPERLINK("x")\nRecepción 😀')
    make_voice(make_organization(), name="Foreign")

    result = shell("export", "--assistant", "31", *options(format))

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout_bytes == "".join(voices_file(acme.id, format)).encode()
    assert b"Foreign" not in result.stdout_bytes


def test_export_writes_json_by_default(shell: Shell) -> None:
    make_assistant(id=31)

    assert json.loads(shell("export", "--assistant", "31").stdout) == {"success": True, "cloned_voices": []}


@pytest.mark.parametrize("format", list(ExportFormat))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(rows=st.lists(VOICES, max_size=3, unique_by=lambda row: row.id))
def test_import_of_an_export_changes_nothing(shell: Shell, format: ExportFormat, rows: list[VoiceRow]) -> None:
    assume(rows or format is not ExportFormat.NDJSON)  # nothing at all is not an empty list
    with db.engine.begin() as connection:
        for table in ("cloned_voice", "assistant", "organization"):
            connection.execute(text(f"DELETE FROM {table}"))
    acme = make_organization()
    make_assistant(acme, id=31)
    if rows:
        put_voices(acme, rows)

    exported = shell("export", "--assistant", "31", *options(format)).stdout_bytes
    result = shell("import", "-", "--assistant", "31", stdin=exported)

    assert result.stdout == f"0 added, 0 changed, {len(rows)} unchanged, 0 refused.\n"
    assert shell("export", "--assistant", "31", *options(format)).stdout_bytes == exported


def test_an_export_for_excel_is_csv_with_a_byte_order_mark_and_escaped_inner_formulas(shell: Shell) -> None:
    acme = make_organization()
    make_assistant(acme, id=31)
    make_voice(acme, id=1, name="Ada;=1+1\n@x")

    for words in (["--excel"], ["--excel", "--format", "csv"]):
        exported = shell("export", "--assistant", "31", *words).stdout_bytes

        assert exported.startswith(b"\xef\xbb\xbfid,name,")
        assert b"\r\n1,\"Ada;'=1+1\n'@x\",elevenlabs," in exported
    assert shell("import", "-", "--assistant", "31", stdin=exported).stdout.startswith(
        "0 added, 0 changed, 1 unchanged"
    )


def test_an_export_for_excel_has_no_other_format(shell: Shell) -> None:
    result = shell("export", "--assistant", "31", "--excel", "--format", "json")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "--excel writes CSV. Remove --format json." in result.stderr


def test_export_of_an_unknown_assistant_fails(shell: Shell) -> None:
    result = shell("export", "--assistant", "31")

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "Error: Assistant with ID 31 not found\n")


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
        messages = export.stderr.read()

    assert (export.returncode, messages) == (1, b"")
