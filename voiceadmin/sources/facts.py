"""Read the facts about voices at their provider, for one voice or for many with a bounded number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import or_, select

from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.sources.clients.types import ProviderState
from voiceadmin.sources.models import ProviderListing, ProviderLookUp, Source, StoredProviderVoice
from voiceadmin.sources.types import ListingResult, SourceKind
from voiceadmin.sources.verdicts import Answer, ListedVoice, PlatformFacts, ProviderFacts
from voiceadmin.voices.models import SharedProviderVoiceRef
from voiceadmin.voices.types.provider import provider_label
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.voices.types.verdicts import MAX_LIST_AGE

TOO_OLD = "Its lists have not been read for more than two days."

NOT_READ = "Its lists have not been read yet. Sync the source."

PROVIDER_KINDS = tuple(kind.value for kind in SourceKind if not kind.is_platform)


class JudgedVoice(NamedTuple):
    """A voice of the platform, as far as a judgement depends on it.

    Attributes:
        status: that is shown: "archived" for a voice that was archived here.
        upstream_status: of a voice that was archived here; "" for any other.
        changed_at: when it got its status or was archived here, at the latest.
    """

    id: int
    organization_id: int
    provider: str
    provider_voice_id: str
    status: str
    upstream_status: str
    changed_at: datetime


class SourceLists(NamedTuple):
    """A source of a provider, and how its lists were read. now: when this is judged."""

    source: Source
    listings: Sequence[ProviderListing]
    now: datetime

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
        return TOO_OLD if self.now - self.read_at > MAX_LIST_AGE else ""


class ListedRow(NamedTuple):
    """A voice in a list of a source; columns of `StoredProviderVoice`."""

    source_id: int
    voice_id: str
    state: str
    is_ours: bool
    raw_state: str
    reason: str
    breaks_at: datetime | None


class LookUpRow(NamedTuple):
    """The answer of a source about one voice; columns of `ProviderLookUp`."""

    source_id: int
    voice_id: str
    answer: str
    message: str
    asked_at: datetime


class SourceFacts(NamedTuple):
    """What one source says about a voice. listed: None if its lists lack it. look_up: None if there was none."""

    lists: SourceLists
    listed: ListedRow | None
    look_up: LookUpRow | None


class ListsOfProvider(NamedTuple):
    """The sources of a provider that can list voices of one organization.

    Attributes:
        all: in the order of their ids.
        enabled: those that are not disabled.
        unverified: facts that hold for every voice, if these lists say nothing about any; None otherwise.
        is_current: whether the lists are the newest that were requested.
    """

    all: Sequence[SourceLists]
    enabled: Sequence[SourceLists]
    unverified: ProviderFacts | None
    is_current: bool

    @classmethod
    def combine(cls, provider: str, lists: Sequence[SourceLists]) -> ListsOfProvider:
        """Return what the sources of a provider say about all voices together."""
        enabled = [item for item in lists if item.source.disabled_at is None]
        is_current = not any(item.message for item in enabled)
        return cls(lists, enabled, _find_unverified(provider, lists, enabled), is_current)


def _find_unverified(
    provider: str, lists: Sequence[SourceLists], enabled: Sequence[SourceLists]
) -> ProviderFacts | None:
    if not enabled:
        what = "Its source is disabled" if lists else "No source is connected"
        return ProviderFacts(unverified=f"{what}, so that {provider_label(provider)} is not asked.", is_by_choice=True)
    for item in enabled:
        if item.read_at is None or item.source.account_changed_at is not None:
            return ProviderFacts(unverified=f"{item.source.name}: {item.message}")
    return None


class Facts:
    """What sources say about the voices for which it was read."""

    def __init__(self, sources: Sequence[SourceLists], now: datetime) -> None:
        """Begin without voices. See `read_facts`."""
        self.now = now
        self._sources = {item.source.id: item for item in sources}
        self._lists: dict[tuple[str, int], ListsOfProvider] = {}
        self._listed: dict[str, dict[int, ListedRow]] = defaultdict(dict)
        self._look_ups: dict[tuple[int, str], LookUpRow] = {}
        self._shared: dict[tuple[int, str, str], int] = {}

    def find_lists(self, provider: str, organization_id: int) -> ListsOfProvider:
        """Return the sources of a provider that can list voices of an organization."""
        key = (provider, organization_id)
        if key not in self._lists:
            own = (organization_id, None)
            lists = [
                item
                for item in self._sources.values()
                if item.source.kind == provider and item.source.organization_id in own
            ]
            self._lists[key] = ListsOfProvider.combine(provider, lists)
        return self._lists[key]

    def list_source_facts(self, voice: JudgedVoice) -> list[SourceFacts]:
        """Return what each source of the provider says about a voice."""
        listed, id = self._listed.get(voice.provider_voice_id, {}), voice.provider_voice_id
        return [
            SourceFacts(lists, listed.get(lists.source.id), self._look_ups.get((lists.source.id, id)))
            for lists in self.find_lists(voice.provider, voice.organization_id).all
        ]

    def build_provider_facts(self, voice: JudgedVoice) -> ProviderFacts:
        """Return what the enabled sources of the provider say together.

        A disabled source may have any voice that the others lack.
        """
        lists = self.find_lists(voice.provider, voice.organization_id)
        if lists.unverified is not None:
            return lists.unverified
        rows, id = self._listed.get(voice.provider_voice_id, {}), voice.provider_voice_id
        voices = [rows[item.source.id] for item in lists.enabled if item.source.id in rows]
        answer = combine_answers(self._look_ups.get((item.source.id, id)) for item in lists.enabled)
        if voices:
            listed = min(voices, key=lambda row: not row.is_ours)
            return ProviderFacts(is_current=lists.is_current, listed=_build_listed(listed), answer=answer)
        disabled = [item.source.name for item in lists.all if item.source.disabled_at is not None]
        if disabled:
            message = f"The lists that are read lack the voice. “{disabled[0]}” is disabled, and may have it."
            return ProviderFacts(unverified=message, is_by_choice=True)
        return self._add_other_provider(ProviderFacts(is_current=lists.is_current, answer=answer), voice)

    def _add_other_provider(self, facts: ProviderFacts, voice: JudgedVoice) -> ProviderFacts:
        """Return facts with another provider that lists a voice of ours with this ID, if there is one."""
        rows, own = self._listed.get(voice.provider_voice_id, {}), (voice.organization_id, None)
        listing = (self._sources[id].source for id, row in sorted(rows.items()) if row.is_ours)
        sources = [item for item in listing if item.kind != voice.provider and item.organization_id in own]
        read = [source for source in sources if source.disabled_at is None and source.account_changed_at is None]
        if read:
            return replace(facts, other_provider=provider_label(read[0].kind))
        if sources:
            message = f"“{sources[0].name}” of another provider listed a voice with this ID, but is not read any more."
            return replace(facts, unverified=message, is_by_choice=sources[0].disabled_at is not None)
        return facts

    def build_platform_facts(self, voice: JudgedVoice) -> PlatformFacts:
        """Return what the platform says about a voice."""
        sharing = self._shared.get((voice.organization_id, voice.provider, voice.provider_voice_id), 0)
        return PlatformFacts(
            status=VoiceStatus(voice.upstream_status or voice.status),
            status_changed_at=voice.changed_at,
            is_archived_here=bool(voice.upstream_status),
            is_duplicate=sharing > (voice.status != VoiceStatus.ARCHIVED),
        )

    def add(self, voices: Sequence[JudgedVoice]) -> None:
        """Read what is known about these voices."""
        organizations = sorted({voice.organization_id for voice in voices})
        for ids in split_into_batches(sorted({voice.provider_voice_id for voice in voices})):
            for listed in _select(StoredProviderVoice, ListedRow, self._sources, ids, is_listed=True):
                self._listed[listed.voice_id][listed.source_id] = listed
            for look_up in _select(ProviderLookUp, LookUpRow, self._sources, ids):
                self._look_ups[look_up.source_id, look_up.voice_id] = look_up
            self._shared |= _read_shared(organizations, ids)


def read_facts(voices: Sequence[JudgedVoice], *, now: datetime) -> Facts:
    """Return what is known about voices: with two statements, and three for every 500 of them."""
    facts = Facts(read_sources({voice.organization_id for voice in voices}, now=now), now)
    facts.add(voices)
    return facts


def read_sources(organization_ids: Collection[int], *, now: datetime) -> list[SourceLists]:
    """Return the sources of providers that can list voices of these organizations, with two statements."""
    is_own = or_(Source.organization_id.in_(sorted(organization_ids)), Source.organization_id.is_(None))
    is_usable = (Source.kind.in_(PROVIDER_KINDS), is_own)
    sources = db.session.scalars(select(Source).where(*is_usable).order_by(Source.id)).all()
    listings: dict[int, list[ProviderListing]] = defaultdict(list)
    of_sources = select(ProviderListing).join(Source, Source.id == ProviderListing.source_id).where(*is_usable)
    for listing in db.session.scalars(of_sources) if sources else ():
        listings[listing.source_id].append(listing)
    return [SourceLists(source, listings[source.id], now) for source in sources]


def _select(table: Any, row: Any, sources: Collection[int], ids: Sequence[str], *, is_listed: bool = False) -> Any:
    """Return the rows of a table about voices at any of the sources."""
    if not sources:
        return []
    statement = select(*(getattr(table, name) for name in row._fields)).where(table.voice_id.in_(ids))
    if is_listed:
        statement = statement.where(table.absent_since.is_(None))
    rows = db.session.execute(statement.where(table.source_id.in_(sorted(sources))))
    return map(row._make, rows)


def _read_shared(organizations: Sequence[int], ids: Sequence[str]) -> Mapping[tuple[int, str, str], int]:
    """Return how many voices that are not archived have each reference that several voices share."""
    shared = SharedProviderVoiceRef
    columns = select(shared.organization_id, shared.provider, shared.provider_voice_id, shared.voices)
    is_one = (
        shared.organization_id.in_(organizations),
        shared.provider.in_(PROVIDER_KINDS),
        shared.provider_voice_id.in_(ids),
    )
    return {(owner, provider, id): voices for owner, provider, id, voices in db.session.execute(columns.where(*is_one))}


def _build_listed(row: ListedRow) -> ListedVoice:
    return ListedVoice(ProviderState(row.state), row.is_ours, row.breaks_at)


def combine_answers(look_ups: Iterable[LookUpRow | None]) -> Answer:
    """Return the answer of several sources: one that finds the voice is enough, and absent are all or none."""
    answers = {Answer.NOT_ASKED if row is None else Answer(row.answer) for row in look_ups}
    for answer in (Answer.FOUND, Answer.ELSEWHERE, Answer.UNCLEAR, Answer.NOT_ASKED):
        if answer in answers:
            return answer
    return Answer.ABSENT
