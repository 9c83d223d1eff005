"""The fixture that starts server processes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.server_process import ServerProcess, Start


@pytest.fixture
def start(tmp_path: Path, sqlite_template: Path) -> Iterator[Start]:
    """Return a function that starts a server, on an empty database unless a folder is given.

    All servers are killed after the test: how they stop is tested elsewhere, and takes longer.
    """
    started: list[ServerProcess] = []

    def begin(
        verb: str, *arguments: str, folder: Path | None = None, ready_text: str = "", **options: Any
    ) -> ServerProcess:
        if folder is None and verb == "serve" and not (tmp_path / sqlite_template.name).exists():
            shutil.copy(sqlite_template, tmp_path)
        ready_text = ready_text or {"run": "curl", "serve": "listens"}[verb]
        server = ServerProcess(folder or tmp_path, verb, *arguments, ready_text=ready_text, **options)
        started.append(server)
        return server

    yield begin
    for server in started:
        server.kill()
