"""Sync a source of the platform: read everything first, then write what has changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, BinaryIO

from sqlalchemy import delete, select

from voiceadmin import clock
from voiceadmin.audit.types import AuditEventType
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ImportRefused, SourceNotFound, SourceRefused
from voiceadmin.identity import Actor, Scope
from voiceadmin.organizations.models import Assistant
from voiceadmin.sources.actions.listed_voices import (
    WITHHELD,
    Differences,
    compare_list,
    read_known_voices,
    write_list,
)
from voiceadmin.sources.actions.managing import check_can_sync, find_source, record_source_event
from voiceadmin.sources.actions.organizations import resolve_organization, write_assistants
from voiceadmin.sources.actions.reading import PlatformSnapshot, read_platform
from voiceadmin.sources.clients.outcomes import RequestRecord, UpstreamFailed
from voiceadmin.sources.connecting import build_connection
from voiceadmin.sources.models import Source, SyncRun
from voiceadmin.sources.queries import parse_ids
from voiceadmin.sources.types import SyncCounts, SyncReport, SyncResult
from voiceadmin.text import pluralize
from voiceadmin.voices.importing.actions import import_voices
from voiceadmin.voices.importing.reading import read_response
from voiceadmin.voices.importing.target import ImportTarget
from voiceadmin.voices.importing.types import Fault, UnreadableInput

MAX_REQUESTS = 200  # of a run that are kept

MAX_FAULTS = 100

CHANGES = {"assistants", "added", "changed", "missing", "returned"}  # counts of what a sync writes

MAX_RUNS = 500  # of a source that are kept

OnWritten = Callable[[int, int], None]


def sync_source(
    scope: Scope,
    source_id: int,
    settings: Settings,
    *,
    by: Actor,
    now: datetime,
    environ: Mapping[str, str] = os.environ,
    on_written: OnWritten = lambda *_: None,
) -> SyncReport:
    """Read the voices and assistants of a source, and write the differences. Nothing is ever deleted.

    Args:
        by: who started it, for the audit events.
        on_written: called with the number of changes written so far, and their total.

    Raises:
        SourceNotFound: if there is no such source in the scope.
        SourceRefused: if the source is disabled, or its key cannot be read.
    """
    source = find_source(scope, source_id)
    check_can_sync(source)
    connection, assistant_ids = build_connection(source, settings, environ), parse_ids(source.assistant_ids)
    run = _Run(_start_run(source_id, by, now), source_id, by, now, on_written)
    known = read_known_voices(source_id)
    try:
        with read_platform(connection, assistant_ids, run.requests.append) as snapshot:
            run.write(snapshot, known)
    except UpstreamFailed as failed:
        run.fail(failed.fault.message)
    except (SourceRefused, UnreadableInput, ImportRefused) as refused:
        run.fail(str(refused))
    return run.end()


def _start_run(source_id: int, by: Actor, now: datetime) -> int:
    """Record the start of a run, and delete the oldest runs of the source."""
    with write_transaction():
        run = SyncRun(source_id=source_id, started_at=now, started_by=by.name)
        db.session.add(run)
        db.session.flush()
        kept = select(SyncRun.id).where(SyncRun.source_id == source_id).order_by(SyncRun.id.desc()).limit(MAX_RUNS)
        db.session.execute(delete(SyncRun).where(SyncRun.source_id == source_id, SyncRun.id.not_in(kept)))
        return run.id


class _Run:
    """One sync that has been started."""

    def __init__(self, id: int, source_id: int, by: Actor, now: datetime, on_written: OnWritten) -> None:
        self.requests: list[RequestRecord] = []
        self._id, self._source_id, self._by, self._now, self._on_written = id, source_id, by, now, on_written
        self._result, self._counts = SyncResult.COMPLETE, SyncCounts()
        self._messages: list[str] = []
        self._faults: list[str] = []
        self._is_list_whole = True

    def write(self, snapshot: PlatformSnapshot, known: Mapping[int, datetime | None]) -> None:
        """Write the organization, the assistants, the voices, and which voices are listed.

        Args:
            snapshot: what the platform lists. Nothing is written if its list of voices cannot be read to the end.
            known: the voices of the source before the list was requested.
        """
        listed = self._read_ids(snapshot.voices)
        organization_id = self._write_organization(snapshot)
        self._write_voices(snapshot.voices, organization_id)
        self._write_list(compare_list(known, listed), organization_id)

    def _read_ids(self, file: BinaryIO) -> set[int]:
        """Return the ids of a list of voices. What the response says besides is a reason not to trust its end."""
        notes: list[str] = []
        file.seek(0)
        listed = {record.id for record in read_response(file, notes.append) if record.id is not None}
        for note in notes:
            self._limit(f"Voices: {note}")
        self._is_list_whole = not notes
        return listed

    def _write_organization(self, snapshot: PlatformSnapshot) -> int:
        """Write the organization and its assistants in one transaction. Return the local id of the organization."""
        if snapshot.assistants_message:
            self._limit(f"Assistants: {snapshot.assistants_message}")
        with write_transaction():
            organization_id = resolve_organization(_require_source(self._source_id), *snapshot.upstream_organization)
            for batch in split_into_batches(snapshot.list_assistants()):
                changed, problems = write_assistants(batch, organization_id, snapshot.upstream_organization.id)
                self._counts.assistants += changed
                for problem in problems:
                    self._limit(problem)
            if _find_assistant(organization_id) is None:
                self._counts.assistants = 0
                raise SourceRefused(
                    "The organization has no assistants, so that its voices cannot be shown. Nothing was written."
                )
        return organization_id

    def _write_voices(self, file: BinaryIO, organization_id: int) -> None:
        """Import the list as a file is imported, without an audit event if nothing has changed."""
        target = ImportTarget(_find_assistant(organization_id) or 0, organization=str(organization_id))
        db.session.rollback()
        file.seek(0)
        report = import_voices(
            file,
            target,
            by=self._by,
            now=self._now,
            skip_bad=True,
            records_unchanged=False,
            on_fault=self._add_fault,
            on_written=self._on_written,
        )
        counts = self._counts
        counts.added, counts.changed, counts.unchanged = report.added, report.changed, report.unchanged
        counts.refused = report.refused
        if report.refused:
            self._limit(f"{pluralize(report.refused, 'record')} could not be used, so that no voice counts as missing.")

    def _write_list(self, differences: Differences, organization_id: int) -> None:
        """Write which voices are listed. None counts as missing unless every record could be used."""
        if self._counts.refused or not self._is_list_whole:
            differences = differences._replace(missing=())
        elif differences.is_suspicious:
            self._limit(f"{pluralize(len(differences.missing), 'voice')} of {differences.known:,}: {WITHHELD}")
            differences = differences._replace(missing=())
        self._counts.missing, self._counts.returned = len(differences.missing), len(differences.returned)
        write_list(self._source_id, organization_id, differences, now=self._now)

    def _add_fault(self, fault: Fault) -> None:
        if len(self._faults) < MAX_FAULTS:
            self._faults.append(str(fault))

    def _limit(self, message: str) -> None:
        """Note why the result is incomplete."""
        self._result = SyncResult.INCOMPLETE
        self._messages.append(message)

    def fail(self, message: str) -> None:
        """Note why nothing, or not all, could be written."""
        self._result = SyncResult.FAILED
        self._messages.append(message)

    def end(self) -> SyncReport:
        """Record the end of the run, unless it was removed with its source."""
        with write_transaction():
            run = db.session.get(SyncRun, self._id)
            if run is not None:
                self._record(run)
        return SyncReport(self._id, self._result, tuple(self._messages), self._counts, tuple(self._faults))

    def _record(self, run: SyncRun) -> None:
        run.ended_at, run.result, run.message = clock.now(), self._result.value, "\n".join(self._messages)
        run.counts, run.faults = json.dumps(asdict(self._counts)), json.dumps(self._faults)
        run.requests = json.dumps([_dump_request(request) for request in self.requests[:MAX_REQUESTS]])
        changes = {name: count for name, count in asdict(self._counts).items() if count and name in CHANGES}
        if changes:
            source = db.session.get_one(Source, self._source_id)
            record_source_event(AuditEventType.SOURCE_SYNCED, source, self._by, self._now, after=changes)


def _require_source(source_id: int) -> Source:
    """Return a source that may have been removed since the sync began."""
    source = db.session.get(Source, source_id)
    if source is None:
        raise SourceNotFound(f"There is no source {source_id} any more.")
    return source


def _find_assistant(organization_id: int) -> int | None:
    """Return the id of an assistant of an organization, None if it has none."""
    ids = select(Assistant.id).where(Assistant.organization_id == organization_id)
    return db.session.scalar(ids.order_by(Assistant.id).limit(1))


def _dump_request(record: RequestRecord) -> dict[str, Any]:
    """Return what is kept of a request, for JSON."""
    fields = record._asdict()
    return fields | {"fault": None if record.fault is None else record.fault.message}
