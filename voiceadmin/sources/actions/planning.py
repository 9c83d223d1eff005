"""Plan a sync without writing anything, and apply a plan that still describes the difference."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime

from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.errors import ImportRefused, SourceNotFound, SourceRefused
from voiceadmin.identity import Actor, Scope
from voiceadmin.sources.actions.judging import judge_after_sync
from voiceadmin.sources.actions.listed_voices import read_known_voices
from voiceadmin.sources.actions.managing import check_can_sync, find_source
from voiceadmin.sources.actions.plan_documents import (
    Document,
    describe_platform,
    describe_provider,
    describe_source,
    dump_canonical,
)
from voiceadmin.sources.actions.plan_files import FORMAT, REMEDY, VERSION, read_database_name
from voiceadmin.sources.actions.platform_planning import plan_platform
from voiceadmin.sources.actions.platform_syncing import write_platform
from voiceadmin.sources.actions.provider_planning import plan_provider
from voiceadmin.sources.actions.provider_reading import read_provider
from voiceadmin.sources.actions.provider_syncing import write_provider
from voiceadmin.sources.actions.reading import read_platform
from voiceadmin.sources.actions.runs import Run
from voiceadmin.sources.clients.outcomes import RequestRecord, UpstreamFailed
from voiceadmin.sources.connecting import Connection, build_connection
from voiceadmin.sources.types import SyncReport
from voiceadmin.voices.importing.actions import finish_interrupted_import
from voiceadmin.voices.importing.staging import StagedChanges
from voiceadmin.voices.importing.types import UnreadableInput

OnWritten = Callable[[int, int], None]

MAX_NAMED = 3  # differences that a refusal names


@dataclass(frozen=True, slots=True)
class _Planned:
    """A plan while what was read is still open.

    Attributes:
        write: writes exactly the plan, with a run that has begun.
        requests: those that were sent so far.
    """

    document: Document
    write: Callable[[Run], None]
    requests: list[RequestRecord]


def plan_sync(
    scope: Scope, source_id: int, settings: Settings, *, now: datetime, environ: Mapping[str, str] = os.environ
) -> Document:
    """Read what a source lists, and return the difference that a sync would write. Writes nothing to the database.

    Raises:
        SourceNotFound: if there is no such source in the scope.
        SourceRefused: if the source cannot be synced, or its lists cannot be read.
    """
    with _open_plan(scope, source_id, settings, environ, now=now, made_at=now) as planned:
        return planned.document


def apply_plan(
    scope: Scope,
    document: Document,
    settings: Settings,
    *,
    by: Actor,
    now: datetime,
    environ: Mapping[str, str] = os.environ,
    on_written: OnWritten = lambda *_: None,
) -> SyncReport:
    """Write what a plan says, if a new plan says the same. Otherwise nothing is written, not even a run.

    Args:
        scope: of the sources that may be synced.
        document: from `read_plan`.
        settings: of the application.
        by: who applies it, for the audit events.
        now: the time of the sync.
        environ: contains keys of sources.
        on_written: called with the number of changed voices written so far, and their total.

    Raises:
        SourceRefused: with what has changed since the plan was made.
    """
    _check_source(scope, document)
    finish_interrupted_import()  # otherwise the import of this plan would do so, after the assistants are written
    made_at = datetime.fromisoformat(document["made_at"])
    source_id: int = document["source"]["id"]
    with _open_plan(scope, source_id, settings, environ, now=now, made_at=made_at, on_written=on_written) as planned:
        _check_equal(document, planned.document)
        run = Run.start(source_id, by=by, now=now)
        run.requests = planned.requests
        try:
            planned.write(run)
            judge_after_sync(source_id, settings.attention_thresholds, now=now)
        except (SourceRefused, ImportRefused) as refused:
            run.fail(str(refused))
        return run.end()


@contextmanager
def _open_plan(
    scope: Scope,
    source_id: int,
    settings: Settings,
    environ: Mapping[str, str],
    *,
    now: datetime,
    made_at: datetime,
    on_written: OnWritten = lambda *_: None,
) -> Iterator[_Planned]:
    """Read what a source lists, and yield the plan while the lists are open."""
    source = find_source(scope, source_id)
    check_can_sync(source)
    header = {"format": FORMAT, "version": VERSION, "database": read_database_name(), "made_at": made_at.isoformat()}
    header["source"] = describe_source(find_source(scope, source_id))
    connection = build_connection(find_source(scope, source_id), settings, environ)
    db.session.rollback()
    open_kind = _open_platform if connection.kind.is_platform else _open_provider
    try:
        with open_kind(source_id, connection, now, made_at, on_written) as planned:
            yield _Planned(header | planned.document, planned.write, planned.requests)
    except UpstreamFailed as failed:
        raise SourceRefused(f"{failed.fault.message} Nothing was written.") from failed
    except UnreadableInput as unreadable:
        raise SourceRefused(f"Voices: {unreadable} Nothing was written.") from unreadable


@contextmanager
def _open_platform(
    source_id: int, connection: Connection, now: datetime, made_at: datetime, on_written: OnWritten
) -> Iterator[_Planned]:
    """Yield the plan of a source of the platform. Its lists are always read, also if an ETag is known."""
    requests: list[RequestRecord] = []
    known = read_known_voices(source_id)
    with read_platform(connection, {}, requests.append) as snapshot, closing(StagedChanges()) as staged:
        plan = plan_platform(source_id, snapshot, known, staged, now=now)
        document = describe_platform(snapshot, plan)
        yield _Planned(document, lambda run: write_platform(run, snapshot, known, on_written, plan), requests)


@contextmanager
def _open_provider(
    source_id: int, connection: Connection, now: datetime, made_at: datetime, on_written: OnWritten
) -> Iterator[_Planned]:
    """Yield the plan of a provider's source."""
    requests: list[RequestRecord] = []
    with read_provider(connection, requests.append) as snapshot:
        plan = plan_provider(source_id, snapshot, now=now, due_at=made_at)
        document = describe_provider(source_id, snapshot, plan)
        yield _Planned(document, lambda run: write_provider(run, snapshot, plan), requests)


