"""Read cloned voices: rows, one voice with its assistants, and the body of the JSON route."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, literal, select

from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_all, fetch_first_row, fetch_rows, index_hint, string_agg_bytes
from voiceadmin.database.types import parse_timestamp
from voiceadmin.errors import OrganizationNotFound, VoiceNotFound
from voiceadmin.identity import OrganizationId, Scope
from voiceadmin.organizations.models import Assistant, AssistantVoice, Organization
from voiceadmin.organizations.queries import (
    ORGANIZATION_COLUMNS,
    build_assistant_row,
    build_organization_row,
    format_revision,
    scope_parameters,
    scope_sql,
    select_assistants,
)
from voiceadmin.organizations.types import AssistantRow
from voiceadmin.tabular import ExportFormat
from voiceadmin.text import MAX_ID, build_name_key, build_search_key
from voiceadmin.voices.exporting.writing import format_file, format_response
from voiceadmin.voices.models import ClonedVoice, ProviderDeletion
from voiceadmin.voices.types.filters import VoiceChoices, VoiceQuery
from voiceadmin.voices.types.rows import AssistantUse, LocalArchive, ProviderDeletionRow, VoiceDetail, VoiceRow
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.usage import count_assistants_by_voice

VOICE_COLUMNS = [getattr(ClonedVoice, name) for name in VoiceRow._fields]


def build_voice_row(row: Any) -> VoiceRow:
    """Return the voice in a result row that begins with VOICE_COLUMNS."""
    return VoiceRow._make(row[: len(VOICE_COLUMNS)])


_STATUSES: Mapping[str, VoiceStatus] = {status.value: status for status in VoiceStatus}  # faster than calling the class


def parse_voice_row(values: Sequence[Any]) -> VoiceRow:
    """Return the voice in a row of the driver that begins with the columns of a VoiceRow; see `fetch_rows`."""
    id, name, provider, voice_id, language, gender, status, score, created_at, last_used_at, count, *_ = values
    times = parse_timestamp(created_at), parse_timestamp(last_used_at)
    return VoiceRow(id, name, provider, voice_id, language, gender, _STATUSES[status], score, *times, count)


def with_upstream_status(voice: VoiceRow, upstream_status: str | None) -> VoiceRow:
    """Return a voice with the status that upstream reports.

    Args:
        voice: As stored.
        upstream_status: None unless the voice was archived here.
    """
    return voice if upstream_status is None else voice._replace(status=VoiceStatus(upstream_status))


# The columns of a voice that a program writes; triggers and the database compute the others.
WRITTEN_COLUMNS = (*VoiceRow._fields, "organization_id", "name_key", "search_key")


def build_voice_values(row: VoiceRow, organization_id: int) -> tuple[Any, ...]:
    """Return the values of WRITTEN_COLUMNS for a voice, for `upsert_rows`."""
    return (*row, organization_id, build_name_key(row.name), build_search_key(row.name, row.provider_voice_id))


def build_voice_columns(row: VoiceRow, organization_id: int) -> dict[str, Any]:
    """Return the values of WRITTEN_COLUMNS by column, for `upsert`."""
    return dict(zip(WRITTEN_COLUMNS, build_voice_values(row, organization_id), strict=True))


# What is known here about a voice, beside the columns of upstream.
_LOCAL_COLUMNS = (
    ClonedVoice.archived_at,
    ClonedVoice.archived_by,
    ClonedVoice.archive_note,
    ClonedVoice.upstream_status,
    ClonedVoice.status_changed_at,
    ProviderDeletion.marked_at,
    ProviderDeletion.marked_by,
)


# A mark of another reference is void: the voice was cloned again, or moved to another provider.
IS_DELETED_AT_PROVIDER = and_(
    ProviderDeletion.voice_id == ClonedVoice.id,
    ProviderDeletion.provider == ClonedVoice.provider,
    ProviderDeletion.provider_voice_id == ClonedVoice.provider_voice_id,
)


# Assistants on the page of a voice. An organization may have thousands; the page links to the whole list.
ASSISTANTS_SHOWN = 25


# The last rows, without a provider, say that there are verdicts and trends, in any organization.
_CHOICES = (
    "SELECT DISTINCT provider, language FROM voice_stats WHERE organization_id = :organization"
    " UNION ALL SELECT NULL, 'verdicts' WHERE EXISTS (SELECT 1 FROM voice_verdict)"
    " UNION ALL SELECT NULL, 'trends' WHERE EXISTS (SELECT 1 FROM voice_trend)"
)


def get_voice_choices(organization_id: OrganizationId) -> VoiceChoices:
    """Return the providers and languages of an organization's voices, with one statement."""
    rows = fetch_rows(_CHOICES, {"organization": organization_id})
    return VoiceChoices(
        providers=tuple(sorted({provider for provider, _ in rows if provider is not None})),
        languages=tuple(sorted({language for provider, language in rows if provider is not None and language})),
        has_verdicts=(None, "verdicts") in rows,
        has_trends=(None, "trends") in rows,
    )


