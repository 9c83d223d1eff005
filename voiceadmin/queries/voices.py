"""Cloned voices: one, a filtered page of them, or all that a program asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, null, or_, select, union
from sqlalchemy.orm import InstrumentedAttribute

from voiceadmin.db import db
from voiceadmin.folding import folded
from voiceadmin.formats.record import write_record
from voiceadmin.formats.writing import as_answer, as_file
from voiceadmin.models import Assistant, ClonedVoice, Organization
from voiceadmin.problems import VoiceNotFound
from voiceadmin.queries.rows import (
    ORGANIZATION_COLUMNS,
    VOICE_COLUMNS,
    assistant_row,
    organization_row,
    select_assistants,
    voice_row,
)
from voiceadmin.shapes import (
    Page,
    StatusCounts,
    VoiceChoices,
    VoiceDetail,
    VoiceFilters,
    VoiceList,
    VoiceQuery,
    VoiceRow,
)
from voiceadmin.vocabulary import MAX_ID, ExportFormat, QualityTier, VoiceColumn, VoiceOrder, VoiceStatus, VoiceUse

ASSISTANTS_SHOWN = 25  # of those that can use a voice, on its page

COLUMNS: dict[VoiceColumn, InstrumentedAttribute[Any]] = {
    VoiceColumn.NAME: ClonedVoice.name_key,
    VoiceColumn.PROVIDER: ClonedVoice.provider,
    VoiceColumn.STATUS: ClonedVoice.status,
    VoiceColumn.QUALITY: ClonedVoice.quality_score,
    VoiceColumn.SYNTHESES: ClonedVoice.synthesis_count,
    VoiceColumn.LAST_USED: ClonedVoice.last_used_at,
    VoiceColumn.CREATED: ClonedVoice.created_at,
}


def voice_choices(organization_id: int) -> VoiceChoices:
    """The providers and languages that an organization's voices have, in one statement."""
    of_organization = ClonedVoice.organization_id == organization_id
    found: Any = db.session.execute(
        union(
            select(literal("provider"), ClonedVoice.provider).where(of_organization),
            select(literal("language"), ClonedVoice.language).where(of_organization, ClonedVoice.language.is_not(None)),
        )
    ).all()
    return VoiceChoices(
        providers=tuple(sorted(word for kind, word in found if kind == "provider")),
        languages=tuple(sorted(word for kind, word in found if kind == "language")),
    )


def list_voices(organization_id: int, filters: VoiceFilters, *, now: datetime) -> VoiceList:
    """One page of an organization's voices, and their counts by status under the other filters.

    Three statements, whatever the number of rows. Ties are broken by id, so
    that a voice never shows on two pages. A page past the end is empty.
    """
    narrowed = (ClonedVoice.organization_id == organization_id, *_conditions(filters, now))
    counts = _counts(narrowed)
    statuses = filters.statuses or tuple(VoiceStatus)
    found = db.session.execute(
        select(*VOICE_COLUMNS)
        .where(*narrowed, *_statuses(filters))
        .order_by(*_order(filters.order))
        .limit(filters.size)
        .offset((filters.page - 1) * filters.size)
    )
    rows = [voice_row(row) for row in found]
    total = sum(counts[status] for status in statuses)
    return VoiceList(Page(rows, total, filters.page, filters.size), counts, _users(organization_id, rows))


def get_voice(voice_id: int) -> VoiceDetail:
    """One voice with the assistants that can use it, in three statements. Raises VoiceNotFound."""
    row = db.session.execute(
        select(*VOICE_COLUMNS, *ORGANIZATION_COLUMNS)
        .join_from(ClonedVoice, Organization)
        .where(ClonedVoice.id == voice_id)
    ).one_or_none()
    if row is None:
        raise VoiceNotFound(f"Cloned voice with ID {voice_id} not found")
    voice, organization = voice_row(row), organization_row(tuple(row[len(VOICE_COLUMNS) :]))
    of_organization = Assistant.organization_id == organization.id
    is_set = and_(
        Assistant.tts_provider == voice.provider,
        Assistant.tts_voice_id == voice.provider_voice_id,
        Assistant.tts_voice_id != "",
    )
    assistants = db.session.execute(
        select_assistants()
        .where(of_organization)
        .order_by(case((is_set, 0), else_=1), Assistant.name_key, Assistant.id)
        .limit(ASSISTANTS_SHOWN)
    )
    set_by = db.session.scalar(select(func.count()).select_from(Assistant).where(of_organization, is_set))
    return VoiceDetail(voice, organization, [assistant_row(row) for row in assistants], set_by or 0)


