"""Exports of lists as files: recorded in the audit log, and streamed while they are read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from flask import Response, abort, stream_with_context

from voiceadmin.audit.actions import record_event_now
from voiceadmin.audit.types import AuditEventType, AuditTarget
from voiceadmin.identity import Scope
from voiceadmin.tabular import ExportFormat
from voiceadmin.web import access
from voiceadmin.web.large_responses import large_response

TYPES = {
    ExportFormat.CSV: "text/csv",
    ExportFormat.EXCEL: "text/csv",
    ExportFormat.JSON: "application/json",
    ExportFormat.NDJSON: "application/x-ndjson",
}


CHUNK_LENGTH = 32_000  # characters that are sent at once, at least


def parse_export_format(format: str) -> ExportFormat:
    """Return the export format with this name; abort with 404 for any other."""
    if format not in set(TYPES):
        abort(404)
    return ExportFormat(format)


def stream_export(
    name: str,
    format: ExportFormat,
    pieces: Callable[[], Iterable[str]],
    *,
    target: AuditTarget,
    filters: Mapping[str, Any],
    organizations: Collection[int],
    now: datetime,
    event_type: AuditEventType = AuditEventType.VOICES_EXPORTED,
) -> Response:
    """Return a list as a file, after recording an audit event.

    Args:
        name: of the file, without the date.
        format: of the file.
        pieces: returns the text of the file in pieces.
        target: of the audit event.
        filters: of the list, for the audit event.
        organizations: ids of the organizations that the audit event concerns.
        now: the time of the export.
        event_type: of the audit event.

    Raises:
        RateLimited: if the requester has too many exports in progress.
    """
    after = {"format": format.value, "filters": filters}
    with ExitStack() as running:
        running.enter_context(large_response())
        by = access.requester().actor
        record_event_now(event_type, target, by=by, now=now, organizations=organizations, after=after)
        until_closed = running.pop_all()
    response = Response(stream_with_context(_join_pieces(pieces)), mimetype=TYPES[format])
    response.call_on_close(until_closed.close)
    file_name = f"{name}-{now:%Y-%m-%d}.{format.file_extension}"
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def list_audited_organizations(scope: Scope, chosen: int | None = None) -> Collection[int]:
    """Return the organizations of a list for its audit event: the selected one, or those of the scope.

    None of them if the scope is all organizations. Only platform admins read such an event: its filters may name
    people and voices of any organization.
    """
    if chosen is not None:
        return [chosen]
    return scope.organizations or ()


def _join_pieces(pieces: Callable[[], Iterable[str]]) -> Iterator[str]:
    parts, length = list[str](), 0
    for piece in pieces():
        parts.append(piece)
        length += len(piece)
        if length >= CHUNK_LENGTH:
            yield "".join(parts)
            parts, length = [], 0
    yield "".join(parts)
