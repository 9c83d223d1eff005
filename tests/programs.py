"""Server programs that tests run for real."""

from __future__ import annotations

import os
import shutil

import pytest

SEARCH_PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


def find_program(name: str) -> str:
    """Return the path of a program. Without it, the test is skipped; on a build server, it fails."""
    program = shutil.which(name, path=SEARCH_PATH)
    if program is None:
        report = pytest.fail if os.environ.get("CI") else pytest.skip
        report(f"there is no {name}; install it")
    return program
