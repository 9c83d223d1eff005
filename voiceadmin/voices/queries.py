"""Read cloned voices: one voice, or the body of the JSON route."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, case, false, select, text

from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_all, fetch_first_row, index_hint, string_agg_bytes
from voiceadmin.errors import VoiceNotFound
from voiceadmin.identity import OrganizationId, Scope
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.organizations.queries import (
    ORGANIZATION_COLUMNS,
    build_assistant_row,
    build_organization_row,
    scope_parameters,
    scope_sql,
    select_assistants,
)
from voiceadmin.tabular import ExportFormat
from voiceadmin.text import MAX_ID, build_name_key, build_search_key
from voiceadmin.voices.exporting.writing import format_file, format_response
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.filters import VoiceChoices, VoiceQuery
from voiceadmin.voices.types.rows import LocalArchive, VoiceDetail, VoiceRow
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.usage import count_assistants_by_voice

VOICE_COLUMNS = [getattr(ClonedVoice, name) for name in VoiceRow._fields]


def build_voice_row(row: Any) -> VoiceRow:
    """A row that begins with VOICE_COLUMNS."""
    return VoiceRow._make(row[: len(VOICE_COLUMNS)])


def with_upstream_status(voice: VoiceRow, upstream_status: str | None) -> VoiceRow:
    """A voice as upstream tells of it, whether or not it was archived here."""
    return voice if upstream_status is None else voice._replace(status=VoiceStatus(upstream_status))


WRITTEN_COLUMNS = (*VoiceRow._fields, "organization_id", "name_key", "search_key")


def build_voice_values(row: VoiceRow, organization_id: int) -> tuple[Any, ...]:
    """The way back: the values of WRITTEN_COLUMNS, for `upsert_rows`."""
    return (*row, organization_id, build_name_key(row.name), build_search_key(row.name, row.provider_voice_id))


def build_voice_columns(row: VoiceRow, organization_id: int) -> dict[str, Any]:
    """The same by column, for `upsert`."""
    return dict(zip(WRITTEN_COLUMNS, build_voice_values(row, organization_id), strict=True))


_STANDING = (
    *(ClonedVoice.archived_at, ClonedVoice.archived_by, ClonedVoice.archive_note),
    *(ClonedVoice.upstream_status, ClonedVoice.status_changed_at),
)


ASSISTANTS_SHOWN = 25  # of those that can use a voice, on its page


_CHOICES = text("SELECT DISTINCT provider, language FROM voice_stats WHERE organization_id = :organization")


def get_voice_choices(organization_id: OrganizationId) -> VoiceChoices:
    """The providers and languages that an organization's voices have, in one statement."""
    found = db.session.execute(_CHOICES, {"organization": organization_id}).all()
    return VoiceChoices(
        providers=tuple(sorted({provider for provider, _ in found})),
        languages=tuple(sorted({language for _, language in found if language})),
    )


def get_voice(scope: Scope, voice_id: int) -> VoiceDetail:
    """One voice with the assistants that can use it, in three statements. Raises VoiceNotFound."""
    row = db.session.execute(
        select(*VOICE_COLUMNS, *ORGANIZATION_COLUMNS, *_STANDING)
        .join_from(ClonedVoice, Organization)
        .where(ClonedVoice.id == voice_id)
    ).one_or_none()
    owner = slice(len(VOICE_COLUMNS), len(VOICE_COLUMNS) + len(ORGANIZATION_COLUMNS))
    organization = None if row is None else build_organization_row(tuple(row[owner]))
    if row is None or organization is None or not scope.covers(organization.id):
        raise VoiceNotFound(f"Cloned voice with ID {voice_id} not found")
    voice = build_voice_row(row)
    of_organization = Assistant.organization_id == organization.id
    assistant_count = count_assistants_by_voice([voice.id]).get(voice.id, 0)
    is_set = and_(Assistant.tts_provider == voice.provider, Assistant.tts_voice_id == voice.provider_voice_id)
    assistants = db.session.execute(
        select_assistants()
        .where(of_organization)
        .order_by(case((is_set if assistant_count else false(), 0), else_=1), Assistant.name_key, Assistant.id)
        .limit(ASSISTANTS_SHOWN)
    )
    at, by, note, upstream, status_changed_at = row[owner.stop :]
    archived = None if at is None else LocalArchive(at, by, note, VoiceStatus(upstream))
    around = [build_assistant_row(row) for row in assistants]
    return VoiceDetail(voice, organization, around, assistant_count, archived, at or status_changed_at)


def build_voices_body(organization_id: OrganizationId, query: VoiceQuery) -> bytes:
    """The body of the JSON route: all voices that match, by id, in one statement.

    The database puts it together out of the records that it has written
    already; Python never sees a voice.
    """
    asked = {"status": query.status and query.status.value, "provider": query.provider}
    values = {name: value for name, value in asked.items() if value is not None}
    part = query.skip > 0 or query.limit is not None
    place = {"limit": MAX_ID if query.limit is None else query.limit, "skip": query.skip} if part else {}
    table = f"cloned_voice{index_hint('ix_voice_json_body')}"
    statement = _records_sql(table, string_agg_bytes("json_body"), tuple(values), part=part)
    row = fetch_first_row(statement, {"organization": organization_id} | values | place)
    return format_response(None if row is None else row[0])


@lru_cache(maxsize=16)
def _records_sql(table: str, joined_records: str, filters: tuple[str, ...], *, part: bool) -> str:
    conditions = "".join(f" AND {name} = :{name}" for name in filters)
    records = (
        f"SELECT json_body FROM {table} WHERE organization_id = :organization"
        f"{conditions} ORDER BY id{' LIMIT :limit OFFSET :skip' if part else ''}"
    )
    return f"SELECT {joined_records} FROM ({records}) AS voice"


def voice_record(voice: VoiceRow) -> dict[str, Any]:
    """One voice as the JSON route lists it."""
    return voice_to_json(voice)


def voices_file(organization_id: OrganizationId, format: ExportFormat) -> Iterator[str]:
    """All voices of an organization as a file, by id, in pieces and out of one snapshot."""
    rows = db.session.execute(
        select(*VOICE_COLUMNS).where(ClonedVoice.organization_id == organization_id).order_by(ClonedVoice.id),
        execution_options={"yield_per": 1000},
    )
    return format_file((build_voice_row(row) for row in rows), format)


# Up to this many voices, reading each of them is faster than an index over the voices of all organizations: measured
# with a million voices, where both take about the same time.
SMALL_SCOPE = 20_000


def is_small_scope(scope: Scope, organization_id: int | None = None) -> bool:
    """Return whether a scope has so few voices that reading each is faster than an index over all organizations.

    Args:
        scope: the organizations visible to the requester.
        organization_id: the only organization to count, None for the whole scope.
    """
    only = scope if organization_id is None else Scope(frozenset({organization_id}))
    if only.organizations is None:
        return False
    counted = fetch_all(
        f"SELECT coalesce(sum(voices), 0) FROM voice_stats WHERE {scope_sql(only, 'organization_id')}",
        scope_parameters(only),
    )
    return int(counted[0][0]) <= SMALL_SCOPE
