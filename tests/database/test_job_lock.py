"""The lock file of long jobs: only its owner may open it, and errors are described."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from voiceadmin.database.engine import SQLITE_PATH
from voiceadmin.database.job_lock import lock_job
from voiceadmin.errors import DatabaseNotReady


@pytest.fixture
def path(sqlite_app: Flask) -> Path:
    return Path(f"{sqlite_app.extensions[SQLITE_PATH]}-import.lock")


@pytest.fixture
def usual_umask() -> Iterator[None]:
    former = os.umask(0o022)
    yield
    os.umask(former)


def test_no_other_user_can_open_the_lock_file(path: Path, usual_umask: None) -> None:
    with lock_job("import", on_wait=pytest.fail):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_lock_file_that_cannot_be_opened_is_named(path: Path) -> None:
    path.mkdir()

    with pytest.raises(DatabaseNotReady) as refused, lock_job("import", on_wait=pytest.fail):
        pass

    path.rmdir()
    assert str(refused.value) == (
        f"{path} cannot be opened: Is a directory. Run the command as the owner of the database, and make its folder "
        "writable."
    )
