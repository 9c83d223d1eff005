"""Lists of assistants, with the voice that each uses and the voices of its organization."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func, select

from voiceadmin.assistants.types import AssistantFilters, AssistantSummary
from voiceadmin.database.base import db
from voiceadmin.identity import Scope
from voiceadmin.organizations.models import Assistant
from voiceadmin.organizations.queries import (
    build_assistant_row,
    restrict_to_scope,
    select_assistants,
)
from voiceadmin.pagination import Page
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import fold_case
from voiceadmin.voices.models import VoiceStats
from voiceadmin.voices.types.rows import StatusCounts
from voiceadmin.voices.types.status import STATUS_DISPLAY_ORDER, VoiceStatus
from voiceadmin.voices.usage import find_voices_of_assistants

EXPORT_BATCH_SIZE = 300  # assistants; each adds three parameters to a statement, and SQLite limits these


def list_assistants(scope: Scope, filters: AssistantFilters) -> Page[AssistantSummary]:
    """Return one page of assistants by name, each with its voice and the status counts of its organization.

    Executes at most four statements for any number of rows. A page past the end is empty.
    """
    total = db.session.scalar(select(func.count()).select_from(Assistant).where(*_conditions(scope, filters))) or 0
    page = _select(scope, filters).limit(filters.size).offset((filters.page - 1) * filters.size)
    return Page(_build_summaries(db.session.execute(page).all()), total, filters.page, filters.size)


FIELDS = (
    "id",
    "name",
    "active",
    "organization_id",
    "organization",
    "tts_provider",
    "tts_voice_id",
    "is_voice_spoken",
    "voice_id",
    "voice_name",
    "voice_status",
    *STATUS_DISPLAY_ORDER,
    "voices",
)


def assistants_file(scope: Scope, filters: AssistantFilters, format: ExportFormat) -> Iterator[str]:
    """Yield the text of a file of all matching assistants, in the order of the list, read from one snapshot."""
    rows = db.session.execute(_select(scope, filters), execution_options={"yield_per": EXPORT_BATCH_SIZE})
    summaries = (summary for batch in rows.partitions(EXPORT_BATCH_SIZE) for summary in _build_summaries(batch))
    return format_records(FIELDS, map(_to_record, summaries), format)


def _to_record(summary: AssistantSummary) -> dict[str, Any]:
    assistant, voice, counts = summary.assistant, summary.voice, summary.counts
    return {
        "id": assistant.id,
        "name": assistant.name,
        "active": assistant.active,
        "organization_id": assistant.organization.id,
        "organization": assistant.organization.name,
        "tts_provider": assistant.tts_provider,
        "tts_voice_id": assistant.tts_voice_id,
        "is_voice_spoken": assistant.is_voice_spoken,
        "voice_id": voice and voice.id,
        "voice_name": voice and voice.name,
        "voice_status": voice and voice.status.value,
        **{status.value: counts[status] for status in STATUS_DISPLAY_ORDER},
        "voices": sum(counts.values()),
    }


def _select(scope: Scope, filters: AssistantFilters) -> Any:
    return select_assistants().where(*_conditions(scope, filters)).order_by(Assistant.name_key, Assistant.id)


def _build_summaries(rows: Sequence[Any]) -> list[AssistantSummary]:
    assistants = [build_assistant_row(row) for row in rows]
    voices = find_voices_of_assistants([assistant.id for assistant in assistants])
    counts = _count_by_status({assistant.organization.id for assistant in assistants})
    return [
        AssistantSummary(assistant, voices.get(assistant.id), counts[assistant.organization.id])
        for assistant in assistants
    ]


def _conditions(scope: Scope, filters: AssistantFilters) -> Iterator[ColumnElement[bool]]:
    yield restrict_to_scope(scope, Assistant.organization_id)
    if filters.organization is not None:
        yield Assistant.organization_id == filters.organization
    if filters.text:
        has_name = Assistant.name_key.contains(fold_case(filters.text), autoescape=True)
        yield has_name if filters.id is None else has_name | (Assistant.id == filters.id)


def _count_by_status(organizations: set[int]) -> dict[int, StatusCounts]:
    counts: dict[int, dict[VoiceStatus, int]] = {id: dict.fromkeys(VoiceStatus, 0) for id in organizations}
    if not organizations:
        return {}
    rows: Any = db.session.execute(
        select(VoiceStats.organization_id, VoiceStats.status, cast(func.sum(VoiceStats.voices), BigInteger))
        .where(VoiceStats.organization_id.in_(sorted(organizations)))
        .group_by(VoiceStats.organization_id, VoiceStats.status)
    )
    for organization, status, count in rows:
        counts[organization][VoiceStatus(status)] = count
    return dict(counts)
