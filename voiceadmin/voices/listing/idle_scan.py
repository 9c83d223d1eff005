"""Voices that match a condition on the time, from the index of last uses."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from voiceadmin.database.dialect import fetch_rows, index_hint
from voiceadmin.voices.listing.compiled_filters import CompiledFilters
from voiceadmin.voices.listing.groups import VoiceGroup
from voiceadmin.voices.types.status import VoiceStatus


class StatusTotals(NamedTuple):
    """Number of voices by status.

    Attributes:
        totals: Every status is a key.
        inexact_statuses: The statuses whose total is a lower bound, because counting stopped at a limit.
    """

    totals: dict[VoiceStatus, int]
    inexact_statuses: frozenset[VoiceStatus]


def count_idle_voices(compiled: CompiledFilters, groups: Collection[VoiceGroup], *, limit: int) -> StatusTotals:
    """Count voices by status whose condition depends on the time, reading at most `limit` index entries per status."""
    totals, inexact, selects = dict.fromkeys(VoiceStatus, 0), set[VoiceStatus](), []
    parameters = dict(compiled.parameters)
    for status in {group.status for group in groups}:
        idle, names = build_idle_select(compiled, [group for group in groups if group.status is status], status)
        parameters |= names
        selects.append(
            f"SELECT '{status.value}' AS status, count(*), CAST(sum(CASE WHEN {compiled.condition} THEN 1 ELSE 0 END)"
            f" AS BIGINT) FROM (SELECT * FROM ({idle}) AS idle LIMIT {limit + 1}) AS idle"
        )
    if not selects:
        return StatusTotals(totals, frozenset())
    for value, entries, matching in fetch_rows(" UNION ALL ".join(selects), parameters):
        totals[VoiceStatus(value)] = min(matching or 0, limit)
        if entries > limit:
            inexact.add(VoiceStatus(value))
    return StatusTotals(totals, frozenset(inexact))


def build_idle_select(
    compiled: CompiledFilters, groups: Collection[VoiceGroup], prefix: str = ""
) -> tuple[str, dict[str, Any]]:
    """Return SQL that selects all voices that can match a condition on the time, unordered, and its parameters.

    Args:
        compiled: Filters that depend on the time.
        groups: Where to look; with `has_last_used_at` separated.
        prefix: Makes the names of the parameters unique among several selects of one statement.
    """
    selects, parameters = [], dict[str, Any]()
    partitions = sorted({(group.status, group.provider, group.has_last_used_at) for group in groups})
    for index, (status, provider, has_last_used_at) in enumerate(partitions):
        includes_all = compiled.includes_never_used and not has_last_used_at
        in_time = "" if includes_all else " AND last_activity_at <= :idle_since"
        selects.append(
            "SELECT id, tier, language, is_never_used, last_activity_at"
            f" FROM cloned_voice{index_hint('ix_voice_by_last_used')} WHERE organization_id = :organization"
            f" AND status = :{prefix}status{index} AND provider = :{prefix}provider{index}"
            f" AND has_last_used_at = {has_last_used_at}{in_time}"
        )
        parameters |= {f"{prefix}status{index}": status.value, f"{prefix}provider{index}": provider}
    return " UNION ALL ".join(selects), parameters
