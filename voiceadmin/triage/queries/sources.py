"""Read what the queue shows about sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from voiceadmin.database.dialect import fetch_all
from voiceadmin.database.types import parse_timestamp
from voiceadmin.sources.clients.types import SlotKind
from voiceadmin.sources.types import SourceKind
from voiceadmin.triage.rules.deletion_unconfirmed import UNCONFIRMED
from voiceadmin.triage.types import QueueSlots, QueueSource

_SOURCES = (
    "SELECT source.organization_id, organization.name AS organization_name, source.id, source.name, source.kind,"
    " source.created_at, source.read_at, source.failure, source.orphan_count,"
    f" (SELECT count(*) FROM {UNCONFIRMED}) AS unconfirmed_count"
    " FROM source LEFT JOIN organization ON organization.id = source.organization_id WHERE source.id IN :ids"
)


_SLOTS = (
    "SELECT source_id, kind, used, slot_limit, is_counted, read_at FROM slot_use"
    " WHERE source_id IN :ids AND nearly_full_since IS NOT NULL ORDER BY source_id, kind"
)


class OwnedSource(NamedTuple):
    """A source with its organization. organization_id, organization_name: None for one of the platform."""

    organization_id: int | None
    organization_name: str | None
    source: QueueSource


def read_queue_sources(ids: Sequence[int]) -> list[OwnedSource]:
    """Return the sources with these ids that exist. The caller has checked that the requester may see them."""
    if not ids:
        return []
    slots = _read_slots(ids)
    return [
        OwnedSource(row.organization_id, row.organization_name, _build_source(row, slots.get(row.id, ())))
        for row in fetch_all(_SOURCES, {"ids": list(ids)})
    ]


def _build_source(row: Any, slots: tuple[QueueSlots, ...]) -> QueueSource:
    return QueueSource(
        id=row.id,
        name=row.name,
        kind=SourceKind(row.kind),
        created_at=parse_timestamp(row.created_at),
        read_at=parse_timestamp(row.read_at),
        failure=row.failure,
        orphan_count=row.orphan_count,
        slots=slots,
        unconfirmed_count=row.unconfirmed_count,
    )


def _read_slots(ids: Sequence[int]) -> dict[int, tuple[QueueSlots, ...]]:
    """Return the slots that are nearly full by source."""
    slots: dict[int, tuple[QueueSlots, ...]] = {}
    for id, kind, used, limit, is_counted, read_at in fetch_all(_SLOTS, {"ids": list(ids)}):
        row = QueueSlots(SlotKind(kind), used, limit, bool(is_counted), parse_timestamp(read_at))
        slots[id] = (*slots.get(id, ()), row)
    return slots
