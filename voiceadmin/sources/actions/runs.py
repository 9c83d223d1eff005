"""Record the runs of syncs: their results, counts and requests."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Self

from sqlalchemy import delete, select

from voiceadmin import clock
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import Actor
from voiceadmin.sources.actions.managing import record_source_event
from voiceadmin.sources.actions.orphans import read_orphan_slots, write_orphan_slots
from voiceadmin.sources.actions.progress import ProgressReporter
from voiceadmin.sources.clients.outcomes import RequestRecord
from voiceadmin.sources.models import Source, SyncRun
from voiceadmin.sources.provider_queries import OrphanSlots
from voiceadmin.sources.types import SyncCounts, SyncReport, SyncResult

MAX_REQUESTS = 200  # of a run that are kept

MAX_FAULTS = 100

MAX_RUNS = 500  # of a source that are kept

CHANGES = {"assistants", "added", "changed", "missing", "returned"}  # counts of what a sync writes


@dataclass(slots=True)
class Run:
    """A run that has begun."""

    id: int
    source_id: int
    by: Actor
    now: datetime
    requests: list[RequestRecord] = field(default_factory=list)
    counts: SyncCounts = field(default_factory=SyncCounts)
    faults: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    owned_elsewhere: tuple[int, ...] = ()
    result: SyncResult = SyncResult.COMPLETE
    progress: ProgressReporter = field(init=False)

    def __post_init__(self) -> None:
        """Create the reporter."""
        self.progress = ProgressReporter(self.id)

    @classmethod
    def start(cls, source_id: int, *, by: Actor, now: datetime) -> Self:
        """Record the start of a run, and delete the oldest runs of the source."""
        with write_transaction():
            run = SyncRun(source_id=source_id, started_at=now, started_by=by.name)
            db.session.add(run)
            db.session.flush()
            kept = select(SyncRun.id).where(SyncRun.source_id == source_id).order_by(SyncRun.id.desc()).limit(MAX_RUNS)
            db.session.execute(delete(SyncRun).where(SyncRun.source_id == source_id, SyncRun.id.not_in(kept)))
            return cls(run.id, source_id, by, now)

    def add_fault(self, fault: object) -> None:
        """Note a record that could not be used."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(str(fault))

    def limit(self, message: str) -> None:
        """Note why the result is incomplete."""
        self.result = SyncResult.INCOMPLETE
        self.messages.append(message)

    def fail(self, message: str) -> None:
        """Note why nothing, or not all, could be written."""
        self.result = SyncResult.FAILED
        self.messages.append(message)

    def end(self) -> SyncReport:
        """Record the end of the run, unless it was removed with its source."""
        orphans = read_orphan_slots(self.source_id) if self.result is SyncResult.COMPLETE else None
        with write_transaction():
            run = db.session.get(SyncRun, self.id)
            if run is not None:
                source = db.session.get_one(Source, self.source_id)
                self._record(run, source)
                self._note_result(source, orphans)
        messages, faults = tuple(self.messages), tuple(self.faults)
        return SyncReport(self.id, self.result, messages, self.counts, faults, self.owned_elsewhere)

    def _record(self, run: SyncRun, source: Source) -> None:
        """Record the end, with an audit event if something has changed."""
        counts = asdict(self.counts)
        run.ended_at, run.result, run.message = clock.now(), self.result.value, "\n".join(self.messages)
        run.progress = None
        run.counts, run.faults = json.dumps(counts), json.dumps(self.faults)
        run.requests = json.dumps([_dump_request(request) for request in self.requests[:MAX_REQUESTS]])
        changes = {name: count for name, count in counts.items() if count and name in CHANGES}
        if changes:
            record_source_event(AuditEventType.SOURCE_SYNCED, source, self.by, self.now, after=changes)

    def _note_result(self, source: Source, orphans: OrphanSlots | None) -> None:
        """Note with the source when it was last read as a whole, or since when and why it is not.

        Args:
            orphans: of a complete sync, None for others.
        """
        if orphans is not None:
            source.read_at, source.failing_since, source.failure = self.now, None, ""
            write_orphan_slots(source, orphans)
        else:
            _set_failure(source, "\n".join(self.messages), self.now)


def note_failure(source_id: int, message: str, *, now: datetime) -> None:
    """Note with a source why it cannot be synced at all."""
    with write_transaction():
        source = db.session.get(Source, source_id)
        if source is not None:
            _set_failure(source, message, now)


def _set_failure(source: Source, message: str, now: datetime) -> None:
    source.failing_since, source.failure = source.failing_since or now, message


def _dump_request(record: RequestRecord) -> dict[str, Any]:
    """Return what is kept of a request, for JSON."""
    return record._asdict() | {"fault": None if record.fault is None else record.fault.message}
