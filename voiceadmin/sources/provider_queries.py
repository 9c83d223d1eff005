"""Read what is known from the lists of a provider: their results, slots and orphans."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, or_, select

from voiceadmin.database.base import db
from voiceadmin.sources.breaker import hash_withheld
from voiceadmin.sources.clients.types import ProviderState, SlotKind
from voiceadmin.sources.models import ProviderListing, SlotUse, Source, StoredProviderVoice
from voiceadmin.sources.types import ListingResult, SourceKind, SourceRow
from voiceadmin.voices.models import ClonedVoice

MAX_ORPHANS = 10  # that the page of a source shows

MAX_EXAMPLES = 10  # of the voices that withheld lists lack


class ListingRow(NamedTuple):
    """The newest attempt to read a listing. message: why it is not complete; "" if it is."""

    name: str
    result: ListingResult
    voices: int
    attempted_at: datetime
    complete_at: datetime | None
    message: str


class SlotRow(NamedTuple):
    """Slots of one kind. is_counted: whether the voices in the lists were counted."""

    kind: SlotKind
    used: int | None
    limit: int | None
    is_counted: bool
    read_at: datetime


class OrphanRow(NamedTuple):
    """A voice of ours at the provider that no voice of the platform names. state: in the provider's words."""

    voice_id: str
    name: str
    state: str
    created_at: datetime | None


class OrphanSlots(NamedTuple):
    """Orphans that take a slot.

    Attributes:
        orphan_count: None if the lists do not tell.
        since: when the first of them was first listed; None if there are none.
    """

    orphan_count: int | None
    since: datetime | None


class WithheldLists(NamedTuple):
    """Complete lists that are not believed.

    Attributes:
        list_hash: identifies what they lack.
        voice_count: how many known voices they lack.
        examples: the first of their ids.
    """

    list_hash: str
    voice_count: int
    examples: Sequence[str]


class ProviderReport(NamedTuple):
    """What is known from a source of a provider. orphan_count: None if the lists do not tell."""

    listings: Sequence[ListingRow]
    slots: Sequence[SlotRow]
    orphans: Sequence[OrphanRow]
    orphan_count: int | None
    withheld: WithheldLists | None


def read_provider_report(source: SourceRow) -> ProviderReport | None:
    """Return what is known from the lists of a source, None if it is one of the platform.

    Args:
        source: from a query with a scope.
    """
    if source.kind.is_platform:
        return None
    rows = db.session.scalars(select(ProviderListing).filter_by(source_id=source.id).order_by(ProviderListing.name))
    listings = rows.all()
    slots = db.session.scalars(select(SlotUse).filter_by(source_id=source.id).order_by(SlotUse.kind)).all()
    believed_at = None if source.account_changed_at else find_believed_at(listings)
    orphans, orphan_count = _list_orphans(source, believed_at)
    return ProviderReport(
        listings=[_build_listing(row) for row in listings],
        slots=[SlotRow(SlotKind(row.kind), row.used, row.slot_limit, row.is_counted, row.read_at) for row in slots],
        orphans=orphans,
        orphan_count=orphan_count,
        withheld=_read_withheld(listings),
    )


def _build_listing(row: ProviderListing) -> ListingRow:
    result = ListingResult(row.result)
    return ListingRow(row.name, result, row.voices, row.attempted_at, row.complete_at, row.message)


def find_believed_at(listings: Sequence[ProviderListing]) -> datetime | None:
    """Return when all lists were last read as a whole, None if one never was."""
    times = [row.complete_at for row in listings if row.complete_at is not None]
    return min(times) if times and len(times) == len(listings) else None


def _read_withheld(listings: Sequence[ProviderListing]) -> WithheldLists | None:
    """Return what lists lack that wait for a decision, None if there are none."""
    withheld = listings[0].withheld if listings else ""
    lacking = sorted({id for ids in json.loads(withheld or "{}").values() for id in ids})
    return WithheldLists(hash_withheld(withheld), len(lacking), lacking[:MAX_EXAMPLES]) if lacking else None


def find_orphan_slots(source: Source) -> OrphanSlots:
    """Return the orphans of a source that take a slot. Compares all voices of the provider."""
    if SourceKind(source.kind).is_platform:
        return OrphanSlots(None, None)
    believed_at = find_believed_at(db.session.scalars(select(ProviderListing).filter_by(source_id=source.id)).all())
    if believed_at is None:
        return OrphanSlots(None, None)
    is_orphan = (*is_listed_orphan(source.id, source.kind, believed_at), StoredProviderVoice.slot.is_not(None))
    columns = select(func.count(), func.min(StoredProviderVoice.first_listed_at)).where(*is_orphan)
    return OrphanSlots(*db.session.execute(columns).one())


def _list_orphans(source: SourceRow, believed_at: datetime | None) -> tuple[list[OrphanRow], int | None]:
    """Return the first orphans by name, and the number of all."""
    if believed_at is None:
        return [], None
    voice = StoredProviderVoice
    columns = select(voice.voice_id, voice.name, voice.raw_state, voice.state, voice.created_at, func.count().over())
    rows = db.session.execute(
        columns.where(*is_listed_orphan(source.id, source.kind.value, believed_at))
        .order_by(voice.name, voice.voice_id)
        .limit(MAX_ORPHANS)
    ).all()
    orphans = [OrphanRow(id, name, raw or ProviderState(state).label, at) for id, name, raw, state, at, _ in rows]
    return orphans, rows[0][-1] if rows else 0


def is_listed_orphan(source_id: int, kind: str, believed_at: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of orphans.

    A voice that any organization names is no orphan, whoever owns the source. The anti-join is an EXCEPT, which reads
    the index of voices once; SQLite would read it once for each voice with NOT EXISTS or an outer join.
    """
    named = select(ClonedVoice.provider_voice_id).filter_by(provider=kind)
    unnamed = select(StoredProviderVoice.voice_id).filter_by(source_id=source_id).except_(named)
    return (*is_listed_ours(source_id, believed_at), StoredProviderVoice.voice_id.in_(unnamed))


def is_listed_ours(source_id: int, believed_at: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of voices of ours in lists that are believed."""
    return (
        StoredProviderVoice.source_id == source_id,
        StoredProviderVoice.is_ours.is_(True),
        StoredProviderVoice.absent_since.is_(None),
        StoredProviderVoice.first_listed_at <= believed_at,
    )


def is_listed_elsewhere(source: Source) -> ColumnElement[bool]:
    """Return the condition that another source of the same provider lists a voice of the platform."""
    return exists().where(
        StoredProviderVoice.voice_id == ClonedVoice.provider_voice_id,
        StoredProviderVoice.absent_since.is_(None),
        StoredProviderVoice.source_id == Source.id,
        Source.id != source.id,
        Source.kind == source.kind,
        or_(Source.organization_id.is_(None), Source.organization_id == ClonedVoice.organization_id),
        Source.disabled_at.is_(None),
        Source.account_changed_at.is_(None),
    )
