"""Files with the difference that a sync would write: complete, private, and refused if they were changed."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.database.models import DatabaseIdentity
from voiceadmin.errors import SourceRefused
from voiceadmin.sources.actions.plan_documents import Document, dump_canonical

FORMAT = "voiceadmin sync plan"

VERSION = 1  # of the format; another one is refused

REMEDY = "Make a new file with “sync --source ID --dry-run --output FILE”."

MAX_SIZE = 1 << 30  # bytes


def read_database_name() -> str:
    """Return the random name of this database."""
    name = db.session.scalars(select(DatabaseIdentity.name)).one()
    db.session.rollback()
    return name


def write_plan(path: Path, document: Document) -> None:
    """Write a document to a file that only its owner can read, as a whole or not at all.

    Raises:
        SourceRefused: if the file cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    except OSError as error:
        raise SourceRefused(f"{path} cannot be written: {error.strerror}. Give another --output.") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(_dump(document | {"digest": _hash(document)}))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(name).unlink()
        raise SourceRefused(f"{path} cannot be written: {error.strerror}. Give another --output.") from error


def read_plan(path: Path) -> Document:
    """Return the document of a file.

    Raises:
        SourceRefused: if it cannot be read, is damaged or was changed, or belongs to another version or database.
    """
    try:
        text = path.read_text("utf-8") if path.stat().st_size <= MAX_SIZE else ""
        document = json.loads(text)
    except OSError as error:
        raise SourceRefused(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise SourceRefused(f"{path} is damaged, or is not a file of a dry run. {REMEDY}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise SourceRefused(f"{path} is not a file of a dry run. {REMEDY}")
    if document.get("version") != VERSION:
        found = str(document.get("version"))[:20]
        raise SourceRefused(f"{path} has version {found} of its format, and this program writes {VERSION}. {REMEDY}")
    if document.pop("digest", None) != _hash(document):
        raise SourceRefused(f"{path} is damaged, or was changed after it was written. {REMEDY}")
    if document["database"] != read_database_name():
        raise SourceRefused(f"{path} was made from another database. {REMEDY}")
    return document


def _hash(document: Document) -> str:
    return hashlib.sha256(dump_canonical(document).encode()).hexdigest()


def _dump(document: Document) -> Iterator[str]:
    """Yield a document as JSON with one line for each difference."""
    yield "{\n"
    fields = {name: value for name, value in document.items() if name != "differences"}
    for name, value in fields.items():
        yield f"{json.dumps(name)}: {json.dumps(value)},\n"
    yield '"differences": {\n'
    yield ",\n".join(_dump_section(name, entries) for name, entries in document["differences"].items())
    yield "\n}}\n"


def _dump_section(name: str, entries: list[Any]) -> str:
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    return f"{json.dumps(name)}: [\n{lines}\n]" if entries else f"{json.dumps(name)}: []"
