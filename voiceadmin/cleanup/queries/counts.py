"""Count the candidates of a scope and the voices that are excluded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from voiceadmin.cleanup.queries.conditions import (
    CLEAN_UP_RULES,
    IN_SHARED_REFERENCES,
    SHARES_REFERENCE,
    USED_BY_ASSISTANT,
    in_scope,
)
from voiceadmin.cleanup.types.candidates import (
    ARCHIVED_HERE,
    ARCHIVED_UPSTREAM,
    CandidateCount,
    CandidateCounts,
    ExclusionReason,
)
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.dialect import fetch_all, index_hint
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_parameters
from voiceadmin.triage.queries.conditions import source_sql
from voiceadmin.triage.rules.rule import Rule, rule_parameters
from voiceadmin.voices.queries import is_small_scope
from voiceadmin.voices.types.status import VoiceStatus

Key = tuple[int, str, str]  # organization, provider, kind
Counts = Counter[Key]

# Exclusions of voices that a rule finds, strongest first: a voice counts under the first that applies.
EXCLUSIONS_OF_FINDINGS = (ExclusionReason.IN_USE, ExclusionReason.SHARED_REFERENCE, ExclusionReason.MUTED)
TOO_NEW = "voice.status = 'ready' AND voice.last_used_at <= :unused_before AND voice.created_at > :young_after"


def count_candidates(scope: Scope, thresholds: AttentionThresholds, *, now: datetime) -> CandidateCounts:
    """Count every voice of a scope once, by organization, provider and kind.

    Starts from the trigger-maintained counts and moves voices between kinds, so that only voices that a rule finds
    are read.
    """
    parameters = rule_parameters(thresholds, now) | scope_parameters(scope)
    counts, is_small = _count_by_stats(scope), is_small_scope(scope)
    _move_findings(counts, scope, thresholds, parameters, is_small=is_small)
    _move_archived_here(counts, scope, parameters, is_small=is_small)
    _move_excluded(counts, scope, thresholds, parameters)
    return CandidateCounts(now, [CandidateCount(*key, count) for key, count in sorted(counts.items()) if count])


def _count_by_stats(scope: Scope) -> Counts:
    """Count by the columns of voice_stats: the status, and whether and when a voice was used."""
    counts: Counts = Counter()
    # Grouped in the order of the primary key, so that the database need not sort.
    rows = fetch_all(
        "SELECT organization_id, status, provider, sum(voices), sum(voices * has_last_used_at),"
        " sum(voices * is_never_used)"
        f" FROM voice_stats AS voice WHERE {in_scope(scope)} GROUP BY organization_id, status, provider",
        scope_parameters(scope),
    )
    for organization, status, provider, voices, dated, never_used in rows:
        if status == VoiceStatus.READY:
            counts[organization, provider, ExclusionReason.RECENTLY_USED] += int(dated)
            counts[organization, provider, ExclusionReason.TOO_NEW] += int(never_used)
            counts[organization, provider, ExclusionReason.UNDATED] += int(voices - dated - never_used)
        else:
            kind = ARCHIVED_UPSTREAM if status == VoiceStatus.ARCHIVED else status
            counts[organization, provider, kind] += int(voices)
    return counts


def _move_findings(
    counts: Counts, scope: Scope, thresholds: AttentionThresholds, parameters: dict[str, Any], *, is_small: bool
) -> None:
    """Move voices that a rule finds, or that are too new for it, from the kind that voice_stats puts them in."""
    unused, never_used = CLEAN_UP_RULES
    moves: tuple[tuple[Rule, str, str, str], ...] = (
        (unused, unused.condition(thresholds), ExclusionReason.RECENTLY_USED, unused.slug),
        (unused, TOO_NEW, ExclusionReason.RECENTLY_USED, ExclusionReason.TOO_NEW),
        (never_used, never_used.condition(thresholds), ExclusionReason.TOO_NEW, never_used.slug),
    )
    for rule, condition, source, destination in moves:
        rows = fetch_all(
            "SELECT voice.organization_id, voice.provider, count(*)"
            f" FROM {source_sql(rule, is_small=is_small)}"
            f" WHERE {condition} AND {in_scope(scope)} GROUP BY 1, 2",
            parameters,
        )
        for organization, provider, count in rows:
            _move(counts, (organization, provider), source, destination, count)


def _move_archived_here(counts: Counts, scope: Scope, parameters: dict[str, Any], *, is_small: bool) -> None:
    """Move voices archived here from those archived upstream: voice_stats contains only the status."""
    table = "cloned_voice AS voice" + ("" if is_small else index_hint("ix_queue_archived"))
    rows = fetch_all(
        f"SELECT voice.organization_id, voice.provider, count(*) FROM {table}"
        f" WHERE voice.archived_at IS NOT NULL AND {in_scope(scope)} GROUP BY 1, 2",
        parameters,
    )
    for organization, provider, count in rows:
        _move(counts, (organization, provider), ARCHIVED_UPSTREAM, ARCHIVED_HERE, count)


def _move_excluded(counts: Counts, scope: Scope, thresholds: AttentionThresholds, parameters: dict[str, Any]) -> None:
    """Move voices that a rule finds but that are excluded."""
    selects = " UNION ALL ".join(_select_excluded(scope, thresholds))
    rows = fetch_all(
        "SELECT organization_id, provider, slug, rank, count(*) FROM"
        " (SELECT organization_id, provider, slug, min(rank) AS rank FROM"
        f" ({selects}) AS excluded GROUP BY id, organization_id, provider, slug) AS counted"
        " GROUP BY 1, 2, 3, 4",
        parameters,
    )
    for organization, provider, slug, rank, count in rows:
        _move(counts, (organization, provider), slug, EXCLUSIONS_OF_FINDINGS[rank], count)


def _select_excluded(scope: Scope, thresholds: AttentionThresholds) -> Iterator[str]:
    """Yield one SELECT per rule and exclusion. Each starts from the smaller table: assistants, shared ids, mutes."""
    for rule in CLEAN_UP_RULES:
        sources = (
            f"assistant CROSS JOIN cloned_voice AS voice WHERE {USED_BY_ASSISTANT}",
            (
                "shared_provider_voice_ref AS reference CROSS JOIN cloned_voice AS voice"
                f" WHERE {IN_SHARED_REFERENCES} AND {SHARES_REFERENCE}"
            ),
            f"mute CROSS JOIN cloned_voice AS voice WHERE {rule.is_mute_of_finding} AND {rule.is_mute_in_force}",
        )
        for rank, source in enumerate(sources):
            yield (
                f"SELECT voice.id, voice.organization_id, voice.provider, '{rule.slug}' AS slug, {rank} AS rank"
                f" FROM {source} AND {rule.condition(thresholds)} AND {in_scope(scope)}"
            )


def _move(counts: Counts, place: tuple[int, str], source: str, destination: str, count: int) -> None:
    counts[*place, source] -= count
    counts[*place, destination] += count
