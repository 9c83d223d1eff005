"""Read stored verdicts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.dialect import fetch_all
from voiceadmin.database.types import parse_timestamp
from voiceadmin.voices.types.verdicts import MAX_LIST_AGE, Certainty, StoredVerdict, Verdict
from voiceadmin.voices.verdicts import ARE_LISTS_CURRENT, HOLDS, IS_UNCHANGED, IS_VALID

_VERDICTS = (
    f"SELECT voice.id, judged.verdict, judged.certainty, judged.since, judged.rests_on_absence,"
    f" {ARE_LISTS_CURRENT}"
    f" FROM cloned_voice AS voice JOIN voice_verdict AS judged ON {IS_VALID}"
    f" WHERE voice.id IN :ids AND judged.verdict IS NOT NULL AND {HOLDS}"
)

_CHANGED = (
    f"SELECT voice.id FROM cloned_voice AS voice LEFT JOIN voice_verdict AS judged ON {IS_UNCHANGED}"
    " WHERE voice.organization_id = :organization AND voice.provider IN :providers AND voice.provider_voice_id <> ''"
    " AND judged.voice_id IS NULL"
)


def find_changed_voices(organization_id: int, providers: Collection[str]) -> list[int]:
    """Return the ids of voices at some providers that are not what they were judged on, or were never judged."""
    parameters = {"organization": organization_id, "providers": list(providers)}
    return [row[0] for row in fetch_all(_CHANGED, parameters)]


def read_verdicts(voice_ids: Sequence[int], *, now: datetime) -> dict[int, StoredVerdict]:
    """Return the verdicts of voices by id, without those of which nothing can be said now.

    The caller has checked that the requester may see these voices.
    """
    found = {}
    for ids in split_into_batches(voice_ids):
        parameters = {"ids": list(ids), "lists_before": now - MAX_LIST_AGE}
        for id, verdict, certainty, since, is_absent, is_current in fetch_all(_VERDICTS, parameters):
            held = Certainty(certainty) if is_current else Certainty.STALE
            found[id] = StoredVerdict(Verdict(verdict), held, parse_timestamp(since), bool(is_absent))
    return found
