"""Write how far a sync is, so that pages can show it while it runs."""

from __future__ import annotations

import json
from contextlib import suppress
from time import monotonic

from sqlalchemy import text, update
from sqlalchemy.exc import SQLAlchemyError

from voiceadmin import clock
from voiceadmin.database.base import db
from voiceadmin.database.engine import PATIENCE, write_execution_options
from voiceadmin.sources.models import SyncRun
from voiceadmin.sources.types import Progress, SyncPhase

WRITE_SECONDS = 2.0  # between two writes

PATIENCE_SECONDS = 0.05  # for another writer: of SQLite, such as the sync itself; of PostgreSQL, of the same run

_LIMIT_WAITING = text(f"SET LOCAL lock_timeout = {PATIENCE_SECONDS * 1000:.0f}")


class ProgressReporter:
    """Writes the progress of a run now and then. A write that fails is omitted."""

    def __init__(self, run_id: int) -> None:
        self._run_id = run_id
        self._next_write = 0.0  # monotonic time

    def report_page(self, listing: str, page: int, done: int) -> None:
        """Report that a page of a listing was read.

        Args:
            listing: such as "voices".
            page: from 1; 0 while the first page, or a list without pages, is read.
            done: how many entries were read so far.
        """
        self._report(Progress(SyncPhase.READING, listing, page, done))

    def report_written(self, done: int, total: int) -> None:
        """Report how many changes were written."""
        self._report(Progress(SyncPhase.WRITING, "voices", 0, done, total))

    def report_looked_up(self, done: int, total: int) -> None:
        """Report how many voices were looked up."""
        self._report(Progress(SyncPhase.LOOKING_UP, "voices", 0, done, total))

    def _report(self, progress: Progress) -> None:
        if monotonic() < self._next_write:
            return
        self._next_write = monotonic() + WRITE_SECONDS
        with suppress(SQLAlchemyError):
            self._write(progress)

    def _write(self, progress: Progress) -> None:
        """Write with a connection of its own: the session may be in a long transaction, which nobody else can see."""
        options = write_execution_options() | {PATIENCE: PATIENCE_SECONDS}
        values = {"progress": json.dumps(progress), "progress_at": clock.now()}
        with db.engine.connect().execution_options(**options) as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(_LIMIT_WAITING)
            connection.execute(update(SyncRun).where(SyncRun.id == self._run_id).values(values))
