"""The columns of each row, and how a row of the database becomes one of ours."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text, true
from sqlalchemy.sql.selectable import TextualSelect

from voiceadmin.folding import name_key, search_key
from voiceadmin.models import Assistant, ClonedVoice, Organization, Store
from voiceadmin.people import OrganizationId, Scope
from voiceadmin.shapes import AssistantRow, OrganizationRow, VoiceRow
from voiceadmin.vocabulary import VoiceStatus

VOICE_COLUMNS = [getattr(ClonedVoice, name) for name in VoiceRow._fields]

_Colleague = Assistant.__table__.alias("colleague")
ORGANIZATION_COLUMNS = [
    Organization.id,
    Organization.name,
    select(func.count())
    .select_from(_Colleague)
    .where(_Colleague.c.organization_id == Organization.id)
    .scalar_subquery()
    .label("assistants"),
    Organization.revision,
    select(Store.name).scalar_subquery().label("store"),
]

_ASSISTANT_COLUMNS = [
    Assistant.id,
    Assistant.name,
    Assistant.active,
    Assistant.tts_provider,
    Assistant.tts_voice_id,
]


def voice_row(row: Any) -> VoiceRow:
    """A row that begins with VOICE_COLUMNS."""
    return VoiceRow._make(row[: len(VOICE_COLUMNS)])


def as_told(voice: VoiceRow, upstream_status: str | None) -> VoiceRow:
    """A voice as upstream tells of it, whether or not it was archived here."""
    return voice if upstream_status is None else voice._replace(status=VoiceStatus(upstream_status))


WRITTEN_COLUMNS = (*VoiceRow._fields, "organization_id", "name_key", "search_key")


def voice_values(row: VoiceRow, organization_id: int) -> tuple[Any, ...]:
    """The way back: the values of WRITTEN_COLUMNS, for `upsert_rows`."""
    return (*row, organization_id, name_key(row.name), search_key(row.name, row.provider_voice_id))


def voice_columns(row: VoiceRow, organization_id: int) -> dict[str, Any]:
    """The same by column, for `upsert`."""
    return dict(zip(WRITTEN_COLUMNS, voice_values(row, organization_id), strict=True))


def organization_row(values: tuple[Any, ...]) -> OrganizationRow:
    """The values of ORGANIZATION_COLUMNS."""
    id, name, assistants, number, store = values
    return OrganizationRow(OrganizationId(id), name, assistants, revision(id, store, number))


def revision(organization_id: int, store: str, number: int) -> str:
    """A word that no other state of any organization's voices has, in whichever store."""
    return f"{store}/{organization_id}/{number}"


def select_assistants() -> Any:
    """All assistants with their organizations, for `assistant_row`."""
    return select(*_ASSISTANT_COLUMNS, *ORGANIZATION_COLUMNS).join_from(Assistant, Organization)


def assistant_row(row: Any) -> AssistantRow:
    """A row of `select_assistants`."""
    split = len(_ASSISTANT_COLUMNS)
    return AssistantRow._make((*row[:split], organization_row(tuple(row[split:]))))


def within(scope: Scope, column: Any) -> ColumnElement[bool]:
    """The condition that a column of organization ids stays inside a scope."""
    return true() if scope.organizations is None else column.in_(sorted(scope.organizations))


def ready(statement: Select[Any]) -> TextualSelect:
    """The same statement as a text, which SQLAlchemy need not look through anew at each use."""
    return text(str(statement)).columns(*statement.selected_columns)
