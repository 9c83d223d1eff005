"""Read what is known about the use of voices, for deletions at providers and the advice about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select

from voiceadmin.cleanup.types.uses import PlatformReading, PlatformSource, VoiceUse, describe_reading
from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.dialect import fetch_all
from voiceadmin.sources.models import Source
from voiceadmin.sources.types import SourceKind
from voiceadmin.voices.usage import IS_IN_USE_ELSEWHERE, IS_NAMED, IS_USED

# Of any organization: a source of the platform lists voices of all of them. The index begins with the organization.
_IS_SHARED = (
    "voice.provider_voice_id <> '' AND EXISTS (SELECT 1 FROM organization AS owner CROSS JOIN cloned_voice AS other"
    " WHERE other.organization_id = owner.id AND other.provider = voice.provider"
    " AND other.provider_voice_id = voice.provider_voice_id AND other.id <> voice.id)"
)

_USES = (
    f"SELECT voice.id, voice.organization_id, {IS_USED}, {IS_NAMED}, {IS_IN_USE_ELSEWHERE}, {_IS_SHARED}"
    " FROM cloned_voice AS voice WHERE voice.id IN :ids"
)


def read_uses(voice_ids: Sequence[int], *, now: datetime) -> dict[int, VoiceUse]:
    """Return what is known about the use of each voice that exists, in all organizations.

    The caller has checked that the requester may see these voices.
    """
    rows = [row for ids in split_into_batches(voice_ids) for row in fetch_all(_USES, {"ids": list(ids)})]
    readings = _read_platform_readings({row[1] for row in rows}, now)
    return {
        id: VoiceUse(bool(used), bool(named), bool(elsewhere), bool(shared), readings[owner])
        for id, owner, used, named, elsewhere, shared in rows
    }


def _read_platform_readings(organization_ids: Collection[int], now: datetime) -> dict[int, PlatformReading]:
    """Return how current the settings of the assistants of each organization are."""
    sources = dict[int, list[PlatformSource]]()
    columns = (Source.organization_id, Source.kind, Source.disabled_at, Source.assistant_ids, Source.read_at)
    kinds = [kind.value for kind in SourceKind if kind.is_platform]
    for ids in split_into_batches(sorted(organization_ids)):
        found = select(*columns).where(Source.kind.in_(kinds), Source.organization_id.in_(ids))
        for owner, kind, disabled_at, assistant_ids, read_at in db.session.execute(found):
            reads_all = kind == SourceKind.BURKI.value and not assistant_ids  # voiceadmin tells no settings
            sources.setdefault(owner or 0, []).append(PlatformSource(disabled_at is None, reads_all, read_at))
    return {id: describe_reading(sources.get(id, ()), now=now) for id in organization_ids}
