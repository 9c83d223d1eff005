"""Import voices from a file: all records or none, unless invalid ones are to be skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import datetime
from itertools import islice
from typing import BinaryIO, NamedTuple, NoReturn

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.database.job_lock import lock_job
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import Actor
from voiceadmin.organizations.locks import lock_organizations
from voiceadmin.voices.importing.bulk_load import without_indexes
from voiceadmin.voices.importing.checking import Change, FaultHandler, RecordChecker
from voiceadmin.voices.importing.plain_records import AnyRecord
from voiceadmin.voices.importing.reading import read_voices
from voiceadmin.voices.importing.staging import StagedChanges
from voiceadmin.voices.importing.statistics import analyze_after_growth
from voiceadmin.voices.importing.steps import OnWritten, finish_steps, save_steps, start_steps
from voiceadmin.voices.importing.target import ImportTarget, find_target_organization_id, resolve_target
from voiceadmin.voices.importing.types import ImportReport
from voiceadmin.voices.importing.writing import ImportRun, record_import, write_changes
from voiceadmin.voices.models import ClonedVoice, ImportStep

# Records looked up together.
BATCH_SIZE = 2000

# SQLite: changes that one transaction may write to a database in use. They take about 0.1 seconds.
MAX_TRANSACTION_CHANGES = 1000

JOB = "import"  # the name of the lock


def import_voices(
    stream: BinaryIO,
    target: ImportTarget,
    *,
    by: Actor,
    now: datetime,
    dry_run: bool = False,
    skip_bad: bool = False,
    records_unchanged: bool = True,
    on_fault: FaultHandler,
    notify: Callable[[str], None] = lambda _: None,
    confirm: Callable[[StagedChanges], None] = lambda _: None,
    on_written: OnWritten = lambda *_: None,
) -> ImportReport:
    """Insert or update every voice of a file by its id.

    The whole file is read and validated before anything is written. The audit log gets one event for the import, and
    one for each existing voice that it changed.

    Args:
        skip_bad: write the valid records even if others are invalid. Otherwise one fault prevents the import.
        records_unchanged: record the audit event of the import even if it changes nothing.
        on_fault: called with every fault, in the order of the records.
        notify: called with what a person should know although no record is invalid.
        confirm: called with all changes before the first one is written. What it raises prevents the import.
        on_written: called with the number of changes written so far, and their total.

    Raises:
        ImportRefused: if the target is contradictory. Nothing is written then.
        UnreadableInput: if the file cannot be read to its end. Nothing is written then.
    """
    with (
        closing(RecordChecker(on_fault, now)) as checker,
        closing(StagedChanges()) as staged,
        _lock_imports(notify),
    ):
        for changes in _compare(read_voices(stream, notify), checker, find_target_organization_id(target)):
            if not dry_run and (skip_bad or not checker.refused):
                staged.add(changes)
        if dry_run or (checker.refused and not skip_bad):
            return checker.report(written=False)
        report = checker.report(written=True)
        counts = {"added": report.added, "changed": report.changed, "unchanged": report.unchanged}
        confirm(staged)
        if staged.count or records_unchanged:
            _Writer(staged, target, counts, by, now, on_written).write()
        analyze_after_growth(report.added)
        return report


def stage_changes(
    stream: BinaryIO, organization_id: int | None, staged: StagedChanges, *, now: datetime, on_fault: FaultHandler
) -> ImportReport:
    """Stage what an import with `skip_bad` would write, and write nothing to the database. No import has to wait.

    Args:
        stream: the file.
        organization_id: the organization that would get the voices; None if it does not exist yet.
        staged: gets the changes.
        now: as for the import.
        on_fault: called with every fault, in the order of the records.

    Raises:
        UnreadableInput: if the file cannot be read to its end.
    """
    with closing(RecordChecker(on_fault, now)) as checker:
        for changes in _compare(read_voices(stream), checker, organization_id):
            staged.add(changes)
        return checker.report(written=False)


def _compare(
    records: Iterator[AnyRecord], checker: RecordChecker, organization_id: int | None
) -> Iterator[list[Change]]:
    """Yield the changes of each batch of records."""
    for batch in _batches(records):
        yield list(checker.check(batch, organization_id))
        if _is_sqlite():
            db.session.rollback()  # a snapshot kept for long would stop SQLite from truncating its write-ahead log


def finish_interrupted_import() -> bool:
    """Complete an import whose process was killed while it wrote. Returns whether there was one."""
    if db.session.scalar(select(ImportStep.position).limit(1)) is None:
        return False
    try:
        with lock_job(JOB, on_wait=_stop):
            return finish_steps()
    except _ImportRunning:
        return False


@contextmanager
def write_transaction_without_import() -> Iterator[None]:
    """Run one write transaction during which no import runs.

    Raises:
        ChangeRefused: if an import is running, or was interrupted.
    """
    if not _is_sqlite():
        with write_transaction():
            acquire_advisory_lock(JOB, on_wait=_refuse)
            yield
        return
    with lock_job(JOB, on_wait=_refuse):
        if db.session.scalar(select(ImportStep.position).where(ImportStep.position == 0)) is not None:
            raise ChangeRefused("An import was interrupted. Restart the server to complete it, then try again.")
        with write_transaction():
            yield


def _refuse() -> NoReturn:
    raise ChangeRefused("An import or another change of organizations is running. Try again when it has finished.")


class _ImportRunning(Exception):
    """Another process imports."""


def _stop() -> NoReturn:
    raise _ImportRunning


@contextmanager
def _lock_imports(notify: Callable[[str], None]) -> Iterator[None]:
    """Let one import run at a time.

    PostgreSQL: the block is one write transaction. SQLite: outside of any; an interrupted import is completed first.
    """

    def on_wait() -> None:
        notify("Another import is running. This one starts when it has finished.")

    if not _is_sqlite():
        with write_transaction():
            acquire_advisory_lock(JOB, on_wait)
            yield
        return
    with lock_job(JOB, on_wait):
        if finish_steps():
            notify("An earlier import was interrupted. Its remaining voices have been written.")
        yield


def _is_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


def _batches(records: Iterator[AnyRecord]) -> Iterator[list[AnyRecord]]:
    while batch := list(islice(records, BATCH_SIZE)):
        yield batch


class _Writer(NamedTuple):
    """Writes the staged changes of an import."""

    staged: StagedChanges
    target: ImportTarget
    counts: dict[str, int]
    by: Actor
    now: datetime
    on_written: OnWritten

    def write(self) -> None:
        """Write in one transaction, or in many if one would stop other writers for long."""
        if self._is_large() and not _is_first():
            self._write_in_steps()
        else:
            self._write_at_once()

    def _is_large(self) -> bool:
        return _is_sqlite() and self.staged.count > MAX_TRANSACTION_CHANGES

    def _write_in_steps(self) -> None:
        save_steps(self.staged)
        with write_transaction():
            start_steps(self._start())
        finish_steps(self.on_written)

    def _write_at_once(self) -> None:
        with write_transaction() if _is_sqlite() else nullcontext():
            run = self._start()
            lock_organizations([run.organization_id])
            with without_indexes(run.organization_id) if self._is_large() else nullcontext():
                written = 0
                for changes in self.staged.read_batches():
                    write_changes(run, changes)
                    written += len(changes)
                    self.on_written(written, self.staged.count)
            record_import(run)

    def _start(self) -> ImportRun:
        return ImportRun(self.target.assistant_id, resolve_target(self.target), self.counts, self.by, self.now)


def _is_first() -> bool:
    """Return whether the database has no voices yet."""
    return db.session.scalar(select(ClonedVoice.id).limit(1)) is None
