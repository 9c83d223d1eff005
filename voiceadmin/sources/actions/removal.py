"""Remember the voices of a removed source or a former account, so that no other one reports them as missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, or_, select, union

from voiceadmin.database.base import db
from voiceadmin.database.upserts import upsert_rows
from voiceadmin.organizations.queries import restrict_to_scope
from voiceadmin.sources.models import ProviderLookUp, Source, StoredProviderVoice
from voiceadmin.sources.provider_queries import is_listed_elsewhere
from voiceadmin.sources.queries import scope_of
from voiceadmin.sources.verdicts import Answer
from voiceadmin.voices.models import ClonedVoice

MESSAGE = "A source that was removed, or a former account, may have the voice."

COLUMNS = ("source_id", "voice_id", "answer", "message", "asked_at")


def remember_voices(source: Source, *, now: datetime) -> None:
    """Note with the other sources of a provider which voices this one may have. Call inside a write transaction.

    The others read other workspaces, so that their answer about these voices proves nothing.
    """
    others = db.session.scalars(select(Source.id).where(Source.kind == source.kind, Source.id != source.id)).all()
    possible = list_possible(source)
    for other in others:
        note_elsewhere(other, possible, now=now)


def note_elsewhere(source_id: int, voice_ids: Collection[str], *, now: datetime) -> None:
    """Note that the answer of a source about voices that it does not list proves nothing."""
    present = set(_list_present(source_id))
    rows = [(source_id, id, Answer.ELSEWHERE.value, MESSAGE, now) for id in voice_ids if id not in present]
    upsert_rows(ProviderLookUp, COLUMNS, rows)


def list_possible(source: Source) -> Sequence[str]:
    """Return the ids of the voices that a source lists, and of others of which it is not known that they are gone.

    The platform may name a voice that was created since the lists were read.
    """
    look_ups, voices = ProviderLookUp.source_id == source.id, StoredProviderVoice.source_id == source.id
    gone = select(ProviderLookUp.voice_id).where(look_ups, ProviderLookUp.answer == Answer.ABSENT.value)
    may_exist = or_(StoredProviderVoice.absent_since.is_(None), StoredProviderVoice.voice_id.not_in(gone))
    listed = select(StoredProviderVoice.voice_id).where(voices, may_exist)
    asked = select(ProviderLookUp.voice_id).where(look_ups, ProviderLookUp.answer != Answer.ABSENT.value)
    return sorted(db.session.scalars(union(listed, asked, _select_named(source, gone))))


def _select_named(source: Source, gone: Select[str]) -> Select[str]:
    """Return the statement that selects the ids of the voices that the platform names and no other source lists."""
    return select(ClonedVoice.provider_voice_id).where(
        ClonedVoice.provider == source.kind,
        ClonedVoice.provider_voice_id != "",
        ClonedVoice.provider_voice_id.not_in(gone),
        restrict_to_scope(scope_of(source), ClonedVoice.organization_id),
        ~is_listed_elsewhere(source),
    )


def _list_present(source_id: int) -> Sequence[str]:
    """Return the ids of the voices that a source lists."""
    is_present = (StoredProviderVoice.source_id == source_id, StoredProviderVoice.absent_since.is_(None))
    return db.session.scalars(select(StoredProviderVoice.voice_id).where(*is_present)).all()
