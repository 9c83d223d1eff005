"""Statistics of the voices at each provider: status, quality, usage, failures and slots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from voiceadmin.database.dialect import fetch_all, index_hint
from voiceadmin.database.types import parse_timestamp
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_parameters, scope_sql
from voiceadmin.providers.types import ProviderStats
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import format_iso8601
from voiceadmin.voices.types.provider import provider_label
from voiceadmin.voices.types.quality import QualityTier
from voiceadmin.voices.types.status import STATUS_DISPLAY_ORDER, VoiceStatus

RECENT = timedelta(days=30)

_TIERS: dict[int, QualityTier | None] = {0: None} | {tier.signal_level: tier for tier in QualityTier}

Rows = Sequence[Any]


def list_provider_stats(scope: Scope, *, now: datetime) -> list[ProviderStats]:
    """Return the statistics of every provider that has voices in the scope, by name. Executes five statements.

    The statements that read voices group by the leading columns of an index first, and sum the few groups in an
    outer query. That takes half the time of one GROUP BY provider.
    """
    counts = _select_counts(scope)
    usage = {provider: (syntheses, last_used_at) for provider, syntheses, last_used_at in _select_usage(scope)}
    recent = _select_recent(scope, since=now - RECENT)
    without_slot = [*_select_without_slot(scope), *_select_deleted(scope)]
    stats = [
        _build_stats(
            provider,
            _of_provider(provider, counts),
            usage[provider],
            _of_provider(provider, recent),
            _of_provider(provider, without_slot),
        )
        for provider in {row[0] for row in counts}
    ]
    return sorted(stats, key=lambda provider: provider_label(provider.provider).casefold())


def _select_counts(scope: Scope) -> Rows:
    """Return rows of provider, status, tier and number of voices."""
    return _fetch(
        "SELECT provider, status, tier, sum(voices) FROM voice_stats"
        f" WHERE {_in_scope(scope)} GROUP BY provider, status, tier",
        scope,
    )


def _select_usage(scope: Scope) -> Iterator[tuple[str, int, datetime | None]]:
    """Yield provider, number of syntheses and time of the last use."""
    # The counts are summed in two halves of 32 bits: the sum of large counts could exceed 64 bits.
    rows = _fetch(
        "SELECT provider, sum(high), sum(low), max(latest) FROM ("
        "SELECT provider, sum(synthesis_count >> 32) AS high, sum(synthesis_count & 4294967295) AS low,"
        " max(CASE has_last_used_at WHEN 1 THEN last_activity_at END) AS latest"
        f" FROM cloned_voice{index_hint('ix_voice_by_syntheses')} WHERE {_in_scope(scope)}"
        " GROUP BY organization_id, status, provider) AS partition_usage GROUP BY provider",
        scope,
    )
    for provider, high, low, latest in rows:
        yield provider, int(high) * 2**32 + int(low), parse_timestamp(latest)


def _select_recent(scope: Scope, *, since: datetime) -> Rows:
    """Return rows of provider, created voices and failed voices. A provider may have two rows."""
    created = f"cloned_voice{index_hint('ix_voice_by_created')} WHERE {_in_scope(scope)} AND created_at >= :since"
    return _fetch(
        "SELECT provider, sum(voices), sum(CASE status WHEN 'failed' THEN voices ELSE 0 END) FROM"
        f" (SELECT provider, status, count(*) AS voices FROM {created}"
        " GROUP BY organization_id, status, provider) AS partition_count GROUP BY provider UNION ALL"
        f" SELECT provider, 0, count(*) FROM {created} AND status = 'archived' AND upstream_status = 'failed'"
        " GROUP BY provider",
        scope,
        since=since,
    )


def _select_deleted(scope: Scope) -> Rows:
    """Return rows of provider, status and number of the voices that are marked as deleted at the provider."""
    return _fetch(
        "SELECT voice.provider, voice.status, count(*) FROM provider_deletion AS deletion"
        " JOIN cloned_voice AS voice ON voice.id = deletion.voice_id AND voice.provider = deletion.provider"
        " AND voice.provider_voice_id = deletion.provider_voice_id"
        f" WHERE {scope_sql(scope, 'voice.organization_id')} GROUP BY voice.provider, voice.status",
        scope,
    )


def _select_without_slot(scope: Scope) -> Rows:
    """Return rows of provider, status and number of the voices that have no id at the provider."""
    return _fetch(
        "SELECT voice.provider, voice.status, count(*) FROM"
        f" (SELECT DISTINCT organization_id, provider FROM voice_stats WHERE {_in_scope(scope)}) AS pair"
        f" CROSS JOIN cloned_voice AS voice{index_hint('ix_cloned_voice_organization_id_provider_provider_voice_id')}"
        " WHERE voice.organization_id = pair.organization_id AND voice.provider = pair.provider"
        " AND voice.provider_voice_id = '' GROUP BY voice.provider, voice.status",
        scope,
    )


def _in_scope(scope: Scope) -> str:
    return scope_sql(scope, "organization_id")


def _fetch(statement: str, scope: Scope, **parameters: Any) -> Rows:
    return fetch_all(statement, scope_parameters(scope) | parameters)


def _of_provider(provider: str, rows: Rows) -> Rows:
    """Return the rows of one provider, without that column."""
    return [row[1:] for row in rows if row[0] == provider]


def _build_stats(
    provider: str, counts: Rows, usage: tuple[int, datetime | None], recent: Rows, without_slot: Rows
) -> ProviderStats:
    status_counts = dict.fromkeys(VoiceStatus, 0)
    tier_counts = dict.fromkeys(_TIERS.values(), 0)
    for status, tier, count in counts:
        status_counts[VoiceStatus(status)] += int(count)
        tier_counts[_TIERS[tier]] += int(count)
    missing = Counter[VoiceStatus]()
    for status, count in without_slot:
        missing[VoiceStatus(status)] += count
    return ProviderStats(
        provider,
        status_counts,
        tier_counts,
        syntheses=usage[0],
        last_used_at=usage[1],
        created_recently=sum(int(created) for created, _ in recent),
        failed_recently=sum(int(failed) for _, failed in recent),
        used_slots=sum(status_counts.values()) - sum(missing.values()),
        archived_slots=status_counts[VoiceStatus.ARCHIVED] - missing[VoiceStatus.ARCHIVED],
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
