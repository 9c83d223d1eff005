"""The fixture that starts server processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.server_process import (
    ServerProcess,
    Start,
)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a server. All servers are stopped after the test."""
    started: list[ServerProcess] = []

    def begin(
        verb: str, *arguments: str, folder: Path = tmp_path, ready_text: str = "", **options: Any
    ) -> ServerProcess:
        ready_text = ready_text or {"run": "curl", "serve": "listens"}[verb]
        server = ServerProcess(folder, verb, *arguments, ready_text=ready_text, **options)
        started.append(server)
        return server

    yield begin
    for server in started:
        if server.process.stdout and not server.process.stdout.closed:
            server.end(signal.SIGTERM)
