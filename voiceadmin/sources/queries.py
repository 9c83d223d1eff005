"""Read sources within a scope."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from voiceadmin.database.base import db
from voiceadmin.errors import SourceNotFound
from voiceadmin.identity import EVERYTHING, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.sources.clients.types import RightCheck
from voiceadmin.sources.models import Source, SourceVoice, SyncLease, SyncRun
from voiceadmin.sources.types import (
    KeyTest,
    MissingVoice,
    MissingVoices,
    Progress,
    RequestRow,
    RunRow,
    SourceKind,
    SourceRow,
    SyncCounts,
    SyncPhase,
    SyncProcess,
    SyncResult,
    parse_ids,
)
from voiceadmin.voices.models import ClonedVoice

MAX_LISTED_RUNS = 10

MAX_LISTED_MISSING = 100


def is_visible(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a source is in a scope. Those of the platform are in no other scope than EVERYTHING."""
    own = restrict_to_scope(scope, Source.organization_id)
    return or_(Source.organization_id.is_(None), own) if scope == EVERYTHING else own


def scope_of(source: Source) -> Scope:
    """Return the organizations whose voices a source can list: its own, or all for a source of the platform."""
    return scope_of_owner(source.organization_id)


def scope_of_owner(organization_id: int | None) -> Scope:
    """Return the organizations whose voices the sources of an owner can list. None: the platform."""
    return EVERYTHING if organization_id is None else Scope(frozenset({organization_id}))


def list_sources(scope: Scope) -> list[SourceRow]:
    """Return the sources of a scope: those of the platform first, then by organization and name."""
    ordered = _select_sources(scope).order_by(Organization.name.is_not(None), Organization.name, Source.name, Source.id)
    return [_build_row(*row) for row in db.session.execute(ordered)]


def get_source(scope: Scope, source_id: int) -> SourceRow:
    """Return one source.

    Raises:
        SourceNotFound: if there is no such source in the scope.
    """
    row = db.session.execute(_select_sources(scope).where(Source.id == source_id)).one_or_none()
    if row is None:
        raise SourceNotFound(f"There is no source {source_id}.")
    return _build_row(*row)


def _select_sources(scope: Scope) -> Any:
    """Return a statement that selects the sources of a scope with the names of their organizations."""
    statement = select(Source, Organization.name).outerjoin(Organization, Organization.id == Source.organization_id)
    return statement.where(is_visible(scope))


def find_last_read(voice_id: int) -> datetime | None:
    """Return when a source that lists a voice was last read as a whole; None if none lists it.

    Args:
        voice_id: of a voice that a query with a scope has found.
    """
    is_listed = (SourceVoice.voice_id == voice_id, SourceVoice.missing_since.is_(None))
    runs = select(func.max(SyncRun.started_at)).join(SourceVoice, SourceVoice.source_id == SyncRun.source_id)
    return db.session.scalar(runs.where(*is_listed, SyncRun.result == SyncResult.COMPLETE.value))


def find_sync_process(*, now: datetime) -> SyncProcess | None:
    """Return the process that syncs all sources regularly, None if none does."""
    lease = db.session.get(SyncLease, 1)
    if lease is None or lease.expires_at <= now:
        return None
    return SyncProcess(timedelta(seconds=lease.every_seconds))


def _build_row(source: Source, organization_name: str | None) -> SourceRow:
    return SourceRow(
        id=source.id,
        organization_id=source.organization_id,
        organization_name=organization_name,
        kind=SourceKind(source.kind),
        name=source.name,
        address=source.address,
        key_variable=source.key_variable or "",
        assistant_ids=parse_ids(source.assistant_ids),
        created_at=source.created_at,
        created_by=source.created_by,
        disabled_at=source.disabled_at,
        test=None
        if source.tested_at is None
        else KeyTest(source.tested_at, _parse_rights(source), source.account_hash),
        account_changed_at=source.account_changed_at,
        deletion_allowed_at=source.deletion_allowed_at,
        deletion_allowed_by=source.deletion_allowed_by or "",
    )


def _parse_rights(source: Source) -> tuple[RightCheck, ...]:
    rights: list[Any] = json.loads(source.rights or "[]")
    return tuple(RightCheck(*right) for right in rights)


def list_runs(scope: Scope, source_id: int) -> list[RunRow]:
    """Return the newest MAX_LISTED_RUNS syncs of a source, newest first; none if it is outside the scope."""
    statement = (
        select(SyncRun)
        .join(Source, Source.id == SyncRun.source_id)
        .where(SyncRun.source_id == source_id, is_visible(scope))
        .order_by(SyncRun.id.desc())
        .limit(MAX_LISTED_RUNS)
    )
    return [_build_run(run) for run in db.session.scalars(statement)]


def get_run(scope: Scope, source_id: int, run_id: int) -> RunRow:
    """Return one sync of a source.

    Raises:
        SourceNotFound: if the source is outside the scope, or has no such sync.
    """
    is_run = (SyncRun.id == run_id, SyncRun.source_id == source_id, is_visible(scope))
    run = db.session.scalar(select(SyncRun).join(Source, Source.id == SyncRun.source_id).where(*is_run))
    if run is None:
        raise SourceNotFound(f"There is no sync {run_id} of a source {source_id}.")
    return _build_run(run)


def list_missing_voices(scope: Scope, source_id: int) -> MissingVoices:
    """Return the voices of the scope that a source does not list any more, the newest MAX_LISTED_MISSING of them."""
    statement = (
        select(ClonedVoice.id, ClonedVoice.name, SourceVoice.missing_since, func.count().over())
        .join(SourceVoice, SourceVoice.voice_id == ClonedVoice.id)
        .join(Source, Source.id == SourceVoice.source_id)
        .where(SourceVoice.source_id == source_id, SourceVoice.missing_since.is_not(None))
        .where(is_visible(scope), restrict_to_scope(scope, ClonedVoice.organization_id))
        .order_by(SourceVoice.missing_since.desc(), ClonedVoice.id)
        .limit(MAX_LISTED_MISSING)
    )
    rows = db.session.execute(statement).all()
    voices = tuple(MissingVoice(id, name, since) for id, name, since, _ in rows if since is not None)
    return MissingVoices(voices, rows[0][3] if rows else 0)


def _build_run(run: SyncRun) -> RunRow:
    requests: list[dict[str, Any]] = json.loads(run.requests)
    return RunRow(
        id=run.id,
        started_at=run.started_at,
        started_by=run.started_by,
        ended_at=run.ended_at,
        result=SyncResult(run.result),
        messages=tuple(run.message.splitlines()),
        counts=SyncCounts(**json.loads(run.counts)),
        requests=tuple(RequestRow(**request) for request in requests),
        faults=tuple(json.loads(run.faults)),
        progress=_parse_progress(run),
        progress_at=run.progress_at,
    )


def _parse_progress(run: SyncRun) -> Progress | None:
    if run.progress is None:
        return None
    phase, *values = json.loads(run.progress)
    return Progress(SyncPhase(phase), *values)
