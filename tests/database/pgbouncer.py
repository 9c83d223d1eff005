"""A real PgBouncer in transaction mode, in front of a PostgreSQL database."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from tests.programs import find_program
from tests.server.server_process import free_port

CONFIGURATION = """
[databases]
{database} = host={socket} dbname={database} user=postgres pool_size={pool_size}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
logfile = {folder}/log
pidfile = {folder}/pid
{options}
"""


@contextmanager
def pgbouncer(address: str, *, pool_size: int = 2, options: str = "") -> Iterator[str]:
    """Run PgBouncer with its defaults in front of a database, and yield the address to use instead."""
    program = find_program("pgbouncer")
    url = make_url(address)
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
    port = free_port()
    (folder / "pgbouncer.ini").write_text(
        CONFIGURATION.format(
            database=url.database,
            socket=url.query["host"],
            port=port,
            folder=folder,
            options=options,
            pool_size=pool_size,
        )
    )
    user = []
    if os.geteuid() == 0:  # it refuses to run as root; PostgreSQL of the tests has created this user
        user = ["-u", "pgserver"]
        folder.chmod(0o777)
    process = subprocess.Popen([program, "-q", *user, str(folder / "pgbouncer.ini")], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, str(url.database), process)
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/{url.database}"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _wait_for(port: int, database: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with suppress(psycopg.OperationalError):
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/{database}").close()
            return
    raise AssertionError("PgBouncer ended at its start")
