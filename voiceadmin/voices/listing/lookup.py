"""Look up the voices of a list by id, where few can match, and sort them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from voiceadmin.database.dialect import build_ids_condition, fetch_rows, index_hint
from voiceadmin.voices.listing.compiled_filters import CompiledFilters, build_in_list
from voiceadmin.voices.listing.groups import VoiceGroup
from voiceadmin.voices.listing.idle_scan import build_idle_select
from voiceadmin.voices.listing.sort_plans import build_order_by
from voiceadmin.voices.listing.statements import SELECTED_COLUMNS, VoiceRows
from voiceadmin.voices.types.filters import VoiceFilters

# How many voices are looked up one by one, or counted per status, for one page: about 8 ms in SQLite.
LOOKUP_LIMIT = 5_000


# The cost of looking up a voice by id, in index entries that a scan reads in the same time. Measured in SQLite with
# 100,000 voices: 1.6 µs for a lookup, 0.14 µs for an entry.
LOOKUP_COST = 12


# The columns that any ORDER BY of SORT_PLANS needs.
ORDER_COLUMNS = (
    "status, provider, name_key, quality_score, synthesis_count, has_last_used_at, last_activity_at, created_at"
)


# {} selects ids. SQLite executes a cross join in the order in which it is written, so the ids drive the lookup.
LOOKUP_FROM = "FROM ({}) AS candidate CROSS JOIN cloned_voice AS voice WHERE voice.id = candidate.id"


def look_up_page(compiled: CompiledFilters, groups: Collection[VoiceGroup], filters: VoiceFilters) -> VoiceRows:
    """Return a page of voices by looking up all voices that match, for a list without a search text."""
    build_ids_select = _build_idle_ids_select if compiled.depends_on_time else _build_group_ids_select
    ids_select, parameters = build_ids_select(compiled, groups)
    order = f"ORDER BY {build_order_by(filters)}"
    page = {"limit": filters.size, "offset": filters.offset}
    return fetch_rows(
        f"SELECT {SELECTED_COLUMNS} FROM (SELECT voice.id {LOOKUP_FROM.format(ids_select)} {order}"
        f" LIMIT :limit OFFSET :offset) AS found JOIN cloned_voice AS voice ON voice.id = found.id {order}",
        compiled.parameters | parameters | page,
    )


def fetch_voices(ids: Sequence[int], filters: VoiceFilters) -> VoiceRows:
    """Return the voices with these ids, in the order of the list."""
    if not ids:
        return []
    condition, parameters = build_ids_condition("voice.id", ids)
    return fetch_rows(
        f"SELECT {SELECTED_COLUMNS} FROM cloned_voice AS voice WHERE {condition} ORDER BY {build_order_by(filters)}",
        parameters,
    )


def _build_idle_ids_select(compiled: CompiledFilters, groups: Collection[VoiceGroup]) -> tuple[str, dict[str, Any]]:
    idle, parameters = build_idle_select(compiled, groups)
    return f"SELECT id FROM ({idle}) AS idle WHERE {compiled.condition}", parameters


def _build_group_ids_select(compiled: CompiledFilters, groups: Collection[VoiceGroup]) -> tuple[str, dict[str, Any]]:
    """Return SQL that selects the ids of all voices in the matching groups, through the index of groups."""
    statuses, status_parameters = build_in_list("status", sorted({group.status.value for group in groups}))
    providers, provider_parameters = build_in_list("provider", sorted({group.provider for group in groups}))
    return (
        "SELECT voice.id FROM (SELECT * FROM voice_stats WHERE organization_id = :organization"
        f" AND status IN ({statuses}) AND provider IN ({providers}) AND {compiled.condition})"
        f" AS voice_group CROSS JOIN cloned_voice AS voice{index_hint('ix_voice_by_group')}"
        " WHERE voice.organization_id = voice_group.organization_id AND voice.status = voice_group.status"
        " AND voice.provider = voice_group.provider AND coalesce(voice.language, '') = voice_group.language"
        " AND voice.tier = voice_group.tier AND voice.has_last_used_at = voice_group.has_last_used_at"
        " AND voice.is_never_used = voice_group.is_never_used"
    ), status_parameters | provider_parameters
