"""Processes and input files that the tests of commands share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from voiceadmin.database.base import db
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.types.rows import VoiceRow

ROOT = Path(__file__).resolve().parents[3]
ONE_BAD = 'Record 2, id: "x" is not an integer. Give one from 1 to 9223372036854775807, in digits.\n'


def environ(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a process whose database is in a folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VOICEADMIN_")}
    return inherited | {"PYTHONPATH": str(ROOT), "VOICEADMIN_INSTANCE": str(folder)} | more


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
