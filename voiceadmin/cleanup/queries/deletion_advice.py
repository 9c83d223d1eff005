"""Read whether voices can be deleted at their providers without harm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from voiceadmin.cleanup.queries.conditions import IS_IN_USE, same_reference
from voiceadmin.cleanup.types.deletion import DeletionAdvice, advise_deletion
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.dialect import fetch_all
from voiceadmin.voices.verdict_queries import read_verdicts

# Unlike a candidate, a voice of a plan can be archived.
_IS_SHARED = (
    "EXISTS (SELECT 1 FROM shared_provider_voice_ref AS shared"
    " WHERE shared.voices > CASE WHEN voice.status = 'archived' THEN 0 ELSE 1 END"
    f" AND {same_reference('shared', 'provider', 'provider_voice_id')})"
)

_IS_NAMED = (
    "EXISTS (SELECT 1 FROM assistant_voice AS named WHERE named.provider = voice.provider"
    " AND named.provider_voice_id = voice.provider_voice_id)"
)

_USES = f"SELECT voice.id, {IS_IN_USE} OR {_IS_NAMED}, {_IS_SHARED} FROM cloned_voice AS voice WHERE voice.id IN :ids"


def advise_deletions(voice_ids: Sequence[int], *, now: datetime) -> dict[int, DeletionAdvice]:
    """Return whether each voice that exists is safe to delete at its provider.

    The caller has checked that the requester may see these voices.
    """
    verdicts, found = read_verdicts(voice_ids, now=now), {}
    for ids in split_into_batches(voice_ids):
        for id, is_in_use, is_shared in fetch_all(_USES, {"ids": list(ids)}):
            found[id] = advise_deletion(verdicts.get(id), is_in_use=bool(is_in_use), is_shared=bool(is_shared))
    return found
