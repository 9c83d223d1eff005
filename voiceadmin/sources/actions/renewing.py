"""Judge voices again after sources have changed: few at once, many by the process that syncs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import update

from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.sources.actions.judging import judge_in_batches
from voiceadmin.sources.reset_queries import Reset, list_unjudged_resets, list_voices_to_judge
from voiceadmin.voices.models import VerdictReset

MAX_JUDGED_AT_ONCE = 10_000  # voices that a web request judges

LATER = f" The verdicts of more than {MAX_JUDGED_AT_ONCE:,} voices are renewed before the next sync."


def renew_verdicts(
    thresholds: AttentionThresholds, *, now: datetime, may_continue: Callable[[], bool] = lambda: True
) -> bool:
    """Judge all voices whose verdicts do not hold because sources have changed. Return whether all were judged.

    A process that is killed, or stopped by `may_continue` between two transactions, leaves the rest to the next call.
    """
    return all(
        _judge(reset, list_voices_to_judge(reset), thresholds, now, may_continue) for reset in list_unjudged_resets()
    )


def renew_few_verdicts(owners: Collection[int | None], thresholds: AttentionThresholds, *, now: datetime) -> bool:
    """Judge the voices of changes of these owners, at most MAX_JUDGED_AT_ONCE. Return whether all were judged.

    Args:
        owners: of the sources or voices that have changed; None for the platform.
    """
    left, is_done = MAX_JUDGED_AT_ONCE, True
    for reset in list_unjudged_resets():
        if reset.organization_id in owners:
            ids = list_voices_to_judge(reset, left + 1)
            if len(ids) > left:
                is_done = False
            else:
                _judge(reset, ids, thresholds, now)
                left -= len(ids)
    return is_done


def _judge(
    reset: Reset,
    ids: Sequence[int],
    thresholds: AttentionThresholds,
    now: datetime,
    may_continue: Callable[[], bool] = lambda: True,
) -> bool:
    """Judge the voices of a reset, and note that. Return whether all were judged."""
    for _ in judge_in_batches(ids, thresholds, now):
        if not may_continue():
            return False
    with write_transaction():
        db.session.execute(update(VerdictReset).where(VerdictReset.id == reset.id).values(judged_at=now))
    return True
