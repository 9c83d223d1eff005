"""The whole queue as a file, and one item as a record of files and of the API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from voiceadmin.config import AttentionThresholds
from voiceadmin.database.batches import BATCH_SIZE
from voiceadmin.identity import Scope
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import format_iso8601
from voiceadmin.triage.queries.queue import list_queue
from voiceadmin.triage.types import QueueFilters, QueueItem, ReasonDetail

FIELDS = (
    "kind",
    "id",
    "name",
    "organization_id",
    "organization",
    "provider",
    "voice_id",
    "voice_name",
    "voice_status",
    "reason",
    "severity",
    "since",
    "assignee",
    "reasons",
)


def export_queue(
    scope: Scope, filters: QueueFilters, thresholds: AttentionThresholds, format: ExportFormat, *, now: datetime
) -> Iterator[str]:
    """Yield the text of a file of all matching items, in the order of the queue. The page of the filters is ignored."""

    def records() -> Iterator[dict[str, Any]]:
        part = replace(filters, after=None, size=BATCH_SIZE)
        while True:
            queue = list_queue(scope, part, thresholds, now=now)
            yield from map(build_item_record, queue.items)
            if queue.next is None:
                return
            part = replace(part, after=queue.next)

    return format_records(FIELDS, records(), format)


def build_item_record(item: QueueItem) -> dict[str, Any]:
    """Return an item as a record. `since` is that of the worst reason, null if unknown."""
    worst = item.worst_reason
    return {
        "kind": item.ref.kind.value,
        "id": item.ref.id,
        "name": item.name,
        "organization_id": item.organization_id,
        "organization": item.organization_name,
        "provider": item.provider,
        "voice_id": item.voice and item.voice.id,
        "voice_name": item.voice and item.voice.name,
        "voice_status": item.voice and item.voice.status.value,
        "reason": worst and worst.finding.reason,
        "severity": worst and worst.severity.value,
        "since": worst and _format_time(worst.finding.since),
        "assignee": item.assignee and item.assignee.email,
        "reasons": [_build_reason_record(reason) for reason in item.reasons],
    }


def _build_reason_record(reason: ReasonDetail) -> dict[str, Any]:
    return {
        "reason": reason.finding.reason,
        "severity": reason.severity.value,
        "since": _format_time(reason.finding.since),
        "evidence": reason.evidence,
        "remedy": reason.remedy,
    }


def _format_time(time: datetime | None) -> str | None:
    return None if time is None else format_iso8601(time)
