"""Assistants, one or many, with the organization whose voices they can use."""

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

TOGETHER = 300  # assistants that are read at once for a file; each takes three values of a statement


def list_assistants(scope: Scope, filters: AssistantFilters) -> Page[AssistantSummary]:
    """One page of assistants by name, each with its voice and the counts of its organization's voices.

    At most four statements, whatever the number of rows. A page past the end is empty.
    """
    total = db.session.scalar(select(func.count()).select_from(Assistant).where(*_conditions(scope, filters))) or 0
    page = _select(scope, filters).limit(filters.size).offset((filters.page - 1) * filters.size)
    return Page(_summaries(db.session.execute(page).all()), total, filters.page, filters.size)


FIELDS = (
    *("id", "name", "active", "organization_id", "organization", "tts_provider", "tts_voice_id"),
    *("voice_id", "voice_name", "voice_status", *STATUS_DISPLAY_ORDER, "voices"),
)


def assistants_file(scope: Scope, filters: AssistantFilters, format: ExportFormat) -> Iterator[str]:
    """All assistants that match as the text of a file, in the same order, in pieces and out of one snapshot."""
    found = db.session.execute(_select(scope, filters), execution_options={"yield_per": TOGETHER})
    summaries = (summary for together in found.partitions(TOGETHER) for summary in _summaries(together))
    return format_records(FIELDS, map(_record, summaries), format)


def _record(summary: AssistantSummary) -> dict[str, Any]:
    assistant, voice, counts = summary.assistant, summary.voice, summary.counts
    return {
        "id": assistant.id,
        "name": assistant.name,
        "active": assistant.active,
        "organization_id": assistant.organization.id,
        "organization": assistant.organization.name,
        "tts_provider": assistant.tts_provider,
        "tts_voice_id": assistant.tts_voice_id,
        "voice_id": voice and voice.id,
        "voice_name": voice and voice.name,
        "voice_status": voice and voice.status.value,
        **{status.value: counts[status] for status in STATUS_DISPLAY_ORDER},
        "voices": sum(counts.values()),
    }


def _select(scope: Scope, filters: AssistantFilters) -> Any:
    return select_assistants().where(*_conditions(scope, filters)).order_by(Assistant.name_key, Assistant.id)


def _summaries(rows: Sequence[Any]) -> list[AssistantSummary]:
    assistants = [build_assistant_row(row) for row in rows]
    voices = find_voices_of_assistants(assistants)
    counts = _status_counts({assistant.organization.id for assistant in assistants})
    return [
        AssistantSummary(assistant, voices.get(assistant.id), counts[assistant.organization.id])
        for assistant in assistants
    ]


def _conditions(scope: Scope, filters: AssistantFilters) -> Iterator[ColumnElement[bool]]:
    yield restrict_to_scope(scope, Assistant.organization_id)
    if filters.organization is not None:
        yield Assistant.organization_id == filters.organization
    if filters.text:
        found = Assistant.name_key.contains(fold_case(filters.text), autoescape=True)
        yield found if filters.id is None else found | (Assistant.id == filters.id)


def _status_counts(organizations: set[int]) -> dict[int, StatusCounts]:
    counts: dict[int, dict[VoiceStatus, int]] = {id: dict.fromkeys(VoiceStatus, 0) for id in organizations}
    if not organizations:
        return {}
    found: Any = db.session.execute(
        select(VoiceStats.organization_id, VoiceStats.status, cast(func.sum(VoiceStats.voices), BigInteger))
        .where(VoiceStats.organization_id.in_(sorted(organizations)))
        .group_by(VoiceStats.organization_id, VoiceStats.status)
    )
    for organization, status, count in found:
        counts[organization][VoiceStatus(status)] = count
    return dict(counts)
