"""Read a page of voices along the index of its order, merging partitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from voiceadmin.database.dialect import fetch_rows, index_hint, keep_order
from voiceadmin.voices.listing.compiled_filters import CompiledFilters
from voiceadmin.voices.listing.groups import VoiceGroup
from voiceadmin.voices.listing.sort_plans import SECTION_CONDITIONS, SORT_PLANS, SortPlan, format_direction
from voiceadmin.voices.listing.statements import SELECTED_COLUMNS, VoiceRows
from voiceadmin.voices.types.filters import VoiceFilters, VoiceUse

# How many index entries a scan reads for a page of combined filters, before it stops and reports it. In SQLite an entry
# takes 0.14 µs, and 1.7 µs if its voice must be fetched to compare it with a search text: at most about 35 ms per page
# (measured with 100,000 voices).
SCAN_LIMIT = 20_000


SEARCH_KEY = "(SELECT search_key FROM cloned_voice AS whole WHERE whole.id = scanned.id)"


@dataclass(frozen=True)
class Section:
    """One of the sections of a list that follow each other, such as the scored voices before the others.

    Attributes:
        condition: What all voices of the section have in common; "" if the partitions say it.
        partitions: Pairs of status and provider.
        voice_count: Number of voices in the groups of the section; 0 if it does not matter.
        matching_count: Number of voices that match the filters; None if it is not known.
    """

    condition: str
    partitions: tuple[tuple[str, str], ...]
    voice_count: int = 0
    matching_count: int | None = None

    def build_parameters(self) -> dict[str, str]:
        """Return the parameters that PartitionMerge names, `status0`, `provider0` and so on."""
        return {
            f"{name}{index}": value
            for index, partition in enumerate(self.partitions)
            for name, value in zip(("status", "provider"), partition, strict=True)
        }


class ScanWindow(NamedTuple):
    """Which rows of a section a page needs. If `reverse`, the offset counts from the end of the section."""

    limit: int
    offset: int
    reverse: bool


@dataclass(frozen=True)
class PartitionMerge:
    """The SQL that merges the partitions of a section in order.

    Attributes:
        table: With the index to use, where the dialect can name one.
        key: The column to order by, then by id.
        partition_count: Number of partitions; each has two parameters.
        condition: On the section and the range of the key; "" for none.
        filter_condition: `CompiledFilters.condition`.
        single_conditions: Those of `CompiledFilters.build_conditions`.
        is_bounded: Whether to read only `:scan_limit` index entries.
        descending: Whether the list is in descending order of the key.
        reverse: Whether to read from the end ("reverse index scan").
    """

    table: str
    key: str
    partition_count: int
    condition: str
    filter_condition: str
    single_conditions: tuple[str, ...]
    is_bounded: bool
    descending: bool
    reverse: bool

    @classmethod
    def build(
        cls,
        plan: SortPlan,
        section: Section,
        compiled: CompiledFilters,
        filters: VoiceFilters,
        *,
        reverse: bool = False,
        reads_all: bool = False,
    ) -> PartitionMerge:
        """Return the merge of one section of a list.

        Args:
            plan: The plan of the order of the list.
            section: What to read.
            compiled: The filters as SQL.
            filters: The same filters.
            reverse: Whether to read from the end.
            reads_all: Whether to read the whole section, without limits and starting at its first voice.
        """
        conditions = (section.condition, "" if reads_all else _build_key_range(plan, filters))
        return cls(
            table=f"cloned_voice{index_hint('ix_voice_by_' + plan.index)}",
            key=plan.key,
            partition_count=len(section.partitions),
            condition=" AND ".join(filter(None, conditions)),
            filter_condition=compiled.condition,
            single_conditions=tuple(compiled.build_conditions("scanned.id", SEARCH_KEY)[0]),
            is_bounded=not reads_all and _is_bounded(compiled),
            descending=filters.order.descending and not plan.sorts_sections_by_name,
            reverse=reverse,
        )

    def build_sql(self) -> str:
        """Return SQL that selects `sort_key` and `id`, with `:limit` and `:offset`."""
        direction = format_direction(descending=self.descending != self.reverse)
        # PostgreSQL merges subqueries without sorting only if each is ordered too.
        order = f"ORDER BY sort_key {direction}, id {direction}"
        merged = " UNION ALL ".join(self._build_partition(index, order) for index in range(self.partition_count))
        merged = f"{merged} {order}"
        if self.is_bounded:
            where = " AND ".join(filter(None, (self.filter_condition, *self.single_conditions)))
            merged = (
                f"SELECT sort_key, id FROM ({merged} LIMIT :scan_limit) AS scanned WHERE {where}{keep_order(order)}"
            )
        return f"{merged} LIMIT :limit OFFSET :offset"

    def _build_partition(self, index: int, order: str) -> str:
        """Return SQL that selects one partition in order.

        A bounded scan tests the filters after its limit, so it selects the columns that they need.
        """
        columns = ", tier, language, is_never_used, last_activity_at" if self.is_bounded else ""
        conditions = [self.condition, "" if self.is_bounded else self.filter_condition]
        where = "".join(f" AND {condition}" for condition in conditions if condition)
        return (
            f"SELECT * FROM (SELECT {self.key} AS sort_key, id{columns} FROM {self.table}"
            f" WHERE organization_id = :organization AND status = :status{index} AND provider = :provider{index}"
            f"{where} {order}) AS partition{index}"
        )


def scan_index(
    compiled: CompiledFilters, groups: Sequence[VoiceGroup], filters: VoiceFilters
) -> tuple[VoiceRows, int | None]:
    """Return a page of voices, and the number of index entries after which the scan was truncated, if it was."""
    plan = SORT_PLANS[filters.order.column]
    sections = list(_divide_into_sections(compiled, groups, plan, descending=filters.order.descending))
    section_limit = SCAN_LIMIT // max(1, len(sections))
    rows, offset = VoiceRows(), filters.offset
    truncated_after: int | None = None
    for section in sections:
        window = _find_window(section, offset, filters.size - len(rows))
        if window is None:
            offset -= section.matching_count or 0
            continue
        merge = PartitionMerge.build(plan, section, compiled, filters, reverse=window.reverse)
        parameters = compiled.parameters | section.build_parameters() | _build_scan_parameters(compiled, section_limit)
        found = fetch_rows(_build_page_select(merge), parameters | {"limit": window.limit, "offset": window.offset})
        rows += found
        if merge.is_bounded and len(found) < window.limit and section.voice_count > section_limit:
            truncated_after = SCAN_LIMIT
        if found or section is sections[-1]:
            offset = 0
        elif offset:
            offset -= _count(merge, parameters | {"limit": offset, "offset": 0})
    return rows, truncated_after


def _divide_into_sections(
    compiled: CompiledFilters, groups: Sequence[VoiceGroup], plan: SortPlan, *, descending: bool
) -> Iterator[Section]:
    is_counted = not compiled.depends_on_time and not compiled.matches_single_voices
    field = plan.section_field
    values = sorted({getattr(group, field) for group in groups}) if field else [None]
    if descending or not plan.sorts_sections_by_name:  # voices without a value come last in both directions
        values.reverse()
    for value in values:
        members = [group for group in groups if not field or getattr(group, field) == value]
        matching_count = sum(group.matching_count for group in members)
        if matching_count:
            yield Section(
                condition=SECTION_CONDITIONS.get((field, value), ""),
                partitions=tuple(
                    sorted({(group.status.value, group.provider) for group in members if group.matching_count})
                ),
                voice_count=sum(group.voice_count for group in members),
                matching_count=matching_count if is_counted else None,
            )


def _find_window(section: Section, offset: int, missing: int) -> ScanWindow | None:
    """Return the rows of a section that a page needs, or None if it needs none.

    Args:
        section: What to read.
        offset: Number of rows to skip from the beginning of the section.
        missing: Number of rows that the page still needs.
    """
    if section.matching_count is None:
        return ScanWindow(missing, offset, reverse=False) if missing > 0 else None
    limit = min(missing, section.matching_count - offset)
    if limit <= 0:
        return None
    offset_from_end = section.matching_count - offset - limit
    if offset_from_end < offset:
        return ScanWindow(limit, offset_from_end, reverse=True)
    return ScanWindow(limit, offset, reverse=False)


def _is_bounded(compiled: CompiledFilters) -> bool:
    """Return whether a scan may have to read far to fill a page, so that it needs a limit."""
    return compiled.matches_single_voices or (compiled.is_combined and bool(compiled.condition))


def _build_scan_parameters(compiled: CompiledFilters, section_limit: int) -> dict[str, Any]:
    _, pattern = compiled.build_conditions("", "")
    return pattern | ({"scan_limit": section_limit} if _is_bounded(compiled) else {})


def _build_key_range(plan: SortPlan, filters: VoiceFilters) -> str:
    """Return what the filters say about the sort key, so that a scan starts at the first voice that can match."""
    if plan.key == "synthesis_count" and filters.uses == (VoiceUse.NEVER,):
        return "synthesis_count = 0"
    if plan.key == "last_activity_at" and filters.uses and VoiceUse.NEVER not in filters.uses:
        return "last_activity_at <= :idle_since"
    tiers = [tier for tier in filters.tiers if tier is not None]
    if plan.key == "quality_score" and tiers and None not in filters.tiers:
        lowest = min(tier.low for tier in tiers)
        highest = max(tier.high or 2 for tier in tiers)  # the best tier has no upper bound, and no score reaches 2
        return f"quality_score >= {lowest} AND quality_score < {highest}"
    return ""


def _count(merge: PartitionMerge, parameters: dict[str, Any]) -> int:
    ((count,),) = fetch_rows(f"SELECT count(*) FROM ({merge.build_sql()}) AS found", parameters)
    return int(count)


# Combinations of filters result in too many SQL texts to cache all; 1,000 cover the common ones and need a few MB.
@lru_cache(maxsize=1000)
def _build_page_select(merge: PartitionMerge) -> str:
    direction = format_direction(descending=merge.descending)
    return (
        f"SELECT {SELECTED_COLUMNS} FROM ({merge.build_sql()}) AS found"
        " JOIN cloned_voice AS voice ON voice.id = found.id"
        f" ORDER BY found.sort_key {direction}, found.id {direction}"
    )
