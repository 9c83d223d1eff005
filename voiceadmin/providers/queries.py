"""Statistics of the voices at each provider: status, quality, usage, failures and slots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from voiceadmin.database.dialect import fetch_all, index_hint
from voiceadmin.database.totals import PROVIDER_TOTALS
from voiceadmin.database.types import parse_timestamp
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_parameters, scope_sql
from voiceadmin.providers.types import ProviderStats
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import format_iso8601
from voiceadmin.totals.queries import Deletions, count_deleted_at_provider, sum_totals
from voiceadmin.voices.types.provider import provider_label
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.status import STATUS_DISPLAY_ORDER, VoiceStatus

RECENT = timedelta(days=30)

Rows = Sequence[Any]


def list_provider_stats(scope: Scope, *, now: datetime) -> list[ProviderStats]:
    """Return the statistics of every provider that has voices in the scope, by name. Executes four statements."""
    totals = sum_totals(scope, *PROVIDER_TOTALS)
    last_uses, deleted = _select_last_uses(scope), count_deleted_at_provider(scope)
    recent = _select_recent(scope, since=first_recent_day(now))
    stats = [
        _build_stats(provider, total, last_uses.get(provider), recent.get(provider, (0, 0)), deleted)
        for provider, total in totals.items()
    ]
    return sorted(stats, key=lambda provider: provider_label(provider.provider).casefold())


def first_recent_day(now: datetime) -> datetime:
    """Return the beginning of the UTC day from which on a voice was created recently."""
    return (now - RECENT).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _select_last_uses(scope: Scope) -> dict[str, datetime | None]:
    """Return the time of the last use by provider."""
    rows = _fetch(
        f"SELECT provider, max(last_used_at) FROM provider_totals WHERE {_in_scope(scope)} GROUP BY provider", scope
    )
    return {provider: parse_timestamp(latest) for provider, latest in rows}


def _select_recent(scope: Scope, *, since: datetime) -> dict[str, tuple[int, int]]:
    """Return the number of voices created since the beginning of a day, and of the failed ones, by provider."""
    select = _recent_everywhere_sql() if scope.organizations is None else _recent_in_organizations_sql(scope)
    rows = _fetch(select, scope, since=since, first_day=since.date().isoformat())
    return {provider: (int(created), int(failed)) for provider, created, failed in rows}


def _recent_everywhere_sql() -> str:
    return (
        "SELECT provider, sum(created), sum(created_failed) FROM provider_day_totals"
        " WHERE day >= :first_day GROUP BY provider"
    )


def _recent_in_organizations_sql(scope: Scope) -> str:
    """Return SQL that reads the end of an ordered index for each organization, status and provider."""
    pairs = " UNION ALL ".join(
        f"SELECT organization_id, provider, '{status}' AS status FROM provider_totals"
        f" WHERE {status} > 0 AND {_in_scope(scope)}"
        for status in VoiceStatus
    )
    return (
        "SELECT voice.provider, count(*),"
        " sum(CASE WHEN 'failed' IN (voice.status, voice.upstream_status) THEN 1 ELSE 0 END)"
        f" FROM ({pairs}) AS pair CROSS JOIN cloned_voice AS voice{index_hint('ix_voice_by_created')}"
        " WHERE voice.organization_id = pair.organization_id AND voice.provider = pair.provider"
        " AND voice.status = pair.status AND voice.created_at >= :since GROUP BY voice.provider"
    )


def _in_scope(scope: Scope) -> str:
    return scope_sql(scope, "organization_id")


def _fetch(statement: str, scope: Scope, **parameters: Any) -> Rows:
    return fetch_all(statement, scope_parameters(scope) | parameters)


def _build_stats(
    provider: str, total: Mapping[str, int], last_used_at: datetime | None, recent: tuple[int, int], deleted: Deletions
) -> ProviderStats:
    freed = {status: deleted[provider, status] for status in VoiceStatus}
    status_counts = {status: total[status] for status in VoiceStatus}
    tier_counts: dict[QualityTier | None, int] = {tier: total[tier] for tier in QualityTier}
    return ProviderStats(
        provider,
        status_counts,
        tier_counts | {None: total["not_scored"]},
        syntheses=total["syntheses_high"] * 2**32 + total["syntheses_low"],
        last_used_at=last_used_at,
        created_recently=recent[0],
        failed_recently=recent[1],
        used_slots=sum(status_counts.values()) - total["without_id"] - sum(freed.values()),
        archived_slots=total["archived"] - total["archived_without_id"] - freed[VoiceStatus.ARCHIVED],
    )


FIELDS = (
    "provider",
    "voices",
    *STATUS_DISPLAY_ORDER,
    *QualityTier,
    "not_scored",
    "scored",
    "syntheses",
    "last_used_at",
    "created_in_30_days",
    "failed_of_created_in_30_days",
    "slots_used",
    "slots_used_by_archived",
    "slot_limit",
    "counted_at",
)


def providers_file(
    providers: Iterable[ProviderStats], slot_limits: Mapping[str, int], counted_at: datetime, format: ExportFormat
) -> Iterator[str]:
    """Yield the text of a file of provider statistics. slot_limits: by provider, where one is configured."""
    records = [
        _to_record(stats)
        | {
            "slot_limit": slot_limits.get(stats.provider),
            "counted_at": format_iso8601(counted_at.replace(microsecond=0)),
        }
        for stats in providers
    ]
    return format_records(FIELDS, records, format)


def _to_record(stats: ProviderStats) -> dict[str, Any]:
    return {
        "provider": stats.provider,
        "voices": stats.voice_count,
        **{status.value: stats.status_counts[status] for status in STATUS_DISPLAY_ORDER},
        **{tier.value: stats.tier_counts[tier] for tier in QualityTier},
        "not_scored": stats.tier_counts[None],
        "scored": stats.scored_count,
        "syntheses": stats.syntheses,
        "last_used_at": stats.last_used_at and format_iso8601(stats.last_used_at),
        "created_in_30_days": stats.created_recently,
        "failed_of_created_in_30_days": stats.failed_recently,
        "slots_used": stats.used_slots,
        "slots_used_by_archived": stats.archived_slots,
    }