def get_voice(scope: Scope, voice_id: int) -> VoiceDetail:
    """Return one voice with its organization and assistants, with three statements.

    Raises:
        VoiceNotFound: If there is no such voice in the scope.
    """
    row = db.session.execute(
        select(*VOICE_COLUMNS, *ORGANIZATION_COLUMNS, *_LOCAL_COLUMNS)
        .join_from(ClonedVoice, Organization)
        .outerjoin(ProviderDeletion, IS_DELETED_AT_PROVIDER)
        .where(ClonedVoice.id == voice_id)
    ).one_or_none()
    if row is None:
        raise VoiceNotFound(f"Cloned voice with ID {voice_id} not found")
    archive_start = len(VOICE_COLUMNS) + len(ORGANIZATION_COLUMNS)
    organization = build_organization_row(tuple(row[len(VOICE_COLUMNS) : archive_start]))
    if not scope.covers(organization.id):
        raise VoiceNotFound(f"Cloned voice with ID {voice_id} not found")
    archived_at, archived_by, note, upstream_status, status_changed_at, marked_at, marked_by = row[archive_start:]
    archive = None
    if archived_at is not None:
        archive = LocalArchive(archived_at, archived_by, note, VoiceStatus(upstream_status))
    voice = build_voice_row(row)
    using_assistant_count = count_assistants_by_voice([voice.id]).get(voice.id, 0)
    assistants, uses = _list_first_assistants(voice, organization.id, using_assistant_count)
    return VoiceDetail(
        voice,
        organization,
        assistants=assistants,
        uses=uses,
        using_assistant_count=using_assistant_count,
        archive=archive,
        deletion=None if marked_at is None else ProviderDeletionRow(marked_at, marked_by),
        status_changed_at=archived_at or status_changed_at,
    )


def _list_first_assistants(
    voice: VoiceRow, organization_id: OrganizationId, using_assistant_count: int
) -> tuple[list[AssistantRow], dict[int, AssistantUse]]:
    """Return the first ASSISTANTS_SHOWN assistants of an organization, and how they are set to a voice.

    Those that use it come first, then those that name it.
    """
    use = _build_use(voice, has_users=using_assistant_count > 0)
    found = (
        select_assistants()
        .add_columns(use)
        .where(Assistant.organization_id == organization_id)
        .order_by(use, Assistant.name_key, Assistant.id)
        .limit(ASSISTANTS_SHOWN)
    )
    rows = db.session.execute(found).all()
    uses = {row.id: list(AssistantUse)[row[-1]] for row in rows if row[-1] < len(AssistantUse)}
    return [build_assistant_row(row[:-1]) for row in rows], uses


