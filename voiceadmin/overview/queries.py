"""Statistics of the overview page: voices by status and provider, most used, recently failed, last import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, cast, func, select, text

from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType
from voiceadmin.database.base import db
from voiceadmin.identity import Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.voices.models import ClonedVoice, VoiceStats
from voiceadmin.voices.queries import VOICE_COLUMNS, build_voice_row
from voiceadmin.voices.types.provider import provider_label
from voiceadmin.voices.types.rows import StatusCounts, VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

SHOWN = 5  # voices of each short list


LATELY = timedelta(days=7)  # for so long is a failure new


ARRIVALS = (AuditEventType.VOICES_IMPORTED.value, AuditEventType.SAMPLE_ADDED.value)


@dataclass(frozen=True, slots=True)
class OverviewStats:
    """counts: by status, of each provider by its name. most_used, failed: with the names of their organizations.

    failed: the newest of a week, with the time. arrived: when voices last came in, None if that is not known.
    """

    counts: Mapping[str, StatusCounts]
    most_used: Sequence[tuple[VoiceRow, str]]
    failed: Sequence[tuple[VoiceRow, str, datetime]]
    arrived: datetime | None

    @property
    def total(self) -> StatusCounts:
        """By status, of all providers."""
        return {status: sum(counts[status] for counts in self.counts.values()) for status in VoiceStatus}


def get_overview_stats(scope: Scope, *, now: datetime) -> OverviewStats:
    """Count and list it, in four statements.

    What is said of a status is a text, so that it is known to be that of an index of such voices alone.
    """
    counted = db.session.execute(
        select(VoiceStats.provider, VoiceStats.status, cast(func.sum(VoiceStats.voices), BigInteger))
        .where(restrict_to_scope(scope, VoiceStats.organization_id))
        .group_by(VoiceStats.provider, VoiceStats.status)
    ).all()
    counts: dict[str, dict[VoiceStatus, int]] = {
        provider: dict.fromkeys(VoiceStatus, 0)
        for provider in sorted({row[0] for row in counted}, key=lambda word: provider_label(word).casefold())
    }
    for provider, status, number in counted:
        counts[provider][VoiceStatus(status)] = number
    used = db.session.execute(
        _voices(scope)
        .where(text("status = 'ready' AND synthesis_count > 0"))
        .order_by(ClonedVoice.synthesis_count.desc(), ClonedVoice.id)
        .limit(SHOWN)
    ).all()
    failed = db.session.execute(
        _voices(scope)
        .where(text("status = 'failed'"), ClonedVoice.status_changed_at >= now - LATELY)
        .order_by(ClonedVoice.status_changed_at.desc(), ClonedVoice.id.desc())
        .limit(SHOWN)
    ).all()
    arrived = db.session.scalar(
        select(AuditEvent.at)
        .where(AuditEvent.event_type.in_(ARRIVALS), _arrived_in(scope))
        .order_by(AuditEvent.id.desc())
        .limit(1)
    )
    return OverviewStats(
        counts,
        [(build_voice_row(row), row.organization_name) for row in used],
        [(build_voice_row(row), row.organization_name, row.status_changed_at) for row in failed],
        arrived,
    )


def _voices(scope: Scope) -> Any:
    return (
        select(*VOICE_COLUMNS, Organization.name.label("organization_name"), ClonedVoice.status_changed_at)
        .join_from(ClonedVoice, Organization, Organization.id == ClonedVoice.organization_id)
        .where(restrict_to_scope(scope, ClonedVoice.organization_id))
    )


def _arrived_in(scope: Scope) -> Any:
    """Sample data is of no organization in the audit trail, and of all in the store."""
    return restrict_to_scope(scope, AuditEvent.organization_id) | (
        AuditEvent.event_type == AuditEventType.SAMPLE_ADDED.value
    )
