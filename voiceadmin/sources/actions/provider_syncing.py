"""Write what a provider lists, and look up the voices that its list lacks."""

from __future__ import annotations

from collections.abc import Sequence

from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.sources.actions.managing import require_source
from voiceadmin.sources.actions.provider_planning import ProviderPlan
from voiceadmin.sources.actions.provider_reading import ProviderSnapshot
from voiceadmin.sources.actions.provider_voices import mark_absent, write_listings, write_slots, write_voices
from voiceadmin.sources.actions.runs import Run
from voiceadmin.sources.clients.outcomes import Complete
from voiceadmin.sources.clients.types import Absent, Found, LookUp
from voiceadmin.sources.models import ProviderLookUp
from voiceadmin.sources.verdicts import Answer


def write_provider(run: Run, snapshot: ProviderSnapshot, plan: ProviderPlan) -> None:
    """Write the voices, the outcome of each listing, the slots, and the answers about voices that the list lacks."""
    _write_account(run, snapshot)
    if not plan.is_account_doubted:
        write_voices(run.source_id, plan.changes, plan.refuted, run.progress.report_written)
        mark_absent(run.source_id, plan.changes.absent, now=run.now)
        if snapshot.slots is not None:
            is_whole = snapshot.is_complete and not plan.doubt
            write_slots(run.source_id, snapshot.slots, plan.listed.values() if is_whole else None, now=run.now)
        run.counts = plan.counts
    write_listings(run.source_id, snapshot.listings, plan.doubt, plan.withheld, now=run.now)
    for message in describe_outcomes(snapshot, plan.doubt):
        run.limit(message)
    _look_up(run, snapshot, plan.look_ups)


def describe_outcomes(snapshot: ProviderSnapshot, doubt: str) -> list[str]:
    """Return why the result is not complete."""
    messages = [
        f"List “{name}”: {outcome.fault.message}"
        for name, outcome in snapshot.listings.items()
        if not isinstance(outcome, Complete)
    ]
    return [*messages, doubt] if doubt else messages


def _write_account(run: Run, snapshot: ProviderSnapshot) -> None:
    """Write what identifies the account, or since when it is another one."""
    with write_transaction():
        source = require_source(run.source_id)
        if snapshot.account_hash and source.account_hash not in ("", snapshot.account_hash):
            source.account_changed_at = source.account_changed_at or run.now
        elif snapshot.account_hash:
            source.account_hash = snapshot.account_hash


def _look_up(run: Run, snapshot: ProviderSnapshot, voice_ids: Sequence[str]) -> None:
    """Ask for voices that the list lacks, and write the answers."""
    for number, voice_id in enumerate(voice_ids):
        run.progress.report_looked_up(number, len(voice_ids))
        answer, message = _describe(snapshot.look_up(voice_id))
        with write_transaction():
            _write_answer(run, voice_id, answer, message)


def _write_answer(run: Run, voice_id: str, answer: Answer, message: str) -> None:
    """Write an answer, unless a source that may have the voice was removed since the look-ups were planned."""
    row = db.session.get(ProviderLookUp, (run.source_id, voice_id), with_for_update=True)
    if row is None:
        row = ProviderLookUp(source_id=run.source_id, voice_id=voice_id)
        db.session.add(row)
    elif row.answer == Answer.ELSEWHERE.value:
        return
    row.answer, row.message, row.asked_at = answer.value, message, run.now


def _describe(look_up: LookUp) -> tuple[Answer, str]:
    if isinstance(look_up, Found):
        return Answer.FOUND, "The provider has the voice, although its list lacks it."
    if isinstance(look_up, Absent):
        return Answer.ABSENT, look_up.message
    return Answer.UNCLEAR, look_up.fault.message
