"""Judge many voices, and store the verdicts that have changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, exists, func, literal_column, or_, select
from sqlalchemy.orm import aliased

from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.dialect import fetch_all, forced_order_join
from voiceadmin.database.transactions import write_transaction
from voiceadmin.database.upserts import upsert_rows
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.sources.actions.managing import require_source
from voiceadmin.sources.actions.resetting import remove_old_resets
from voiceadmin.sources.facts import PROVIDER_KINDS, Facts, JudgedVoice, read_facts
from voiceadmin.sources.models import Source, StoredProviderVoice
from voiceadmin.sources.queries import scope_of_owner
from voiceadmin.sources.types import SourceKind
from voiceadmin.sources.verdicts import Judgement, judge_by_current_lists
from voiceadmin.voices.models import ClonedVoice, VerdictReset, VoiceVerdict
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.types.verdicts import Verdict
from voiceadmin.voices.verdict_queries import find_changed_voices
from voiceadmin.voices.verdicts import IS_RESET

BATCH_SIZE = 2000  # voices of one transaction

# Of a voice, what its verdict depends on.
_VOICE = (
    ClonedVoice.id,
    ClonedVoice.organization_id,
    ClonedVoice.provider,
    ClonedVoice.provider_voice_id,
    ClonedVoice.status,
    func.coalesce(ClonedVoice.upstream_status, ""),
    func.coalesce(ClonedVoice.archived_at, ClonedVoice.status_changed_at, type_=ClonedVoice.archived_at.type),
)

# Of a verdict, what is stored anew if it differs.
_JUDGED_ON = ("organization_id", "provider", "provider_voice_id", "status", "upstream_status")
_OUTCOME = ("verdict", "certainty", "message", "rests_on_absence")
COLUMNS = ("voice_id", *_JUDGED_ON, *_OUTCOME, "since", "judged_at", "reset_id")
_JUDGED = aliased(VoiceVerdict, name="judged")
_STORED = (*(getattr(_JUDGED, name) for name in (*_JUDGED_ON, *_OUTCOME)), literal_column(IS_RESET), _JUDGED.since)

# Voices that share their reference at the provider with one of these, or shared it when these were judged.
_TWINS_OF_VOICES = (
    "SELECT twin.id FROM cloned_voice AS voice {join} cloned_voice AS twin"
    " ON twin.organization_id = voice.organization_id AND twin.provider = voice.provider"
    " AND twin.provider_voice_id = voice.provider_voice_id WHERE voice.id IN :ids"
)
_TWINS_OF_VERDICTS = (
    "SELECT twin.id FROM voice_verdict AS judged {join} cloned_voice AS twin"
    " ON twin.organization_id = judged.organization_id AND twin.provider = judged.provider"
    " AND twin.provider_voice_id = judged.provider_voice_id WHERE judged.voice_id IN :ids"
)


class _Stored(NamedTuple):
    """What is stored of a voice, to be compared. is_reset: whether the sources have changed since."""

    judged_on: tuple[Any, ...]
    outcome: tuple[Any, ...]
    is_reset: bool
    since: datetime


def judge_after_sync(source_id: int, thresholds: AttentionThresholds, *, now: datetime) -> None:
    """Judge the voices of a provider whose lists were read, or those that the platform has changed."""
    source = require_source(source_id)
    kind, organization_id = source.kind, source.organization_id
    if not SourceKind(kind).is_platform:
        judge_source(source_id, kind, organization_id, thresholds, now=now)
        remove_old_resets(kind, now=now)
    elif organization_id is not None:
        judge_changed_voices(organization_id, thresholds, now=now)


def judge_source(
    source_id: int, kind: str, organization_id: int | None, thresholds: AttentionThresholds, *, now: datetime
) -> int:
    """Judge the voices that a source of a provider can list, and those of other providers that it lists or listed.

    Args:
        source_id: of the source, which may have been removed.
        kind: of the source. Nothing is done for one of the platform.
        organization_id: the owner of the source; None for the platform.

    Returns:
        How many verdicts were written: those that have changed, and those that did not hold.
    """
    if kind not in PROVIDER_KINDS:
        return 0
    is_in_scope = restrict_to_scope(scope_of_owner(organization_id), ClonedVoice.organization_id)
    can_be_judged = (ClonedVoice.provider.in_(PROVIDER_KINDS), ClonedVoice.provider_voice_id != "", is_in_scope)
    own = select(ClonedVoice.id).where(ClonedVoice.provider == kind, *can_be_judged)
    others = select(ClonedVoice.id).where(ClonedVoice.provider != kind, *can_be_judged, _is_concerned(source_id))
    return sum(judge_in_batches([*db.session.scalars(own), *db.session.scalars(others)], thresholds, now))


def _is_concerned(source_id: int) -> ColumnElement[bool]:
    """Return the condition that the verdict of a voice of another provider can depend on a source.

    Of a source that was removed, or whose account has changed, only the verdicts are left.
    """
    row = (StoredProviderVoice.source_id == source_id, StoredProviderVoice.voice_id == ClonedVoice.provider_voice_id)
    doubtful = or_(VoiceVerdict.verdict.is_(None), VoiceVerdict.verdict == Verdict.WRONG_PROVIDER)
    return or_(exists().where(*row), exists().where(VoiceVerdict.voice_id == ClonedVoice.id, doubtful))


def judge_changed_voices(organization_id: int, thresholds: AttentionThresholds, *, now: datetime) -> int:
    """Judge the voices of an organization that changed since they were judged. Return how many verdicts changed."""
    if not has_provider_sources():
        return 0
    ids = find_changed_voices(organization_id, PROVIDER_KINDS)
    return sum(judge_in_batches(_add_twins(ids), thresholds, now))


def judge_voices(ids: Sequence[int], thresholds: AttentionThresholds, *, now: datetime) -> int:
    """Judge voices, and those with the same ID at the provider. Call inside a write transaction.

    Nothing is done if there is no source of a provider.
    """
    if not ids or not has_provider_sources():
        return 0
    return sum(_judge(batch, thresholds, now) for batch in split_into_batches(_add_twins(ids), BATCH_SIZE))


def has_provider_sources() -> bool:
    """Return whether any provider is connected."""
    return db.session.scalar(select(exists().where(Source.kind.in_(PROVIDER_KINDS)))) or False


def _add_twins(ids: Sequence[int]) -> list[int]:
    """Return voices with those that have, or had, the same ID at the provider: one may be a duplicate of the other."""
    found, join = set(ids), forced_order_join()
    for batch in split_into_batches(ids):
        for statement in (_TWINS_OF_VOICES, _TWINS_OF_VERDICTS):
            found.update(row[0] for row in fetch_all(statement.format(join=join), {"ids": list(batch)}))
    return sorted(found)


def judge_in_batches(ids: Iterable[int], thresholds: AttentionThresholds, now: datetime) -> Iterator[int]:
    """Judge voices in transactions of BATCH_SIZE. Yield after each of them how many verdicts it wrote."""
    db.session.rollback()
    for batch in split_into_batches(sorted(set(ids)), BATCH_SIZE):
        with write_transaction():
            changed = _judge(batch, thresholds, now)
        yield changed


def _judge(ids: Sequence[int], thresholds: AttentionThresholds, now: datetime) -> int:
    """Judge a batch, in the order of the ids so that two transactions cannot deadlock. Write what differs."""
    # Read before the sources: if they change in between, the reset is newer than these verdicts.
    reset_id = db.session.scalar(select(func.max(VerdictReset.id))) or 0
    voices = _read_voices(ids)
    facts = read_facts([voice for voice, _ in voices], now=now)
    rows = [(*row, now, reset_id) for row in _find_changes(voices, facts, thresholds, now)]
    present = _lock_voices([row[0] for row in rows])
    rows = [row for row in rows if row[0] in present]
    upsert_rows(VoiceVerdict, COLUMNS, rows)
    return len(rows)


def _read_voices(ids: Sequence[int]) -> list[tuple[JudgedVoice, _Stored | None]]:
    """Return voices with what is stored of them, in the order of their ids."""
    found, split, end = [], len(_VOICE), len(_VOICE) + len(_JUDGED_ON)
    for batch in split_into_batches(ids):
        joined = select(*_VOICE, *_STORED).outerjoin(_JUDGED, _JUDGED.voice_id == ClonedVoice.id)
        statement = joined.where(ClonedVoice.id.in_(batch)).order_by(ClonedVoice.id)
        for row in db.session.execute(statement):
            stored = None if row[-1] is None else _Stored(tuple(row[split:end]), tuple(row[end:-2]), *row[-2:])
            voice = JudgedVoice(*row[:split])
            found.append((voice._replace(status=VoiceStatus(voice.status).value), stored))
    return found


def _lock_voices(ids: Sequence[int]) -> set[int]:
    """Let voices not be removed until the transaction ends, and return those that still exist.

    Only voices whose verdict changes are locked: on PostgreSQL, a lock is a write of the row.
    """
    present = set[int]()
    for batch in split_into_batches(ids):
        statement = select(ClonedVoice.id).where(ClonedVoice.id.in_(batch)).order_by(ClonedVoice.id)
        present.update(db.session.scalars(statement.with_for_update(read=True, key_share=True)))
    return present


def _find_changes(
    voices: Iterable[tuple[JudgedVoice, _Stored | None]], facts: Facts, thresholds: AttentionThresholds, now: datetime
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows to write, without the last two columns: those that differ, and those that do not hold.

    Nothing is written while the sources say nothing about any voice: that is read.
    """
    for voice, stored in voices:
        if facts.find_lists(voice.provider, voice.organization_id).unverified is not None:
            continue
        timeout = thresholds.cloning_timeout(voice.provider)
        provider, platform = facts.build_provider_facts(voice), facts.build_platform_facts(voice)
        judgement = judge_by_current_lists(platform, provider, now=now, cloning_timeout=timeout)
        judged_on, outcome = tuple(voice[1:6]), _store(judgement)
        if stored is None or stored.is_reset or (stored.judged_on, stored.outcome) != (judged_on, outcome):
            since = stored.since if stored is not None and _continues(stored, judged_on, outcome) else now
            yield (voice.id, *judged_on, *outcome, since)


def _store(judgement: Judgement) -> tuple[Any, ...]:
    """Return the values of _OUTCOME."""
    verdict = None if judgement.verdict is None else judgement.verdict.value
    return verdict, judgement.certainty.value, judgement.message, judgement.rests_on_absence


def _continues(stored: _Stored, judged_on: tuple[Any, ...], outcome: tuple[Any, ...]) -> bool:
    """Return whether the same voice at the provider has the same verdict and certainty as before."""
    return stored.judged_on[1:3] == judged_on[1:3] and stored.outcome[:2] == outcome[:2]
