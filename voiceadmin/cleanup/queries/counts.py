"""Count the candidates of a scope and the voices that are excluded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from voiceadmin.cleanup.queries.conditions import (
    CLEAN_UP_RULES,
    IN_DUPLICATE_REFERENCES,
    MISSING_VOICES,
    in_scope,
    is_candidate,
)
from voiceadmin.cleanup.types.candidates import (
    ARCHIVED,
    ARCHIVED_WITHOUT_SLOT,
    CandidateCount,
    CandidateCounts,
    ExclusionReason,
)
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.dialect import fetch_all, index_hint
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_parameters, scope_sql
from voiceadmin.totals.queries import (
    count_deleted_at_provider,
    deleted_at_provider_sql,
    never_used_sql,
    old_use_sql,
    sum_totals,
    too_new_sql,
)
from voiceadmin.triage.rules.rule import rule_parameters
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.usage import IS_SET, NAMES

Key = tuple[str, str]  # provider, kind
Counts = Counter[Key]

# Without the hint, SQLite would read all ready voices of an organization and provider.
REFERENCE_INDEX = "ix_cloned_voice_organization_id_provider_provider_voice_id"

# Exclusions of voices that a rule finds, strongest first: a voice counts under the first that applies.
EXCLUSIONS_OF_FINDINGS = (
    ExclusionReason.IN_USE,
    ExclusionReason.NAMED,
    ExclusionReason.SHARED_REFERENCE,
    ExclusionReason.MISSING,
    ExclusionReason.MUTED,
)


def count_candidates(scope: Scope, thresholds: AttentionThresholds, *, now: datetime) -> CandidateCounts:
    """Count every voice of a scope once, by provider and kind.

    Starts from the totals and moves voices between kinds, so that only voices that are excluded are read.
    """
    parameters = rule_parameters(thresholds, now) | scope_parameters(scope)
    counts = _count_by_totals(scope)
    _move_findings(counts, scope, thresholds, parameters)
    _move_excluded(counts, scope, thresholds, parameters)
    without_slot = _count_without_slot(scope, thresholds, parameters)
    return CandidateCounts(
        [CandidateCount(*key, count, without_slot[key]) for key, count in sorted(counts.items()) if count]
    )


def _count_by_totals(scope: Scope) -> Counts:
    """Count by the status, by whether an archived voice uses a slot, and by whether and when a voice was used."""
    totals = sum_totals(scope, *VoiceStatus, "archived_without_id", "ready_dated", "ready_never_used")
    deleted = count_deleted_at_provider(scope)
    counts: Counts = Counter()
    for provider, total in totals.items():
        dated, never_used = total["ready_dated"], total["ready_never_used"]
        without_slot = total["archived_without_id"] + deleted[provider, VoiceStatus.ARCHIVED]
        counts[provider, ExclusionReason.PROCESSING] = total[VoiceStatus.PROCESSING]
        counts[provider, ExclusionReason.FAILED] = total[VoiceStatus.FAILED]
        counts[provider, ExclusionReason.RECENTLY_USED] = dated
        counts[provider, ExclusionReason.TOO_NEW] = never_used
        counts[provider, ExclusionReason.UNDATED] = total[VoiceStatus.READY] - dated - never_used
        counts[provider, ARCHIVED_WITHOUT_SLOT] = without_slot
        counts[provider, ARCHIVED] = total[VoiceStatus.ARCHIVED] - without_slot
    return counts


def _move_findings(counts: Counts, scope: Scope, thresholds: AttentionThresholds, parameters: dict[str, Any]) -> None:
    """Move voices that a rule finds, or that are too new for it, from the kind that the totals put them in."""
    unused, never_used = CLEAN_UP_RULES
    moves = (
        (old_use_sql(scope), ExclusionReason.RECENTLY_USED, unused.slug),
        (too_new_sql(scope, thresholds), unused.slug, ExclusionReason.TOO_NEW),
        (never_used_sql(scope), ExclusionReason.TOO_NEW, never_used.slug),
    )
    selects = (f"SELECT {index} AS move, part.* FROM ({select}) AS part" for index, (select, _, _) in enumerate(moves))
    for index, provider, count in fetch_all(" UNION ALL ".join(selects), parameters):
        _, source, destination = moves[index]
        _move(counts, provider, source, destination, int(count))


def _move_excluded(counts: Counts, scope: Scope, thresholds: AttentionThresholds, parameters: dict[str, Any]) -> None:
    """Move voices that a rule finds but that are excluded."""
    selects = " UNION ALL ".join(_select_excluded(scope, thresholds))
    rows = fetch_all(
        "SELECT provider, slug, rank, count(*) FROM"
        f" (SELECT provider, slug, min(rank) AS rank FROM ({selects}) AS excluded GROUP BY id, provider, slug)"
        " AS counted GROUP BY provider, slug, rank",
        parameters,
    )
    for provider, slug, rank, count in rows:
        _move(counts, provider, slug, EXCLUSIONS_OF_FINDINGS[rank], count)


def _select_excluded(scope: Scope, thresholds: AttentionThresholds) -> Iterator[str]:
    """Yield one SELECT per rule and cause of an exclusion. Each starts from the smaller table."""
    by_reference = f"cloned_voice AS voice{index_hint(REFERENCE_INDEX)}"
    used, named, *others = (str(rank) for rank, _ in enumerate(EXCLUSIONS_OF_FINDINGS))
    ranks = (f"CASE WHEN assistant.is_voice_spoken THEN {used} ELSE {named} END", named, *others)
    of_assistants = scope_sql(scope, "assistant.organization_id")
    for rule in CLEAN_UP_RULES:
        sources = (
            f"assistant CROSS JOIN {by_reference} WHERE {IS_SET} AND {of_assistants}",
            (
                f"assistant_voice AS named CROSS JOIN assistant CROSS JOIN {by_reference} WHERE {NAMES}"
                f" AND {of_assistants}"
            ),
            (
                f"shared_provider_voice_ref AS shared CROSS JOIN {by_reference} WHERE {IN_DUPLICATE_REFERENCES}"
                f" AND {scope_sql(scope, 'shared.organization_id')}"
            ),
            MISSING_VOICES,
            f"mute CROSS JOIN cloned_voice AS voice WHERE {rule.is_mute_of_finding} AND {rule.is_mute_in_force}",
        )
        for rank, source in zip(ranks, sources, strict=True):
            yield (
                f"SELECT voice.id, voice.provider, '{rule.slug}' AS slug, {rank} AS rank"
                f" FROM {source} AND {rule.condition(thresholds)} AND {in_scope(scope)}"
            )


def _count_without_slot(scope: Scope, thresholds: AttentionThresholds, parameters: dict[str, Any]) -> Counts:
    """Count the candidates whose deletion frees nothing, by provider and reason."""
    rows = fetch_all(" UNION ALL ".join(_select_without_slot(scope, thresholds)), parameters)
    counts: Counts = Counter()
    for provider, slug, count in rows:
        counts[provider, slug] += count
    return counts


def _select_without_slot(scope: Scope, thresholds: AttentionThresholds) -> Iterator[str]:
    """Yield SELECTs per rule: candidates without an id at the provider, and those marked as deleted there."""
    sources = (
        (
            f"provider_totals AS totals CROSS JOIN cloned_voice AS voice{index_hint(REFERENCE_INDEX)}"
            " WHERE totals.without_id > totals.archived_without_id AND voice.organization_id = totals.organization_id"
            " AND voice.provider = totals.provider AND voice.provider_voice_id = ''"
            f" AND {scope_sql(scope, 'totals.organization_id')}"
        ),
        deleted_at_provider_sql(),
    )
    for rule in CLEAN_UP_RULES:
        for source in sources:
            yield (
                f"SELECT voice.provider, '{rule.slug}', count(*) FROM {source}"
                f" AND {is_candidate(rule, thresholds)} AND {in_scope(scope)} GROUP BY voice.provider"
            )


def _move(counts: Counts, provider: str, source: str, destination: str, count: int) -> None:
    counts[provider, source] -= count
    counts[provider, destination] += count
