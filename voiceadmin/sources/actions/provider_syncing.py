"""Write what a provider lists, and look up the voices that its list lacks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, exists, or_, select

from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.sources.actions.managing import require_source
from voiceadmin.sources.actions.provider_reading import ProviderSnapshot
from voiceadmin.sources.actions.provider_voices import (
    compare_voices,
    mark_absent,
    merge_listings,
    write_listings,
    write_slots,
    write_voices,
)
from voiceadmin.sources.actions.runs import Run
from voiceadmin.sources.breaker import WITHHELD, is_suspicious
from voiceadmin.sources.clients.outcomes import Complete
from voiceadmin.sources.clients.types import Absent, Found, LookUp
from voiceadmin.sources.models import ProviderLookUp, Source, StoredProviderVoice
from voiceadmin.sources.queries import scope_of
from voiceadmin.sources.verdicts import Answer
from voiceadmin.text import pluralize
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.status import VoiceStatus

MAX_LOOK_UPS = 50  # of a run

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

ASK_AGAIN = timedelta(days=1)  # after which a voice that is still absent is looked up again

ACCOUNT_CHANGED = (
    "The key belongs to another account than before. Nothing is concluded from its lists until a person accepts it."
)

ACCOUNT_UNREADABLE = (
    "The account behind the key could not be read, as it was before. Nothing is concluded from the lists, because they "
    "may be those of another account. Give the key the right to read its account."
)

DOUBTS_OF_ACCOUNT = (ACCOUNT_CHANGED, ACCOUNT_UNREADABLE)


def write_provider(run: Run, snapshot: ProviderSnapshot) -> None:
    """Write the voices, the outcome of each listing, the slots, and the answers about voices that the list lacks."""
    listed = merge_listings(snapshot.listings)
    changes = compare_voices(run.source_id, listed, now=run.now)
    named = _list_named_ids(run.source_id)
    lacking, answers = [id for id in named if id not in listed], _read_answers(run.source_id)
    new = [id for id in lacking if id not in answers]
    expected = len(named) - len(lacking) + len(new)
    doubt = _find_doubt(run, snapshot, changes.lost, changes.known, len(new), expected)
    absent = changes.absent
    if not snapshot.is_complete or doubt:
        changes = changes._replace(absent=())
    if doubt not in DOUBTS_OF_ACCOUNT:
        write_voices(run.source_id, changes, listed)
        mark_absent(run.source_id, changes.absent, now=run.now)
        if snapshot.slots is not None:
            is_whole = snapshot.is_complete and not doubt
            write_slots(run.source_id, snapshot.slots, listed.values() if is_whole else None, now=run.now)
        run.counts.added, run.counts.changed = changes.added, len(changes.written) - changes.added - changes.returned
        run.counts.unchanged = len(listed) - len(changes.written)
        run.counts.missing, run.counts.returned = len(changes.absent), changes.returned
    withheld = {} if doubt in DOUBTS_OF_ACCOUNT else {"absent": absent, "lacking": new}
    write_listings(run.source_id, snapshot.listings, doubt, withheld, now=run.now)
    _note_outcomes(run, snapshot, doubt)
    if snapshot.is_complete and not doubt:
        _look_up(run, snapshot, _choose_due(run, lacking, answers))


def _note_outcomes(run: Run, snapshot: ProviderSnapshot, doubt: str) -> None:
    """Note why the result is not complete."""
    for name, outcome in snapshot.listings.items():
        if not isinstance(outcome, Complete):
            run.limit(f"List “{name}”: {outcome.fault.message}")
    if doubt:
        run.limit(doubt)


def _list_named_ids(source_id: int) -> Sequence[str]:
    """Return the provider's ids of all voices that the platform names and that are neither archived nor failed.

    Voices that another source of the provider lists are not expected in this one.
    """
    source = require_source(source_id)
    statement = (
        select(ClonedVoice.provider_voice_id)
        .where(
            restrict_to_scope(scope_of(source), ClonedVoice.organization_id),
            ClonedVoice.provider == source.kind,
            ClonedVoice.status.in_([VoiceStatus.READY, VoiceStatus.PROCESSING]),
            ClonedVoice.provider_voice_id != "",
            ~_is_listed_elsewhere(source),
        )
        .distinct()
    )
    ids = db.session.scalars(statement.order_by(ClonedVoice.provider_voice_id)).all()
    db.session.rollback()
    return ids


def _is_listed_elsewhere(source: Source) -> ColumnElement[bool]:
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


def _find_doubt(run: Run, snapshot: ProviderSnapshot, lost: int, known: int, lacking: int, named: int) -> str:
    """Return why lists are not believed although they were read to their end, "" if they are.

    Args:
        lost, known: voices of ours that the lists lack for the first time, and all that were listed before.
        lacking, named: voices that the platform names and the lists lack for the first time, and all that it names but
            those that were lacking before.
    """
    if _has_account_changed(run, snapshot):
        return ACCOUNT_CHANGED
    if snapshot.account_hash is None and require_source(run.source_id).account_hash:
        return ACCOUNT_UNREADABLE
    if snapshot.is_complete and is_suspicious(lost, known):
        return f"{pluralize(lost, 'voice')} of {known:,} listed before: {WITHHELD}"
    if snapshot.is_complete and is_suspicious(lacking, named):
        return f"{pluralize(lacking, 'voice')} of {named:,} that the platform names: {WITHHELD}"
    return ""


def _has_account_changed(run: Run, snapshot: ProviderSnapshot) -> bool:
    """Return whether the key belongs to another account than was seen first, and nobody has accepted that."""
    with write_transaction():
        source = require_source(run.source_id)
        if snapshot.account_hash and source.account_hash not in ("", snapshot.account_hash):
            source.account_changed_at = source.account_changed_at or run.now
        elif snapshot.account_hash:
            source.account_hash = snapshot.account_hash
        return source.account_changed_at is not None


def _read_answers(source_id: int) -> dict[str, tuple[str, datetime]]:
    """Return what is known about voices that the lists lacked before: the answer and its time by id."""
    columns = select(ProviderLookUp.voice_id, ProviderLookUp.answer, ProviderLookUp.asked_at)
    answers = {id: (answer, at) for id, answer, at in db.session.execute(columns.filter_by(source_id=source_id))}
    db.session.rollback()
    return answers


def _choose_due(run: Run, lacking: Collection[str], answers: Mapping[str, tuple[str, datetime]]) -> list[str]:
    """Return the ids to look up: those without an answer first, then those that were asked for a day ago.

    A voice that a removed source listed is not looked up: another source cannot tell whether it is gone.
    """

    def asked_at(id: str) -> datetime:
        answer, at = answers.get(id, (Answer.NOT_ASKED.value, LONG_AGO))
        return LONG_AGO if answer == Answer.NOT_ASKED.value else at

    elsewhere = {id for id, (answer, _) in answers.items() if answer == Answer.ELSEWHERE.value}
    due = [id for id in lacking if id not in elsewhere and asked_at(id) <= run.now - ASK_AGAIN]
    return sorted(due, key=lambda id: (asked_at(id), id))[:MAX_LOOK_UPS]


def _look_up(run: Run, snapshot: ProviderSnapshot, voice_ids: Sequence[str]) -> None:
    """Ask for voices that the list lacks, and write the answers."""
    for voice_id in voice_ids:
        answer, message = _describe(snapshot.look_up(voice_id))
        with write_transaction():
            row = db.session.get(ProviderLookUp, (run.source_id, voice_id))
            if row is None:
                row = ProviderLookUp(source_id=run.source_id, voice_id=voice_id)
                db.session.add(row)
            row.answer, row.message, row.asked_at = answer.value, message, run.now


def _describe(look_up: LookUp) -> tuple[Answer, str]:
    if isinstance(look_up, Found):
        return Answer.FOUND, "The provider has the voice, although its list lacks it."
    if isinstance(look_up, Absent):
        return Answer.ABSENT, look_up.message
    return Answer.UNCLEAR, look_up.fault.message
