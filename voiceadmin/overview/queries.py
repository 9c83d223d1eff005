"""Statistics of the overview page: voices by status and provider, most used, recently failed, last import, sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text

from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.identity import Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.overview.types import ListedSource, ListedSources, ListedVoice, OverviewStats
from voiceadmin.sources.models import Source
from voiceadmin.sources.queries import is_visible
from voiceadmin.sources.types import SourceKind
from voiceadmin.totals.queries import sum_totals
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import VOICE_COLUMNS, build_voice_row
from voiceadmin.voices.types.provider import provider_label
from voiceadmin.voices.types.rows import StatusCounts
from voiceadmin.voices.types.status import VoiceStatus

SOURCES_LENGTH = 8  # sources, those to look at first
LIST_LENGTH = 5  # voices of each short list; more would not fit on one screen
RECENT = timedelta(days=7)
IMPORT_EVENTS = (AuditEventType.VOICES_IMPORTED.value, AuditEventType.SAMPLE_ADDED.value)


def get_overview_stats(scope: Scope, *, now: datetime) -> OverviewStats:
    """Return the statistics of a scope. Executes five statements."""
    return OverviewStats(
        _count_by_provider(scope),
        _list_most_used(scope),
        _list_recently_failed(scope, since=now - RECENT),
        _find_last_import(scope),
        _list_sources(scope),
    )


def _count_by_provider(scope: Scope) -> Mapping[str, StatusCounts]:
    counts = sum_totals(scope, *(status.value for status in VoiceStatus))
    providers = sorted(counts, key=lambda provider: provider_label(provider).casefold())
    return {provider: {status: counts[provider][status] for status in VoiceStatus} for provider in providers}


# The status is a literal in the SQL of the next two: with a bound parameter, the database would not use the partial
# indexes on ready and on failed voices.


def _list_most_used(scope: Scope) -> Sequence[ListedVoice]:
    return _fetch(
        _select_voices(scope)
        .where(text("status = 'ready' AND synthesis_count > 0"))
        .order_by(ClonedVoice.synthesis_count.desc(), ClonedVoice.id)
    )


def _list_recently_failed(scope: Scope, *, since: datetime) -> Sequence[ListedVoice]:
    return _fetch(
        _select_voices(scope)
        .where(text("status = 'failed'"), ClonedVoice.status_changed_at >= since)
        .order_by(ClonedVoice.status_changed_at.desc(), ClonedVoice.id.desc())
    )


def _select_voices(scope: Scope) -> Select[Any]:
    return (
        select(*VOICE_COLUMNS, Organization.name.label("organization_name"), ClonedVoice.status_changed_at)
        .join_from(ClonedVoice, Organization, Organization.id == ClonedVoice.organization_id)
        .where(restrict_to_scope(scope, ClonedVoice.organization_id))
        .limit(LIST_LENGTH)
    )


def _fetch(statement: Select[Any]) -> Sequence[ListedVoice]:
    rows = db.session.execute(statement)
    return [ListedVoice(build_voice_row(row), row.organization_name, row.status_changed_at) for row in rows]


def _find_last_import(scope: Scope) -> datetime | None:
    return db.session.scalar(
        select(AuditEvent.at)
        .where(AuditEvent.event_type.in_(IMPORT_EVENTS), _concerns(scope))
        .order_by(AuditEvent.id.desc())
        .limit(1)
    )


def _concerns(scope: Scope) -> ColumnElement[bool]:
    """Return the condition for events of the scope. Adding the sample is an event of every scope."""
    is_sample = AuditEvent.event_type == AuditEventType.SAMPLE_ADDED.value
    return restrict_to_scope(scope, AuditEvent.organization_id) | is_sample


def _list_sources(scope: Scope) -> ListedSources:
    """Return the sources of a scope: those that fail, then those that were read longest ago, disabled ones last."""
    columns = (getattr(Source, name) for name in ListedSource._fields if name != "organization_name")
    statement = (
        select(*columns, Organization.name.label("organization_name"), func.count().over().label("total"))
        .outerjoin(Organization, Organization.id == Source.organization_id)
        .where(is_visible(scope))
        .order_by(
            Source.disabled_at.is_not(None),
            Source.account_changed_at.is_(None) & Source.failing_since.is_(None),
            Source.read_at.asc().nulls_first(),
            Source.id,
        )
        .limit(SOURCES_LENGTH)
    )
    rows = db.session.execute(statement).all()
    return ListedSources([_build_source(row) for row in rows], rows[0].total if rows else 0)


def _build_source(row: Any) -> ListedSource:
    values = {name: getattr(row, name) for name in ListedSource._fields}
    return ListedSource(**values | {"kind": SourceKind(row.kind)})
