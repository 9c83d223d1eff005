"""All voices that filters choose, in the order of their list and never all at once in memory.

A list without a text is read along the index of its order, from one end to the
other; of a list with one, the ids are found by its grams and put in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from sqlalchemy import TextClause, bindparam, select, text

from voiceadmin.database.base import db
from voiceadmin.database.dialect import index_hint
from voiceadmin.database.types import UtcTime
from voiceadmin.identity import OrganizationId
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import MAX_ID
from voiceadmin.voices.exporting.writing import RESPONSE_FRAME
from voiceadmin.voices.json_body import FIELDS as VOICE_FIELDS
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.listing.planner import IN_PART, LOOKED_UP, SORT_PLANS, CompiledFilters, Merge, SortPlan
from voiceadmin.voices.listing.search import candidates, held
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.queries import VOICE_COLUMNS, build_voice_row
from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.usage import count_assistants_by_voice

BATCH_SIZE = 500  # voices that are read at once


def list_matching_ids(organization_id: OrganizationId, filters: VoiceFilters, now: datetime) -> list[int]:
    """The ids of all voices that the filters choose, in the order of their list, whatever page they name."""
    return [id for together in _ids(organization_id, filters, now) for id in together]


def iterate_matching_voices(
    organization_id: OrganizationId, filters: VoiceFilters, now: datetime
) -> Iterator[VoiceRow]:
    """The same voices themselves, some hundreds at a time, out of one snapshot."""
    for ids in _ids(organization_id, filters, now):
        found = db.session.execute(select(*VOICE_COLUMNS).where(ClonedVoice.id.in_(ids)))
        rows = {row.id: build_voice_row(row) for row in found}
        yield from (rows[id] for id in ids)


FIELDS = (*VOICE_FIELDS, "set_by")


def export_matching_voices(
    organization_id: OrganizationId, filters: VoiceFilters, format: ExportFormat, now: datetime
) -> Iterator[str]:
    """The same voices as the text of a file, in pieces, each with the number of assistants that are set to it."""
    return format_records(
        FIELDS,
        _records(organization_id, iterate_matching_voices(organization_id, filters, now)),
        format,
        RESPONSE_FRAME,
    )


def _records(organization_id: OrganizationId, voices: Iterator[VoiceRow]) -> Iterator[dict[str, Any]]:
    while rows := list(islice(voices, BATCH_SIZE)):
        users = count_assistants_by_voice([row.id for row in rows])
        yield from (voice_to_json(row) | {"set_by": users.get(row.id, 0)} for row in rows)


def _ids(organization_id: OrganizationId, filters: VoiceFilters, now: datetime) -> Iterator[Sequence[int]]:
    sought = CompiledFilters.of(organization_id, filters, now)
    for statement, values in (_looked_up if sought.text else _walked)(sought, filters):
        rows = db.session.execute(_sql(statement), sought.values | values, execution_options={"yield_per": BATCH_SIZE})
        for together in rows.partitions(BATCH_SIZE):
            yield [row.id for row in together]


Statements = Iterator[tuple[str, dict[str, Any]]]


def _looked_up(sought: CompiledFilters, filters: VoiceFilters) -> Statements:
    """One statement that finds a text by its grams."""
    driver, grams = candidates(sought.values["organization"], sought.text)
    condition, whole = held(sought.text)
    conditions = ["organization_id = :organization", condition.format("search_key"), sought.tests]
    values = grams | whole
    for column, words in (("status", filters.statuses), ("provider", filters.providers)):
        named = {f"{column}{number}": str(word) for number, word in enumerate(words)}
        conditions.append(f"{column} IN ({', '.join(map(':{}'.format, named))})" if named else "")
        values |= named
    order = SORT_PLANS[filters.order.column].order.format("DESC" if filters.order.descending else "ASC")
    found = f"{LOOKED_UP.format(driver)} AND {' AND '.join(filter(None, conditions))}"
    yield f"SELECT voice.id {found} ORDER BY {order}", values


def _walked(sought: CompiledFilters, filters: VoiceFilters) -> Statements:
    """A statement for each part of the list: it merges the stretches of every status and provider."""
    way, descending = SORT_PLANS[filters.order.column], filters.order.descending
    for condition, stretches in _parts(sought.values["organization"], way, filters):
        merge = Merge(
            f"cloned_voice{index_hint('ix_voice_by_' + way.index)}",
            way.key,
            len(stretches),
            condition,
            sought.tests,
            held="",
            bounded=False,
            descending=descending and not way.by_name_in_part,
            backwards=False,
        )
        values: dict[str, Any] = {"limit": MAX_ID, "offset": 0}
        for number, (status, provider) in enumerate(stretches):
            values |= {f"status{number}": status, f"provider{number}": provider}
        yield str(merge), values


def _parts(organization_id: int, way: SortPlan, filters: VoiceFilters) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The parts that a list falls into, one after the other: a condition, and the statuses and providers in it."""
    stretches = [
        (status, provider)
        for status, provider in db.session.execute(_STRETCHES, {"organization": organization_id}).all()
        if (not filters.statuses or status in filters.statuses)
        and (not filters.providers or provider in filters.providers)
    ]
    if way.by_name_in_part:
        place = ("status", "provider").index(way.divided)
        stretches.sort(key=lambda stretch: stretch[place], reverse=filters.order.descending)
        yield from (("", list(part)) for _, part in groupby(stretches, key=lambda stretch: stretch[place]))
    elif stretches:
        conditions = [IN_PART[way.divided, value] for value in (1, 0)] if way.divided else [""]
        yield from ((condition, stretches) for condition in conditions)


_STRETCHES = text("SELECT DISTINCT status, provider FROM voice_stats WHERE organization_id = :organization")


def _sql(statement: str) -> TextClause:
    return text(statement).bindparams(*([bindparam("idle", type_=UtcTime)] if ":idle" in statement else []))
