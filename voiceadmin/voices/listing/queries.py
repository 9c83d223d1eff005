"""One page of an organization's voices, with the counts that are shown around it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from voiceadmin.database.dialect import fetch_rows
from voiceadmin.history.queries import find_trends_day, read_recent_use
from voiceadmin.identity import OrganizationId
from voiceadmin.pagination import Page
from voiceadmin.voices.listing import index_scan, lookup
from voiceadmin.voices.listing.compiled_filters import CompiledFilters, build_in_list
from voiceadmin.voices.listing.groups import VoiceGroup, list_groups, sum_by_status
from voiceadmin.voices.listing.idle_scan import StatusTotals, count_idle_voices
from voiceadmin.voices.listing.sort_plans import SORT_PLANS, build_order_by
from voiceadmin.voices.listing.statements import VoiceRows
from voiceadmin.voices.queries import parse_voice_row
from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.types.rows import VoiceList
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.verdict_queries import read_verdicts


def list_voices(organization_id: OrganizationId, filters: VoiceFilters, *, now: datetime) -> VoiceList:
    """Return one page of voices, and the number of voices by status under the other filters.

    Executes a few statements regardless of the number of rows. Voices without a value come last, ties are ordered by
    id in the direction of the order, and a page past the end is empty.
    """
    compiled = CompiledFilters.compile(organization_id, filters, now)
    section_field = SORT_PLANS[filters.order.column].section_field
    groups = [
        group
        for group in list_groups(compiled, section_field)
        if not filters.providers or group.provider in filters.providers
    ]
    find_page = _find_page_by_candidates if compiled.matches_single_voices else _find_page_by_groups
    (totals, inexact_statuses), rows, scan_truncated_after = find_page(compiled, groups, filters)
    statuses = set(filters.statuses or VoiceStatus)
    page = Page(
        [parse_voice_row(row) for row in rows],
        total=sum(totals[status] for status in statuses),
        page_number=filters.page,
        size=filters.size,
        is_total_exact=not statuses & inexact_statuses,
    )
    assistant_counts = {id: count for id, *_, count in rows if count}
    ids = [row[0] for row in rows]
    return VoiceList(
        page,
        totals,
        inexact_statuses,
        assistant_counts,
        scan_truncated_after,
        verdicts=read_verdicts(ids, now=now) if filters.verdicts else None,
        recent_use=read_recent_use(ids, now=now) if filters.trends or filters.shows_use else None,
        trends_on=find_trends_day() if filters.trends else None,
    )


class PageResult(NamedTuple):
    """What a plan found. scan_truncated_after: see VoiceList."""

    status_totals: StatusTotals
    rows: VoiceRows
    scan_truncated_after: int | None


def _find_page_by_groups(compiled: CompiledFilters, groups: list[VoiceGroup], filters: VoiceFilters) -> PageResult:
    """Find a page of a list without a filter of single voices."""
    if compiled.depends_on_time:
        status_totals = count_idle_voices(compiled, groups, limit=lookup.LOOKUP_LIMIT)
    else:
        totals = sum_by_status((group.status, group.matching_count) for group in groups)
        status_totals = StatusTotals(totals, frozenset())
    selected = _select_statuses(groups, filters)
    statuses = {group.status for group in selected}
    if not statuses & status_totals.inexact_statuses:
        matching_count = sum(status_totals.totals[status] for status in statuses)
        if not matching_count:
            return PageResult(status_totals, [], None)
        if _is_lookup_cheaper(compiled, matching_count, sum(group.voice_count for group in selected)):
            return PageResult(status_totals, lookup.look_up_page(compiled, selected, filters), None)
    return PageResult(status_totals, *index_scan.scan_index(compiled, selected, filters))


def _is_lookup_cheaper(compiled: CompiledFilters, matching_count: int, voice_count: int) -> bool:
    """Return whether looking up all matching voices costs less than scanning for them.

    A scan may read all `voice_count` entries. If it would be truncated, a lookup is better at any cost.
    """
    if not compiled.condition or matching_count > lookup.LOOKUP_LIMIT:
        return False
    is_scan_truncated = compiled.is_combined and voice_count > index_scan.SCAN_LIMIT
    return matching_count * lookup.LOOKUP_COST <= voice_count or is_scan_truncated


def _find_page_by_candidates(compiled: CompiledFilters, groups: list[VoiceGroup], filters: VoiceFilters) -> PageResult:
    """Find a page of a list by looking up all candidates or, if there are too many, by a scan."""
    candidates, parameters = compiled.build_candidates()
    single_conditions, pattern = compiled.build_conditions("voice.id", "search_key")
    parameters |= compiled.parameters | pattern | {"lookup_limit": lookup.LOOKUP_LIMIT}
    conditions = ["organization_id = :organization", *single_conditions, compiled.condition]
    if filters.providers:
        providers, provider_parameters = build_in_list("provider", filters.providers)
        conditions.append(f"provider IN ({providers})")
        parameters |= provider_parameters
    lookup_from = lookup.LOOKUP_FROM.format(f"{candidates} LIMIT :lookup_limit")
    matching = f"{lookup_from} AND {' AND '.join(filter(None, conditions))}"
    if _count_candidates(candidates, parameters) <= lookup.LOOKUP_LIMIT:
        return _look_up_matching(matching, parameters, filters)
    rows = fetch_rows(f"SELECT status, count(*) {matching} GROUP BY status", parameters)
    totals = sum_by_status((VoiceStatus(status), count) for status, count in rows)
    selected = _select_statuses(groups, filters)
    return PageResult(StatusTotals(totals, frozenset(VoiceStatus)), *index_scan.scan_index(compiled, selected, filters))


def _count_candidates(candidates: str, parameters: dict[str, Any]) -> int:
    """Count candidates, up to one more than may be looked up."""
    statement = f"SELECT count(*) FROM ({candidates} LIMIT :lookup_limit + 1) AS candidate"
    ((count,),) = fetch_rows(statement, parameters)
    return int(count)


def _look_up_matching(matching: str, parameters: dict[str, Any], filters: VoiceFilters) -> PageResult:
    """Count the matching voices by status and find the ids of a page, both in one statement, then fetch the page."""
    statuses, status_parameters = build_in_list("status", filters.statuses)
    where = f"WHERE status IN ({statuses}) " if statuses else ""
    page = {"limit": filters.size, "offset": filters.offset}
    rows = fetch_rows(
        f"WITH found AS (SELECT voice.id AS id, {lookup.ORDER_COLUMNS} {matching})"
        " SELECT status, count(*) AS number FROM found GROUP BY status UNION ALL"
        f" SELECT '', id FROM (SELECT voice.id FROM found AS voice {where}ORDER BY {build_order_by(filters)}"
        " LIMIT :limit OFFSET :offset) AS page",
        parameters | status_parameters | page,
    )
    totals = sum_by_status((VoiceStatus(status), count) for status, count in rows if status)
    voices = lookup.fetch_voices([id for status, id in rows if not status], filters)
    return PageResult(StatusTotals(totals, frozenset()), voices, None)


def _select_statuses(groups: list[VoiceGroup], filters: VoiceFilters) -> list[VoiceGroup]:
    return [group for group in groups if not filters.statuses or group.status in filters.statuses]
