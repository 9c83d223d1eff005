"""Voice groups: the numbers of voices that triggers maintain in `voice_stats`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from voiceadmin.database.dialect import fetch_rows
from voiceadmin.voices.listing.compiled_filters import CompiledFilters
from voiceadmin.voices.types.status import VoiceStatus


class VoiceGroup(NamedTuple):
    """Voices of an organization that are alike in these fields.

    Attributes:
        has_last_used_at: 1 or 0; always 1 unless the list needs the distinction.
        is_scored: 1 or 0; always 1 unless the list needs the distinction.
        voice_count: Number of voices in the group.
        matching_count: Number of them that match the filters, apart from conditions on the time and text.
    """

    status: VoiceStatus
    provider: str
    has_last_used_at: int
    is_scored: int
    voice_count: int
    matching_count: int


def list_groups(compiled: CompiledFilters, section_field: str) -> Iterator[VoiceGroup]:
    """Yield the voice groups of an organization.

    Groups are separated by `has_last_used_at` and `is_scored` only where the list needs it: the fewer groups, the
    faster the database adds them up.
    """
    is_scored = "CASE tier WHEN 0 THEN 0 ELSE 1 END" if section_field == "is_scored" else "1"
    separates_last_used = section_field == "has_last_used_at" or compiled.depends_on_time
    has_last_used_at = "has_last_used_at" if separates_last_used else "1"
    condition = "" if compiled.depends_on_time else compiled.condition
    matching = f"CASE WHEN {condition} THEN voices ELSE 0 END" if condition else "voices"
    group_by = ["status", "provider"]
    group_by += ["3"] if has_last_used_at != "1" else []  # positions in the select list
    group_by += ["4"] if is_scored != "1" else []
    rows = fetch_rows(
        f"SELECT status, provider, {has_last_used_at} AS has_last_used_at, {is_scored} AS is_scored,"
        f" CAST(sum(voices) AS BIGINT), CAST(sum({matching}) AS BIGINT)"
        " FROM voice_stats WHERE organization_id = :organization"
        f" GROUP BY {', '.join(group_by)}",
        compiled.parameters,
    )
    for status, *fields in rows:
        yield VoiceGroup(VoiceStatus(status), *fields)


def sum_by_status(counts: Iterable[tuple[VoiceStatus, int]]) -> dict[VoiceStatus, int]:
    """Return the sum of the counts of each status, with every status as a key."""
    totals = dict.fromkeys(VoiceStatus, 0)
    for status, count in counts:
        totals[status] += count
    return totals
