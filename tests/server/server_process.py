"""A server process for tests: start it, send it requests, and read its output."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from tests.programs import find_program
from voiceadmin import create_app
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.schema import dispose_engine, prepare_database
from voiceadmin.voices.models import ClonedVoice

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"
HEALTHY = '{"status":"up"}\n'
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
KEEP_ALIVE_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"  # without "Connection: close"
VOICES_REQUEST = b"GET /api/v1/assistants/31/cloned-voices HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


ANONYMOUS_VIEWER = {"VOICEADMIN_ANONYMOUS_ROLE": "viewer"}  # most of these tests need no account
LOCK_WAITS = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
SETUP_MESSAGE = "Create the first account within 30 minutes: "


class ServerProcess:
    """A server process for the database in a folder.

    output: the lines that it printed until it was ready. log: its log messages, and the line with the set-up link.
    max_files: the number of files that it may open. enter: the beginning of the command, such as that of a namespace.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        ready_text: str,
        max_files: int | None = None,
        enter: Sequence[str] = (),
        **environ: str,
    ) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("VOICEADMIN_")}
        self.port = free_port()
        self.address = f"http://{LOOPBACK}:{self.port}"
        limited = ["sh", "-c", f'ulimit -n {max_files} && exec "$@"', "sh"] if max_files else []
        self.process = subprocess.Popen(
            [*enter, *limited, sys.executable, "-P", "-m", "voiceadmin", *arguments, "--port", str(self.port)],
            env=inherited | ANONYMOUS_VIEWER | {"PYTHONPATH": str(ROOT), "VOICEADMIN_INSTANCE": str(folder)} | environ,
            cwd=folder.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that `kill` reaches the workers
        )
        self.output: list[str] = []
        self.log: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            is_logged = line.startswith(("{", SETUP_MESSAGE))
            (self.log if is_logged else self.output).append(line.rstrip("\n"))
            if ready_text in line:
                break

    def get(self, path: str) -> tuple[int, str]:
        """The status and the text of a response."""
        with urllib.request.urlopen(self.address + path) as answer:
            return answer.status, answer.read().decode()

    def end(self, stop_signal: signal.Signals | None = None) -> tuple[int, str]:
        """Send a signal if one is given, wait for the end, and return the exit code and the remaining output."""
        if stop_signal is not None:
            self.process.send_signal(stop_signal)
        output, _ = self.process.communicate()
        return self.process.returncode, output

    def kill(self) -> None:
        """Kill the server and its workers, and wait for the end. Does nothing if it has ended."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


Start = Callable[..., ServerProcess]


def free_port() -> int:
    """A port of this machine on which no process listens."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_closed(port: int) -> bool:
    """Whether no process listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) != 0


def count_workers(server: ServerProcess) -> int:
    """The number of running child processes of a server."""
    listed = subprocess.run([find_program("ps"), "-A", "-o", "ppid="], capture_output=True, text=True, check=True)
    return listed.stdout.split().count(str(server.process.pid))


def find_worker(server: ServerProcess) -> int:
    """The process id of the only worker of a server."""
    listed = subprocess.run([find_program("ps"), "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = (line.split() for line in listed.stdout.splitlines())
    (found,) = [int(pid) for pid, parent in pairs if parent == str(server.process.pid)]
    return found


def connect(server: ServerProcess, request: bytes = b"", *, receive_buffer: int | None = None) -> socket.socket:
    """Open a connection and send a request, or the part of one. receive_buffer: its size in bytes."""
    connection = socket.socket()
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect((LOOPBACK, server.port))
    connection.sendall(request)
    return connection


def read_response(connection: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    with connection, connection.makefile("rb") as stream:
        return stream.read()


def wait_until(condition: Callable[[], Any], description: str) -> None:
    """Check a condition every 20 ms until it is true, for at most 20 seconds."""
    pause = threading.Event()
    for _ in range(1000):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError(f"timed out: {description}")


def create_app_in(folder: Path) -> Flask:
    """An application with the database in a folder."""
    return create_app(Settings(instance=folder))


def count_voices(folder: Path) -> int:
    """The number of voices in the database in a folder, whose schema must be up to date."""
    with create_app_in(folder).app_context():
        assert not prepare_database()
        found = db.session.scalar(select(func.count()).select_from(ClonedVoice))
        dispose_engine()
    return found or 0
