"""A small file system of its own, which tests fill up and empty again."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.programs import find_program
from tests.server.server_process import ROOT

MOUNT = 'mount -t tmpfs -o "size=$1,mode=700" tmpfs "$2" && echo mounted && exec cat'
FILLER = "filler"


class SmallDisk:
    """A file system that only processes started by `enter` see at `folder`.

    Attributes:
        folder: its path for these processes.
        outside: its path for the test.
        enter: the beginning of a command that runs in it.
    """

    def __init__(self, holder: int, folder: Path) -> None:
        self.folder = folder
        self.outside = Path(f"/proc/{holder}/root{folder}")
        self.enter = [find_program("nsenter"), "--preserve-credentials", "-U", "-m", "-t", str(holder)]

    def fill(self, *, leave: int = 0) -> None:
        """Use up the space except for this number of bytes."""
        with (self.outside / FILLER).open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017  # the loop has no other end
            file.truncate(file.tell() - leave)

    def free(self) -> None:
        """Make space again."""
        (self.outside / FILLER).unlink()

    def make_read_only(self) -> None:
        """Refuse every write from now on. No process may have a file open for writing."""
        mount = [find_program("mount"), "-t", "tmpfs", "-o", "remount,ro", "tmpfs", str(self.folder)]
        subprocess.run([*self.enter, *mount], check=True, capture_output=True)

    def run(
        self, *words: str | Path, stdout: IO[bytes] | None = None, environ: Mapping[str, str] = {}
    ) -> tuple[int, str]:
        """Run a command of voiceadmin. Return the exit code, and what it wrote to standard error and output."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("VOICEADMIN_")}
        result = subprocess.run(
            [*self.enter, sys.executable, "-P", "-m", "voiceadmin", *map(str, words)],
            env=inherited | {"PYTHONPATH": str(ROOT), "VOICEADMIN_INSTANCE": str(self.folder), **environ},
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        return result.returncode, result.stderr + (result.stdout or "")


@contextmanager
def mount_small_disk(folder: Path, size: int) -> Iterator[SmallDisk]:
    """Mount a file system of this many bytes in a namespace of its own, which any user may create on most systems.

    Where that is forbidden, the test is skipped; on a build server, it fails.
    """
    folder.mkdir()
    command = [find_program("unshare"), "-r", "-m", "sh", "-c", MOUNT, "sh", str(size), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        answer = holder.stdout.readline()
        if answer != b"mounted\n":
            report = pytest.fail if os.environ.get("CI") else pytest.skip
            report(f"unshare cannot mount a file system here: {answer.decode()}")
        yield SmallDisk(holder.pid, folder)
        holder.stdin.close()