def _check_source(scope: Scope, document: Document) -> None:
    """Refuse a plan whose source was removed or changed."""
    former = document["source"]
    try:
        source = find_source(scope, former["id"])
    except SourceNotFound as error:
        raise SourceRefused(f"The source “{former['name']}” was removed. Nothing was written. {REMEDY}") from error
    current = describe_source(source)
    changed = sorted(name for name in current if current[name] != former.get(name))
    if changed:
        name = changed[0]
        raise SourceRefused(
            f"The source “{former['name']}” has changed since the file was made: {name} was {former.get(name)} and is "
            f"{current[name]}. Nothing was written. {REMEDY}"
        )


def _check_equal(former: Document, current: Document) -> None:
    """Refuse a plan that no longer describes the difference."""
    changed = [name for name, value in current["upstream"].items() if former["upstream"].get(name) != value]
    changed += [name for name in former["upstream"] if name not in current["upstream"]]
    if changed:
        what = ", ".join(changed)
        raise SourceRefused(f"The upstream has changed since the file was made: {what}. Nothing was written. {REMEDY}")
    moved = [
        name
        for name, entries in current["differences"].items()
        if dump_canonical(entries) != dump_canonical(former["differences"].get(name))
    ]
    if moved or dump_canonical(_strip(current)) != dump_canonical(_strip(former)):
        raise SourceRefused(
            f"This database has changed since the file was made: {_describe_moved(former, current, moved)}. "
            f"Nothing was written. {REMEDY}"
        )


def _strip(document: Document) -> Document:
    return {name: document[name] for name in ("unchanged", "differences")}


def _describe_moved(former: Document, current: Document, moved: Sequence[str]) -> str:
    """Return the first entries that differ, by section."""
    parts = []
    for name in moved[:MAX_NAMED]:
        old = {dump_canonical(entry): entry for entry in former["differences"].get(name, [])}
        new = {dump_canonical(entry): entry for entry in current["differences"][name]}
        entries = [entry for text, entry in (old | new).items() if (text in old) != (text in new)]
        ids = list(dict.fromkeys(str(entry.get("id", entry.get("name", entry.get("record")))) for entry in entries))
        more = f" and {len(ids) - MAX_NAMED:,} more" if len(ids) > MAX_NAMED else ""
        parts.append(f"{name.replace('_', ' ')} ({', '.join(ids[:MAX_NAMED])}{more})")
    return ", ".join(parts) or "the number of unchanged voices"
