"""Run a script in a process, and kill it at a chosen moment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from voiceadmin.config import Settings
from voiceadmin.database.base import db

ROOT = Path(__file__).resolve().parents[1]
HERE = {name: value for name, value in os.environ.items() if not name.startswith("VOICEADMIN_")} | {
    "PYTHONPATH": str(ROOT)
}

# PostgreSQL finishes a statement before it notices that the client is gone.
COUNT_ACTIVE_BACKENDS = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'
    AND state <> 'idle' AND pid <> pg_backend_pid()"""


def run_and_kill(script: str, settings: Settings, *arguments: str, dots: int) -> bool:
    """Run a script until it has written this many dots, and kill it. Returns whether it wrote them all.

    The script gets the instance folder, the address of the database ("" for SQLite), and the arguments. Afterwards no
    backend of PostgreSQL works for it any more.
    """
    address = settings.database_url if settings.database_url.startswith("postgresql") else ""
    command = [sys.executable, "-P", "-c", script, str(settings.instance), address, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=HERE) as process:
        assert process.stdout is not None
        was_running = len(process.stdout.read(dots)) == dots
        process.kill()
    while db.engine.dialect.name == "postgresql" and db.session.scalar(text(COUNT_ACTIVE_BACKENDS)):
        db.session.rollback()
    db.session.rollback()
    return was_running