def _build_use(voice: VoiceRow, *, has_users: bool) -> ColumnElement[int]:
    """Return SQL of the index of the AssistantUse of an assistant, and a larger number for none.

    has_users: False if the assistants that are set to the provider's ID of the voice use another voice that has it.
    """
    is_set = and_(
        Assistant.tts_provider == voice.provider,
        Assistant.tts_voice_id == voice.provider_voice_id,
        literal(voice.provider_voice_id != ""),
    )
    named = and_(
        AssistantVoice.assistant_id == Assistant.id,
        AssistantVoice.provider == voice.provider,
        AssistantVoice.provider_voice_id == voice.provider_voice_id,
    )
    conditions = {
        AssistantUse.USES: and_(is_set, Assistant.is_voice_spoken, literal(has_users)),
        AssistantUse.NOT_SPOKEN: and_(is_set, ~Assistant.is_voice_spoken),
        AssistantUse.NAMES: exists().where(named),
    }
    ranks = [(conditions[use], rank) for rank, use in enumerate(AssistantUse)]
    return case(*ranks, else_=len(AssistantUse)).label("use")


def build_voices_body(organization_id: OrganizationId, query: VoiceQuery) -> tuple[str, bytes]:
    """Return the revision of an organization, and the body of the JSON route: all matching voices by id.

    One statement reads both, so that they belong together without a snapshot. The database concatenates the stored
    `json_body` texts, so that the cost per voice in Python is zero.

    Raises:
        OrganizationNotFound: If it has been removed in the meantime.
    """
    filters = {"status": query.status and query.status.value, "provider": query.provider}
    parameters: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    is_slice = query.skip > 0 or query.limit is not None
    table = f"cloned_voice{index_hint('ix_voice_json_body')}"
    statement = _build_body_select(table, string_agg_bytes("json_body"), tuple(parameters), is_slice=is_slice)
    parameters["organization"] = organization_id
    if is_slice:
        parameters |= {"limit": MAX_ID if query.limit is None else query.limit, "skip": query.skip}
    row = fetch_first_row(statement, parameters)
    if row is None or row[0] is None:
        raise OrganizationNotFound("The organization has been removed.")
    *identity, bodies = row
    return format_revision(*identity), format_response(bodies)


@lru_cache(maxsize=16)  # every combination of two filters, with and without a slice, for both dialects
def _build_body_select(table: str, joined_bodies: str, filters: tuple[str, ...], *, is_slice: bool) -> str:
    conditions = "".join(f" AND {name} = :{name}" for name in filters)
    bodies = (
        f"SELECT json_body FROM {table} WHERE organization_id = :organization"
        f"{conditions} ORDER BY id{' LIMIT :limit OFFSET :skip' if is_slice else ''}"
    )
    # The bodies are not in a subquery: SQLite would hold the whole text twice.
    return (
        "SELECT (SELECT id FROM organization WHERE id = :organization), (SELECT name FROM database_identity),"
        f" (SELECT revision FROM organization WHERE id = :organization), {joined_bodies} FROM ({bodies}) AS voice"
    )


def voices_file(organization_id: OrganizationId, format: ExportFormat) -> Iterator[str]:
    """Yield all voices of an organization by id as the text of a file, in pieces that belong to one snapshot."""
    rows = db.session.execute(
        select(*VOICE_COLUMNS).where(ClonedVoice.organization_id == organization_id).order_by(ClonedVoice.id),
        execution_options={"yield_per": 1000},
    )
    return format_file((build_voice_row(row) for row in rows), format)


# Up to this many voices, reading each of them is faster than an index over the voices of all organizations: both are
# equally fast in a database with a million voices.
SMALL_SCOPE = 20_000


def is_small_scope(scope: Scope, organization_id: int | None = None) -> bool:
    """Return whether a scope has so few voices that reading each is faster than an index over all organizations.

    Args:
        scope: the organizations visible to the requester.
        organization_id: the only organization to count, None for the whole scope.
    """
    only = scope.narrow(organization_id)
    if only.organizations is None:
        return False
    counted = fetch_all(
        f"SELECT coalesce(sum(voices), 0) FROM voice_stats WHERE {scope_sql(only, 'organization_id')}",
        scope_parameters(only),
    )
    return int(counted[0][0]) <= SMALL_SCOPE
