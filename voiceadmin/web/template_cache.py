"""Compiled templates on disk, in the folder where Python stores the bytecode of this module."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import marshal
import os
import secrets
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from voiceadmin.config import PACKAGE

DIGEST_SIZE = hashlib.sha256().digest_size  # bytes at the beginning of a file


def init_app(app: Flask) -> None:
    """Use the cache for the templates of an application."""
    app.jinja_env.bytecode_cache = TemplateCache(default_folder())


def default_folder() -> Path:
    """Return the `__pycache__` of this package, or its counterpart below PYTHONPYCACHEPREFIX.

    A user who may write there can also replace the bytecode of the program.
    """
    return Path(importlib.util.cache_from_source(__file__)).parent


class TemplateCache(BytecodeCache):
    """One file for each template and Python version. Without permission to write, templates are compiled every time.

    A file is read only if nothing has changed since that the compiler reads: the template, the program, Jinja and
    Python. The program is included because the compiler calls filters whose arguments are constants.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        """Set the code of a template if its file is valid."""
        with suppress(OSError):
            stored = self._path(bucket).read_bytes()
            digest, code = stored[:DIGEST_SIZE], stored[DIGEST_SIZE:]
            if digest == compute_digest(bucket, code):
                bucket.code = marshal.loads(code)  # noqa: S302  # as trusted as the bytecode beside it

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write the code of a template, unless Python is told to write no bytecode."""
        if sys.dont_write_bytecode:
            return
        code = marshal.dumps(bucket.code)
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            _replace(self._path(bucket), compute_digest(bucket, code) + code)

    def _path(self, bucket: Bucket) -> Path:
        return self.folder / f"template-{bucket.key}.{sys.implementation.cache_tag}.bin"


def compute_digest(bucket: Bucket, code: bytes) -> bytes:
    """Return the hash of a template's source, of its code and of everything else that its code depends on."""
    parts = (bucket.checksum.encode(), compiler_version(), code)
    return hashlib.sha256(b"\0".join(parts)).digest()


@cache
def compiler_version() -> bytes:
    """Return a hash of the versions of Jinja and Python, and of the sizes and times of the program's files."""
    found = hashlib.sha256(importlib.util.MAGIC_NUMBER + importlib.metadata.version("jinja2").encode())
    for path in sorted(PACKAGE.rglob("*.py")):
        status = path.stat()
        found.update(f"{path.relative_to(PACKAGE)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return found.digest()


def _replace(path: Path, content: bytes) -> None:
    """Write a file at once, so that other processes never read a part of it. Its mode is that of Python's bytecode."""
    temporary = path.with_suffix(f".{secrets.token_hex(8)}")
    try:
        with open(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644), "wb") as file:  # noqa: PTH123  # with a mode
            file.write(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
