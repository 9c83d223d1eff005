"""Read whether voices can be deleted at their providers without harm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from voiceadmin.cleanup.queries.uses import read_uses
from voiceadmin.cleanup.types.deletion import DeletionAdvice, advise_deletion
from voiceadmin.voices.verdict_queries import read_verdicts


def advise_deletions(voice_ids: Sequence[int], *, now: datetime) -> dict[int, DeletionAdvice]:
    """Return whether each voice that exists is safe to delete at its provider.

    The caller has checked that the requester may see these voices.
    """
    verdicts = read_verdicts(voice_ids, now=now)
    return {id: advise_deletion(verdicts.get(id), use) for id, use in read_uses(voice_ids, now=now).items()}
