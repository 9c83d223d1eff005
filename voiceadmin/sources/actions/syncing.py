"""Sync a source: read everything first, then write what has changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime

from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.errors import ImportRefused, SourceRefused
from voiceadmin.identity import Actor, Scope
from voiceadmin.sources.actions.etags import read_etags
from voiceadmin.sources.actions.judging import judge_after_sync
from voiceadmin.sources.actions.listed_voices import read_known_voices
from voiceadmin.sources.actions.managing import check_can_sync, find_source
from voiceadmin.sources.actions.platform_syncing import write_platform
from voiceadmin.sources.actions.provider_planning import plan_provider
from voiceadmin.sources.actions.provider_reading import read_provider
from voiceadmin.sources.actions.provider_syncing import write_provider
from voiceadmin.sources.actions.provider_voices import mark_unread
from voiceadmin.sources.actions.reading import read_platform
from voiceadmin.sources.actions.runs import Run, note_failure
from voiceadmin.sources.clients.outcomes import UpstreamFailed
from voiceadmin.sources.connecting import Connection, build_connection
from voiceadmin.sources.models import Source
from voiceadmin.sources.types import SourceKind, SyncReport
from voiceadmin.voices.importing.types import UnreadableInput

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
    """Read what a source lists, and write the differences. Nothing is ever deleted.

    Args:
        by: who started it, for the audit events.
        on_written: called with the number of changed voices written so far, and their total.

    Raises:
        SourceNotFound: if there is no such source in the scope.
        SourceRefused: if the source is disabled, or its key cannot be read.
    """
    source = find_source(scope, source_id)
    check_can_sync(source)
    if source.kind == SourceKind.VOICEADMIN.value and source.organization_id is None:
        raise SourceRefused(f"The source “{source.name}” has no organization. Add it again with one.")
    connection, etags = _connect(source, settings, environ, now), read_etags(source)
    run = Run.start(source_id, by=by, now=now)
    try:
        if connection.kind.is_platform:
            known = read_known_voices(source_id)
            with read_platform(connection, etags, run.requests.append, run.progress.report_page) as platform:
                write_platform(run, platform, known, on_written)
        else:
            with read_provider(connection, run.requests.append, run.progress.report_page) as provider:
                write_provider(run, provider, plan_provider(source_id, provider, now=now, due_at=now))
        judge_after_sync(source_id, settings.attention_thresholds, now=now)
    except UpstreamFailed as failed:
        run.fail(failed.fault.message)
        mark_unread(source_id, failed.fault.message, now=now)
    except (SourceRefused, UnreadableInput, ImportRefused) as refused:
        run.fail(str(refused))
    return run.end()


def _connect(source: Source, settings: Settings, environ: Mapping[str, str], now: datetime) -> Connection:
    """Return the connection of a source. If its key cannot be read, note that its lists are not current any more."""
    source_id, failure = source.id, source.failure
    try:
        return build_connection(source, settings, environ)
    except SourceRefused as refused:
        db.session.rollback()
        if failure != str(refused):  # each attempt of the process that syncs regularly would write it
            note_failure(source_id, str(refused), now=now)
            mark_unread(source_id, str(refused), now=now)
        raise
