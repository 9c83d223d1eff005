"""Collect what the database knows about a voice at its provider, and judge it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import exists, or_, select

from voiceadmin.database.base import db
from voiceadmin.sources.clients.types import ProviderState
from voiceadmin.sources.models import ProviderListing, ProviderLookUp, Source, StoredProviderVoice
from voiceadmin.sources.types import ListingResult, SourceKind
from voiceadmin.sources.verdicts import Answer, Judgement, ListedVoice, PlatformFacts, ProviderFacts, judge
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.provider import provider_label
from voiceadmin.voices.types.rows import VoiceDetail
from voiceadmin.voices.types.status import VoiceStatus

MAX_AGE = timedelta(days=2)  # of lists from which a voice can be missing

TOO_OLD = "Its lists have not been read for more than two days."

NOT_READ = "Its lists have not been read yet. Sync the source."


NO_ANSWERS = (Answer.NOT_ASKED, Answer.ELSEWHERE)


class SourceEvidence(NamedTuple):
    """What one source says about a voice.

    Attributes:
        read_at: when its lists were last read as a whole; None if never.
        message: why its newest lists say nothing, "" if they are complete.
        raw_state: the provider's words for the voice; "" if its list lacks the voice.
        reason: the provider's text about a failure.
        breaks_at: when the voice will stop working.
        looked_up_at, answer: of the newest look-up; None and "" if there was none.
    """

    source_id: int
    name: str
    read_at: datetime | None
    message: str
    raw_state: str = ""
    reason: str = ""
    breaks_at: datetime | None = None
    looked_up_at: datetime | None = None
    answer: str = ""


class VoiceEvidence(NamedTuple):
    """A judgement, and what each source says."""

    judgement: Judgement
    sources: Sequence[SourceEvidence]


class _Known(NamedTuple):
    """A source with its listings, and what it says about one voice."""

    source: Source
    now: datetime
    listings: Sequence[ProviderListing]
    voice: StoredProviderVoice | None
    look_up: ProviderLookUp | None

    @property
    def read_at(self) -> datetime | None:
        """When the older of its lists was last read as a whole; None if one never was."""
        times = [listing.complete_at for listing in self.listings]
        return None if not times or None in times else min(time for time in times if time is not None)

    @property
    def message(self) -> str:
        """Why its newest lists say nothing, "" if they are complete."""
        if self.source.account_changed_at is not None:
            return "Its key belongs to another account than before."
        if not self.listings:
            return NOT_READ
        messages = [row.message for row in self.listings if row.result != ListingResult.COMPLETE]
        if messages or self.read_at is None:
            return messages[0] if messages else NOT_READ
        return TOO_OLD if self.now - self.read_at > MAX_AGE else ""

    @property
    def listed(self) -> StoredProviderVoice | None:
        """The voice, None if the lists lack it."""
        return self.voice if self.voice is not None and self.voice.absent_since is None else None


def collect_evidence(detail: VoiceDetail, *, now: datetime, cloning_timeout: timedelta) -> VoiceEvidence | None:
    """Judge a voice by the sources of its provider; None if there is no such kind of source, or it has no ID there."""
    voice, organization_id = detail.voice, detail.organization.id
    if voice.provider not in {kind.value for kind in SourceKind if not kind.is_platform} or not voice.provider_voice_id:
        return None
    known = [_read(source, voice.provider_voice_id, now) for source in _list_sources(voice.provider, organization_id)]
    provider = _build_facts(voice.provider, known)
    if provider.listed is None and not provider.unverified:
        provider = _add_other_provider(provider, voice.provider, voice.provider_voice_id, organization_id)
    judgement = judge(_build_platform_facts(detail), provider, now=now, cloning_timeout=cloning_timeout)
    return VoiceEvidence(judgement, [_describe(item) for item in known])


def _list_sources(provider: str, organization_id: int) -> Sequence[Source]:
    """Return the sources of a provider that can list voices of an organization."""
    is_own = or_(Source.organization_id == organization_id, Source.organization_id.is_(None))
    return db.session.scalars(select(Source).where(Source.kind == provider, is_own).order_by(Source.id)).all()


def _read(source: Source, voice_id: str, now: datetime) -> _Known:
    listings = db.session.scalars(select(ProviderListing).filter_by(source_id=source.id)).all()
    voice = db.session.get(StoredProviderVoice, (source.id, voice_id))
    return _Known(source, now, listings, voice, db.session.get(ProviderLookUp, (source.id, voice_id)))


def _build_facts(provider: str, known: Sequence[_Known]) -> ProviderFacts:
    """Return what the enabled sources of a provider say together.

    A disabled source may have any voice that the others lack.
    """
    enabled = [item for item in known if item.source.disabled_at is None]
    disabled = [item.source.name for item in known if item.source.disabled_at is not None]
    if not enabled:
        what = "Its source is disabled" if disabled else "No source is connected"
        return ProviderFacts(unverified=f"{what}, so that {provider_label(provider)} is not asked.", is_by_choice=True)
    unread = [item for item in enabled if item.read_at is None or item.source.account_changed_at is not None]
    if unread:
        return ProviderFacts(unverified=f"{unread[0].source.name}: {unread[0].message}")
    voices = [item.listed for item in enabled if item.listed is not None]
    if disabled and not voices:
        message = f"The lists that are read lack the voice. “{disabled[0]}” is disabled, and may have it."
        return ProviderFacts(unverified=message, is_by_choice=True)
    voices.sort(key=lambda voice: not voice.is_ours)
    return ProviderFacts(
        is_current=not any(item.message for item in enabled),
        listed=_build_listed(voices[0]) if voices else None,
        answer=_combine([item.look_up for item in enabled]),
    )


def _build_listed(voice: StoredProviderVoice) -> ListedVoice:
    return ListedVoice(ProviderState(voice.state), voice.is_ours, voice.breaks_at)


def _combine(look_ups: Sequence[ProviderLookUp | None]) -> Answer:
    """Return the answer of several sources: one that finds the voice is enough, and absent are all or none."""
    answers = {Answer.NOT_ASKED if row is None else Answer(row.answer) for row in look_ups}
    for answer in (Answer.FOUND, Answer.ELSEWHERE, Answer.UNCLEAR, Answer.NOT_ASKED):
        if answer in answers:
            return answer
    return Answer.ABSENT


def _add_other_provider(facts: ProviderFacts, provider: str, voice_id: str, organization_id: int) -> ProviderFacts:
    """Return facts with another provider that lists a voice of ours with this ID, if there is one."""
    sources = _list_other_sources(provider, voice_id, organization_id)
    read = [source for source in sources if source.disabled_at is None and source.account_changed_at is None]
    if read:
        return replace(facts, other_provider=provider_label(read[0].kind))
    if sources:
        message = f"“{sources[0].name}” of another provider listed a voice with this ID, but is not read any more."
        return replace(facts, unverified=message, is_by_choice=sources[0].disabled_at is not None)
    return facts


def _list_other_sources(provider: str, voice_id: str, organization_id: int) -> Sequence[Source]:
    """Return the sources of other providers that list a voice of ours with this ID."""
    statement = (
        select(Source)
        .join(StoredProviderVoice, StoredProviderVoice.source_id == Source.id)
        .where(
            StoredProviderVoice.voice_id == voice_id,
            StoredProviderVoice.is_ours,
            StoredProviderVoice.absent_since.is_(None),
            Source.kind != provider,
            or_(Source.organization_id == organization_id, Source.organization_id.is_(None)),
        )
    )
    return db.session.scalars(statement.order_by(Source.id)).all()


def _build_platform_facts(detail: VoiceDetail) -> PlatformFacts:
    voice = detail.voice
    twin = (
        ClonedVoice.organization_id == detail.organization.id,
        ClonedVoice.provider == voice.provider,
        ClonedVoice.provider_voice_id == voice.provider_voice_id,
        ClonedVoice.status != VoiceStatus.ARCHIVED,
        ClonedVoice.id != voice.id,
    )
    return PlatformFacts(
        status=detail.archive.upstream_status if detail.archive else voice.status,
        status_changed_at=detail.status_changed_at,
        is_archived_here=detail.archive is not None,
        is_duplicate=bool(db.session.scalar(select(exists().where(*twin)))),
    )


def _describe(item: _Known) -> SourceEvidence:
    listed, is_asked = item.listed, item.look_up is not None and item.look_up.answer not in NO_ANSWERS
    asked = item.look_up if is_asked else None
    return SourceEvidence(
        source_id=item.source.id,
        name=item.source.name,
        read_at=item.read_at,
        message="This source is disabled." if item.source.disabled_at else item.message,
        raw_state=(listed.raw_state or ProviderState(listed.state).label) if listed else "",
        reason=listed.reason if listed else "",
        breaks_at=listed.breaks_at if listed else None,
        looked_up_at=asked.asked_at if asked else None,
        answer=asked.message if asked else "",
    )
