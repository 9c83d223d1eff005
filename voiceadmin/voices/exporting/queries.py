"""All voices that match filters, in the order of their list, never all in memory.

A list without a search text, trends and verdicts is read along the index of its order from beginning to end. Otherwise
the ids are found through trigrams or the index of trends or verdicts, and sorted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, text

from voiceadmin.database.base import db
from voiceadmin.database.batches import BATCH_SIZE
from voiceadmin.database.dialect import build_ids_condition, fetch_rows, format_time_sql, index_hint
from voiceadmin.database.types import UtcTime
from voiceadmin.identity import OrganizationId
from voiceadmin.tabular import ExportFormat, format_csv, format_objects
from voiceadmin.text import MAX_ID
from voiceadmin.voices.exporting.writing import RESPONSE_FRAME
from voiceadmin.voices.json_body import FIELDS as VOICE_FIELDS
from voiceadmin.voices.listing.compiled_filters import CompiledFilters, build_in_list
from voiceadmin.voices.listing.index_scan import PartitionMerge, Section
from voiceadmin.voices.listing.lookup import LOOKUP_FROM
from voiceadmin.voices.listing.sort_plans import SECTION_CONDITIONS, SORT_PLANS, SortPlan, build_order_by
from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.usage import ASSISTANT_COUNT

FIELDS = (*VOICE_FIELDS, "assistant_count")

RowBatches = Iterator[Sequence[tuple[Any, ...]]]


def list_matching_ids(organization_id: OrganizationId, filters: VoiceFilters, now: datetime) -> list[int]:
    """Return the ids of all matching voices in the order of their list, regardless of the page."""
    return [id for batch in _iterate_id_batches(organization_id, filters, now) for id in batch]


def export_matching_voices(
    organization_id: OrganizationId, filters: VoiceFilters, format: ExportFormat, now: datetime
) -> Iterator[str]:
    """Yield all matching voices as the text of a file, in pieces, each voice with its number of assistants.

    The database formats the values, so that the cost per voice in Python is small.
    """
    if format.is_csv:
        rows = _iterate_row_batches(_build_cells_select(), organization_id, filters, now)
        return format_csv(FIELDS, rows, format)
    bodies = _iterate_row_batches(_build_bodies_select(), organization_id, filters, now)
    return format_objects(map(_add_assistant_counts, bodies), format, RESPONSE_FRAME)


def _build_cells_select() -> str:
    """Return SQL that selects FIELDS, as a CSV file has them."""
    times = {name: format_time_sql(f"voice.{name}") for name in ("created_at", "last_used_at")}
    columns = [times.get(name, f"voice.{name}") for name in VOICE_FIELDS]
    return f"SELECT {', '.join(columns)}, {ASSISTANT_COUNT} FROM cloned_voice AS voice WHERE"


def _build_bodies_select() -> str:
    """Return SQL that selects the id, the stored JSON and the number of assistants of voices."""
    return (
        f"SELECT voice.id, voice.json_body, {ASSISTANT_COUNT} FROM cloned_voice AS voice"
        f"{index_hint('ix_voice_json_body')} WHERE voice.organization_id = :organization AND"
    )


def _add_assistant_counts(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    return [f'{body[:-1]},"assistant_count":{count}}}' for _, body, count in rows]


def _iterate_row_batches(
    select: str, organization_id: OrganizationId, filters: VoiceFilters, now: datetime
) -> RowBatches:
    """Yield the rows of all matching voices in the order of their list, fetched in batches within one snapshot.

    select: SQL that selects columns of `cloned_voice AS voice`, the id first, and ends before a condition on the id.
    """
    for ids in _iterate_id_batches(organization_id, filters, now):
        condition, parameters = build_ids_condition("voice.id", ids)
        found = fetch_rows(f"{select} {condition}", parameters | {"organization": organization_id})
        rows = {row[0]: row for row in found}
        yield [rows[id] for id in ids]


def _iterate_id_batches(
    organization_id: OrganizationId, filters: VoiceFilters, now: datetime
) -> Iterator[Sequence[int]]:
    compiled = CompiledFilters.compile(organization_id, filters, now)
    build_selects = _build_candidate_selects if compiled.matches_single_voices else _build_section_selects
    times = [bindparam("idle_since", type_=UtcTime)] if compiled.depends_on_time else []
    for statement, parameters in build_selects(compiled, filters):
        rows = db.session.execute(
            text(statement).bindparams(*times),
            compiled.parameters | parameters,
            execution_options={"yield_per": BATCH_SIZE},
        )
        for batch in rows.partitions(BATCH_SIZE):
            yield [row.id for row in batch]


Selects = Iterator[tuple[str, dict[str, Any]]]


def _build_candidate_selects(compiled: CompiledFilters, filters: VoiceFilters) -> Selects:
    """Yield one statement that finds all voices with a text, a trend or a verdict, and sorts them."""
    candidates, parameters = compiled.build_candidates()
    single_conditions, pattern = compiled.build_conditions("voice.id", "search_key")
    parameters |= pattern
    conditions = ["organization_id = :organization", *single_conditions, compiled.condition]
    for column, values in (("status", filters.statuses), ("provider", filters.providers)):
        placeholders, names = build_in_list(column, values)
        conditions.append(f"{column} IN ({placeholders})" if placeholders else "")
        parameters |= names
    matching = f"{LOOKUP_FROM.format(candidates)} AND {' AND '.join(filter(None, conditions))}"
    yield f"SELECT voice.id {matching} ORDER BY {build_order_by(filters)}", parameters


def _build_section_selects(compiled: CompiledFilters, filters: VoiceFilters) -> Selects:
    """Yield a statement for each section of the list, which merges the partitions of the section."""
    plan = SORT_PLANS[filters.order.column]
    for section in _divide_into_sections(compiled.parameters["organization"], plan, filters):
        merge = PartitionMerge.build(plan, section, compiled, filters, reads_all=True)
        yield merge.build_sql(), section.build_parameters() | {"limit": MAX_ID, "offset": 0}


def _divide_into_sections(organization_id: int, plan: SortPlan, filters: VoiceFilters) -> Iterator[Section]:
    """Yield the sections of a list in order. They are not counted, since all their voices are read."""
    partitions = [
        (status, provider)
        for status, provider in fetch_rows(_PARTITIONS, {"organization": organization_id})
        if (not filters.statuses or status in filters.statuses)
        and (not filters.providers or provider in filters.providers)
    ]
    if plan.sorts_sections_by_name:
        field = ("status", "provider").index(plan.section_field)
        partitions.sort(key=lambda partition: partition[field], reverse=filters.order.descending)
        for _, members in groupby(partitions, key=lambda partition: partition[field]):
            yield Section("", tuple(members))
    elif partitions:
        conditions = [SECTION_CONDITIONS[plan.section_field, value] for value in (1, 0)] if plan.section_field else [""]
        yield from (Section(condition, tuple(partitions)) for condition in conditions)


_PARTITIONS = "SELECT DISTINCT status, provider FROM voice_stats WHERE organization_id = :organization"
