"""The voices at each provider in figures: by status and quality, their use, failures and slots."""

from __future__ import annotations

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

LATELY = timedelta(days=30)


_TIERS: dict[int, QualityTier | None] = {0: None} | {tier.signal_level: tier for tier in QualityTier}


def list_provider_stats(scope: Scope, *, now: datetime) -> list[ProviderStats]:
    """Every provider that has voices in the scope, by its name.

    Each statement adds up neighbours in an index, and an outer one the little that comes of it: half the time of
    adding up all at once.
    """
    voices = f"cloned_voice{{}} WHERE {scope_sql(scope, 'organization_id')}"
    of_kinds = _run(
        "SELECT provider, status, tier, sum(voices) FROM voice_stats"
        f" WHERE {scope_sql(scope, 'organization_id')} GROUP BY provider, status, tier",
        scope,
    )
    # In two halves, because a few absurd counts would be more than a number of the database can be.
    uses = _run(
        "SELECT provider, sum(high), sum(low), max(latest) FROM (SELECT provider, sum(synthesis_count >> 32) AS high,"
        " sum(synthesis_count & 4294967295) AS low, max(CASE has_last_used_at WHEN 1 THEN last_activity_at END) AS latest"
        f" FROM {voices.format(index_hint('ix_voice_by_syntheses'))} GROUP BY organization_id, status, provider)"
        " AS stretch GROUP BY provider",
        scope,
    )
    by_creation = voices.format(index_hint("ix_voice_by_created")) + " AND created_at >= :since"
    made = _run(
        "SELECT provider, sum(number), sum(CASE status WHEN 'failed' THEN number ELSE 0 END) FROM"
        f" (SELECT provider, status, count(*) AS number FROM {by_creation}"
        " GROUP BY organization_id, status, provider) AS stretch GROUP BY provider UNION ALL"
        f" SELECT provider, 0, count(*) FROM {by_creation} AND status = 'archived' AND upstream_status = 'failed'"
        " GROUP BY provider",
        scope,
        since=now - LATELY,
    )
    nowhere = _run(
        "SELECT voice.provider, voice.status, count(*) FROM"
        f" (SELECT DISTINCT organization_id, provider FROM voice_stats WHERE {scope_sql(scope, 'organization_id')}) AS kind"
        f" CROSS JOIN cloned_voice AS voice{index_hint('ix_cloned_voice_organization_id_provider_provider_voice_id')}"
        " WHERE voice.organization_id = kind.organization_id AND voice.provider = kind.provider"
        " AND voice.provider_voice_id = '' GROUP BY voice.provider, voice.status",
        scope,
    )
    return sorted(_figures(of_kinds, uses, made, nowhere), key=lambda one: provider_label(one.provider).casefold())


Rows = Sequence[Any]


def _figures(of_kinds: Rows, uses: Rows, made: Rows, nowhere: Rows) -> Iterator[ProviderStats]:
    used = {provider: (int(high) * 2**32 + int(low), parse_timestamp(latest)) for provider, high, low, latest in uses}
    for provider in {row[0] for row in of_kinds}:
        counts = dict.fromkeys(VoiceStatus, 0)
        tiers = dict.fromkeys(_TIERS.values(), 0)
        for _, status, tier, number in _of(provider, of_kinds):
            counts[VoiceStatus(status)] += int(number)
            tiers[_TIERS[tier]] += int(number)
        away = {status: number for _, status, number in _of(provider, nowhere)}
        lately = _of(provider, made)
        yield ProviderStats(
            provider,
            counts,
            tiers,
            *used[provider],
            made=sum(int(number) for _, number, _ in lately),
            failed=sum(int(failed) for *_, failed in lately),
            placed=sum(counts.values()) - sum(away.values()),
            placed_archived=counts[VoiceStatus.ARCHIVED] - away.get(VoiceStatus.ARCHIVED, 0),
        )


def _of(provider: str, rows: Rows) -> Rows:
    return [row for row in rows if row[0] == provider]


def providers_file(
    figures: Iterable[ProviderStats], slots: Mapping[str, int], counted_at: datetime, format: ExportFormat
) -> Iterator[str]:
    """The figures as the text of a file. slots: how many voices a provider keeps, where that is known."""
    at = counted_at.isoformat(timespec="seconds").replace("+00:00", "Z")
    records = [_record(one) | {"slots": slots.get(one.provider), "counted_at": at} for one in figures]
    return format_records(FIELDS, records, format)


FIELDS = (
    *("provider", "voices", *STATUS_DISPLAY_ORDER, *QualityTier, "not_scored", "scored", "syntheses", "last_used_at"),
    *("made_in_30_days", "failed_of_those", "slots_used", "slots_used_by_archived", "slots", "counted_at"),
)


def _record(one: ProviderStats) -> dict[str, Any]:
    return {
        "provider": one.provider,
        "voices": one.voices,
        **{status.value: one.counts[status] for status in STATUS_DISPLAY_ORDER},
        **{tier.value: one.tiers[tier] for tier in QualityTier},
        "not_scored": one.tiers[None],
        "scored": one.scored,
        "syntheses": one.syntheses,
        "last_used_at": one.last_used_at and format_iso8601(one.last_used_at),
        "made_in_30_days": one.made,
        "failed_of_those": one.failed,
        "slots_used": one.placed,
        "slots_used_by_archived": one.placed_archived,
    }


def _run(statement: str, scope: Scope, **parameters: Any) -> Rows:
    return fetch_all(statement, parameters | scope_parameters(scope))
