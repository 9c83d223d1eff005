"""Large imports into an SQLite database in use: many short transactions, which are completed after a crash.

SQLite has one writer at a time, so that one long transaction would keep everybody else from signing in. The changes
are first saved in the table `import_step`. One transaction starts the import by saving its step 0. From then on it is
only ever completed: by this process or, if this process is killed, by the next import or the start of a server.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.unavailable import describe_unavailable
from voiceadmin.errors import ImportInterrupted
from voiceadmin.identity import Actor, ActorKind
from voiceadmin.voices.importing.checking import Change
from voiceadmin.voices.importing.staging import StagedChanges
from voiceadmin.voices.importing.writing import ImportRun, record_import, write_changes
from voiceadmin.voices.models import ImportStep
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

STEP_SIZE = 500  # changes of one transaction, which takes about 0.1 seconds
PAUSE_SECONDS = 0.005  # between transactions; other processes try every 2 ms whether they can write

STEPS_DELETED_TOGETHER = 20

OnWritten = Callable[[int, int], None]  # called with the number of changes written so far, and their total


def save_steps(staged: StagedChanges) -> None:
    """Save all changes, without starting to apply them."""
    position = 0
    for batch in staged.read_batches():
        with write_transaction():
            for changes in split_into_batches(batch, STEP_SIZE):
                position += 1
                db.session.add(ImportStep(position=position, content=_dump_changes(changes)))
        time.sleep(PAUSE_SECONDS)


def start_steps(run: ImportRun) -> None:
    """Make the saved steps ones that will be applied. Call inside a write transaction."""
    db.session.add(ImportStep(position=0, content=_dump_run(run)))


def finish_steps(on_written: OnWritten = lambda *_: None) -> bool:
    """Apply the remaining steps of the import that was started, and delete those of one that never was.

    The caller must hold the lock of imports. Returns whether an import was finished.

    Raises:
        ImportInterrupted: if the database cannot be used any more, for example because the disk is full.
    """
    content = db.session.scalar(select(ImportStep.content).where(ImportStep.position == 0))
    if content is None:
        _delete_steps()
        return False
    with _explain_interruption():
        _apply_steps(_load_run(content), on_written)
    return True


@contextmanager
def _explain_interruption() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        description = describe_unavailable(error)
        if description is None:
            raise
        raise ImportInterrupted(
            f"{description} A part of the import is written. The next import, or the next start of a server, "
            "writes the rest."
        ) from error


def _apply_steps(run: ImportRun, on_written: OnWritten) -> None:
    total, written = run.counts["added"] + run.counts["changed"], 0
    while (step := _find_next_step()) is not None:
        written += _apply_step(run, *step)
        on_written(written, total)
        time.sleep(PAUSE_SECONDS)
    with write_transaction():
        db.session.execute(delete(ImportStep))
        record_import(run)


def _apply_step(run: ImportRun, position: int, content: str) -> int:
    """Write the changes of one step. Return their number."""
    changes = _load_changes(content)
    with write_transaction():
        write_changes(run, changes)
        db.session.execute(delete(ImportStep).where(ImportStep.position == position))
    return len(changes)


def _find_next_step() -> tuple[int, str] | None:
    """Return the position and the content of the next step, None if all are done."""
    steps = select(ImportStep.position, ImportStep.content).where(ImportStep.position > 0)
    row = db.session.execute(steps.order_by(ImportStep.position).limit(1)).first()
    return None if row is None else (row.position, row.content)


def _delete_steps() -> None:
    while (step := _find_next_step()) is not None:
        with write_transaction():
            db.session.execute(delete(ImportStep).where(ImportStep.position < step[0] + STEPS_DELETED_TOGETHER))
        time.sleep(PAUSE_SECONDS)


# Steps as JSON, which every later version can read


def _dump_changes(changes: Sequence[Change]) -> str:
    return json.dumps(changes, default=datetime.isoformat)


def _load_changes(content: str) -> list[Change]:
    return [Change(before and _load_voice(before), _load_voice(after)) for before, after in json.loads(content)]


def _load_voice(values: list[Any]) -> VoiceRow:
    *first, status, quality_score, created_at, last_used_at, synthesis_count = values
    times = datetime.fromisoformat(created_at), last_used_at and datetime.fromisoformat(last_used_at)
    return VoiceRow._make((*first, VoiceStatus(status), quality_score, *times, synthesis_count))


def _dump_run(run: ImportRun) -> str:
    return json.dumps(run._asdict() | {"by": asdict(run.by)}, default=datetime.isoformat)


def _load_run(content: str) -> ImportRun:
    fields = json.loads(content)
    by = fields["by"]
    actor = Actor(**by | {"kind": ActorKind(by["kind"])})
    return ImportRun(**fields | {"by": actor, "now": datetime.fromisoformat(fields["now"])})
