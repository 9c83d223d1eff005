"""Find out what a sync of a provider's source would write, and which voices it would look up. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select

from voiceadmin.database.base import db
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.sources.actions.managing import require_source
from voiceadmin.sources.actions.provider_reading import ProviderSnapshot
from voiceadmin.sources.actions.provider_voices import ListChanges, compare_voices, find_refuted, merge_listings
from voiceadmin.sources.breaker import WITHHELD, is_suspicious
from voiceadmin.sources.clients.types import ProviderVoice
from voiceadmin.sources.models import ProviderLookUp
from voiceadmin.sources.provider_queries import is_listed_elsewhere
from voiceadmin.sources.queries import scope_of
from voiceadmin.sources.types import SyncCounts
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


class ProviderPlan(NamedTuple):
    """What a sync would write.

    Attributes:
        listed: the voices of all lists.
        changes: the voices to write. Nothing of them is written if the account is doubted.
        refuted: ids of the voices whose answer is deleted, because a list has them.
        doubt: why lists are not believed although they were read to their end, "" if they are.
        withheld: ids of the voices that the lists lack then, by how they are known: listed before, or named.
        look_ups: ids of the voices to look up.
    """

    listed: Mapping[str, ProviderVoice]
    changes: ListChanges
    refuted: Sequence[str]
    doubt: str
    withheld: Mapping[str, Sequence[str]]
    look_ups: Sequence[str]

    @property
    def is_account_doubted(self) -> bool:
        """Whether the lists may be those of another account, so that no voice of them is written."""
        return self.doubt in DOUBTS_OF_ACCOUNT

    @property
    def counts(self) -> SyncCounts:
        """What a sync would change."""
        if self.is_account_doubted:
            return SyncCounts()
        written, added, returned, *_ = self.changes
        return SyncCounts(
            added=added,
            changed=len(written) - added - returned,
            unchanged=len(self.listed) - len(written),
            missing=len(self.changes.absent),
            returned=returned,
        )


def plan_provider(source_id: int, snapshot: ProviderSnapshot, *, now: datetime, due_at: datetime) -> ProviderPlan:
    """Return what a sync would write.

    Args:
        source_id: the source.
        snapshot: what the provider lists.
        now: written with new voices.
        due_at: when the age of earlier look-ups is measured.
    """
    listed = merge_listings(snapshot.listings)
    changes = compare_voices(source_id, listed, now=now)
    named = _list_named_ids(source_id)
    lacking, answers = [id for id in named if id not in listed], _read_answers(source_id)
    new = [id for id in lacking if id not in answers]
    expected = len(named) - len(lacking) + len(new)
    doubt = _find_doubt(source_id, snapshot, changes.lost, changes.known, len(new), expected)
    is_believed = snapshot.is_complete and not doubt
    withheld = {} if doubt in DOUBTS_OF_ACCOUNT else {"absent": changes.absent, "lacking": new}
    refuted = [] if doubt in DOUBTS_OF_ACCOUNT else find_refuted(source_id, listed)
    look_ups = _choose_due(lacking, answers, due_at) if is_believed else []
    changes = changes if is_believed else changes._replace(absent=())
    db.session.rollback()
    return ProviderPlan(listed, changes, refuted, doubt, withheld, look_ups)


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
            ~is_listed_elsewhere(source),
        )
        .distinct()
    )
    ids = db.session.scalars(statement.order_by(ClonedVoice.provider_voice_id)).all()
    db.session.rollback()
    return ids


def _find_doubt(source_id: int, snapshot: ProviderSnapshot, lost: int, known: int, lacking: int, named: int) -> str:
    """Return why lists are not believed although they were read to their end, "" if they are.

    Args:
        lost, known: voices of ours that the lists lack for the first time, and all that were listed before.
        lacking, named: voices that the platform names and the lists lack for the first time, and all that it names but
            those that were lacking before.
    """
    if _has_account_changed(source_id, snapshot):
        return ACCOUNT_CHANGED
    if snapshot.account_hash is None and require_source(source_id).account_hash:
        return ACCOUNT_UNREADABLE
    if snapshot.is_complete and is_suspicious(lost, known):
        return f"{pluralize(lost, 'voice')} of {known:,} listed before: {WITHHELD}"
    if snapshot.is_complete and is_suspicious(lacking, named):
        return f"{pluralize(lacking, 'voice')} of {named:,} that the platform names: {WITHHELD}"
    return ""


def _has_account_changed(source_id: int, snapshot: ProviderSnapshot) -> bool:
    """Return whether the key belongs to another account than was seen first, and nobody has accepted that."""
    source = require_source(source_id)
    is_other = bool(snapshot.account_hash) and source.account_hash not in ("", snapshot.account_hash)
    return is_other or source.account_changed_at is not None


def _read_answers(source_id: int) -> dict[str, tuple[str, datetime]]:
    """Return what is known about voices that the lists lacked before: the answer and its time by id."""
    columns = select(ProviderLookUp.voice_id, ProviderLookUp.answer, ProviderLookUp.asked_at)
    answers = {id: (answer, at) for id, answer, at in db.session.execute(columns.filter_by(source_id=source_id))}
    db.session.rollback()
    return answers


def _choose_due(lacking: Collection[str], answers: Mapping[str, tuple[str, datetime]], now: datetime) -> list[str]:
    """Return the ids to look up: those without an answer first, then those that were asked for a day ago.

    A voice that a removed source listed is not looked up: another source cannot tell whether it is gone.
    """

    def asked_at(id: str) -> datetime:
        answer, at = answers.get(id, (Answer.NOT_ASKED.value, LONG_AGO))
        return LONG_AGO if answer == Answer.NOT_ASKED.value else at

    elsewhere = {id for id, (answer, _) in answers.items() if answer == Answer.ELSEWHERE.value}
    due = [id for id in lacking if id not in elsewhere and asked_at(id) <= now - ASK_AGAIN]
    return sorted(due, key=lambda id: (asked_at(id), id))[:MAX_LOOK_UPS]