def voices_answer(organization_id: int, query: VoiceQuery) -> bytes:
    """The body of the JSON route: all voices that match, by id, in one statement."""
    statement = select(*VOICE_COLUMNS).where(ClonedVoice.organization_id == organization_id)
    if query.status is not None:
        statement = statement.where(ClonedVoice.status == query.status)
    if query.provider is not None:
        statement = statement.where(ClonedVoice.provider == query.provider)
    if query.limit is not None or query.skip:
        statement = statement.limit(query.limit if query.limit is not None else MAX_ID).offset(query.skip)
    return as_answer(voice_row(row) for row in db.session.execute(statement.order_by(ClonedVoice.id)))


def voice_record(voice: VoiceRow) -> dict[str, Any]:
    """One voice as the JSON route lists it."""
    return write_record(voice)


def voices_file(organization_id: int, format: ExportFormat) -> Iterator[str]:
    """All voices of an organization as a file, by id, in pieces and out of one snapshot."""
    rows = db.session.execute(
        select(*VOICE_COLUMNS).where(ClonedVoice.organization_id == organization_id).order_by(ClonedVoice.id),
        execution_options={"yield_per": 1000},
    )
    return as_file((voice_row(row) for row in rows), format)


def _conditions(filters: VoiceFilters, now: datetime) -> Iterator[ColumnElement[bool]]:
    """One clause per filter in use, the status apart: the tabs count under all filters but that one."""
    if filters.text:
        yield ClonedVoice.search_key.contains(folded(filters.text), autoescape=True)
    if filters.providers:
        yield ClonedVoice.provider.in_(filters.providers)
    if filters.tiers:
        yield or_(*(_in_tier(tier) for tier in filters.tiers))
    if filters.uses:
        yield or_(*(_in_use(use, now) for use in filters.uses))
    if filters.languages:
        yield ClonedVoice.language.in_(filters.languages)


def _statuses(filters: VoiceFilters) -> Iterator[ColumnElement[bool]]:
    if filters.statuses:
        yield ClonedVoice.status.in_(filters.statuses)


def _in_tier(tier: QualityTier | None) -> ColumnElement[bool]:
    score = ClonedVoice.quality_score
    if tier is None:
        return score.is_(null())
    return score >= tier.low if tier.high is None else and_(score >= tier.low, score < tier.high)


def _in_use(use: VoiceUse, now: datetime) -> ColumnElement[bool]:
    if use.idle is None:
        return and_(ClonedVoice.last_used_at.is_(null()), ClonedVoice.synthesis_count == 0)
    return func.coalesce(ClonedVoice.last_used_at, ClonedVoice.created_at) <= now - use.idle


def _order(order: VoiceOrder) -> Sequence[Any]:
    column = COLUMNS[order.column]
    direction = column.desc() if order.descending else column.asc()
    nulls_last = [column.is_(null())] if column.nullable else []
    return [*nulls_last, direction, ClonedVoice.id]


def _counts(conditions: Sequence[ColumnElement[bool]]) -> StatusCounts:
    found: Any = db.session.execute(
        select(ClonedVoice.status, func.count()).where(*conditions).group_by(ClonedVoice.status)
    )
    return dict.fromkeys(VoiceStatus, 0) | dict(found.all())


def _users(organization_id: int, rows: Sequence[VoiceRow]) -> dict[int, int]:
    """How many assistants are set to each of these voices, by the voice's id."""
    places = {(row.provider, row.provider_voice_id) for row in rows if row.provider_voice_id}
    if not places:
        return {}
    found: Any = db.session.execute(
        select(Assistant.tts_provider, Assistant.tts_voice_id, func.count())
        .where(
            Assistant.organization_id == organization_id,
            Assistant.tts_voice_id.in_(sorted({voice_id for _, voice_id in places})),
        )
        .group_by(Assistant.tts_provider, Assistant.tts_voice_id)
    )
    users = {(provider, voice_id): count for provider, voice_id, count in found}
    places_of = ((row.id, (row.provider, row.provider_voice_id)) for row in rows)
    return {id: users[place] for id, place in places_of if place in users}
