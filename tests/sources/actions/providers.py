"""A stand-in of a provider with a source, the platform's voices, and what is known about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from tests.conftest import NOW, SHELL
from tests.factories import make_voice
from tests.upstream import elevenlabs
from tests.upstream.server import StandIn
from voiceadmin.config import Settings
from voiceadmin.database.base import Base, db
from voiceadmin.identity import EVERYTHING
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.judging import _read_voices
from voiceadmin.sources.actions.managing import create_source
from voiceadmin.sources.actions.syncing import sync_source
from voiceadmin.sources.evidence import VoiceEvidence, collect_evidence
from voiceadmin.sources.facts import read_facts
from voiceadmin.sources.models import ProviderListing, ProviderLookUp, SlotUse, StoredProviderVoice
from voiceadmin.sources.types import NewSource, SourceKind, SyncReport
from voiceadmin.sources.verdicts import judge as judge_facts
from voiceadmin.voices.queries import get_voice

VARIABLE = "UPSTREAM_KEY_PROVIDER"
TIMEOUT = timedelta(minutes=10)
MINUTE = timedelta(minutes=1)


@dataclass
class Provider:
    """A source of a running stand-in. world: one of the classes in tests/upstream."""

    world: Any
    upstream: StandIn
    settings: Settings
    source_id: int
    key: str = "key"

    def sync(self, now: datetime = NOW) -> SyncReport:
        """Sync the source."""
        environ = {VARIABLE: self.key}
        return sync_source(EVERYTHING, self.source_id, self.settings, by=SHELL, now=now, environ=environ)

    @property
    def listings(self) -> dict[str, ProviderListing]:
        """The rows of the listings by name."""
        db.session.rollback()
        return {
            row.name: row for row in db.session.scalars(select(ProviderListing).filter_by(source_id=self.source_id))
        }

    @property
    def voices(self) -> dict[str, StoredProviderVoice]:
        """The stored voices by ID."""
        db.session.rollback()
        rows = db.session.scalars(select(StoredProviderVoice).filter_by(source_id=self.source_id))
        return {row.voice_id: row for row in rows}

    @property
    def absent(self) -> set[str]:
        """The IDs of the stored voices that are absent."""
        return {id for id, row in self.voices.items() if row.absent_since is not None}

    @property
    def look_ups(self) -> dict[str, str]:
        """The answer of each look-up by ID."""
        db.session.rollback()
        rows = db.session.scalars(select(ProviderLookUp).filter_by(source_id=self.source_id))
        return {row.voice_id: row.answer for row in rows}

    @property
    def slots(self) -> dict[str, tuple[int | None, int | None, bool, datetime]]:
        """Used, limit, whether counted, and time by kind."""
        db.session.rollback()
        rows = db.session.scalars(select(SlotUse).filter_by(source_id=self.source_id))
        return {row.kind: (row.used, row.slot_limit, row.is_counted, row.read_at) for row in rows}

    def count_look_ups(self) -> int:
        """The number of requests for single voices of ElevenLabs."""
        return sum(request.path.startswith("/v1/voices/") for request in self.upstream.requests)


def add_provider(
    kind: SourceKind, world: Any, upstream: StandIn, settings: Settings, *, key: str = "key", **fields: Any
) -> Provider:
    """Add a source of a running stand-in."""
    path = "/api/v2" if kind is SourceKind.RESEMBLE else ""
    given: dict[str, Any] = {"organization_id": None, "name": kind.label} | fields
    new = NewSource(kind=kind, address=upstream.address + path, key_variable=VARIABLE, **given)
    source_id = create_source(EVERYTHING, new, settings, by=SHELL, now=NOW)
    return Provider(world, upstream, settings, source_id, key)


def add_elevenlabs(ids: Sequence[str], run: Callable[[Any], StandIn], settings: Settings) -> Provider:
    """Run a stand-in of ElevenLabs with these voices, and add its source, which was not read yet."""
    world = elevenlabs.ElevenLabsWorld([elevenlabs.make_voice(id) for id in ids])
    return add_provider(SourceKind.ELEVENLABS, world, run(world.start()), settings)


def name_voices(organization: Organization, ids: Sequence[str], **fields: Any) -> dict[str, int]:
    """Let the platform name voices, and return their ids here."""
    return {id: make_voice(organization, provider_voice_id=id, **fields).id for id in ids}


def evidence_of(voice_id: int, now: datetime = NOW) -> VoiceEvidence:
    """What is known about a voice."""
    db.session.rollback()
    evidence = collect_evidence(get_voice(EVERYTHING, voice_id), now=now, cloning_timeout=TIMEOUT)
    assert evidence is not None
    return evidence


def judge(voice_id: int, now: datetime = NOW) -> tuple[str | None, str]:
    """Verdict and certainty of a voice."""
    verdict, certainty, *_ = evidence_of(voice_id, now).judgement
    return verdict and verdict.value, certainty.value


def judge_all(
    voice_ids: Iterable[int], now: datetime = NOW, timeout: timedelta = TIMEOUT
) -> dict[int, tuple[str | None, str]]:
    """Verdict and certainty of voices, by the facts of their pages but with a few statements."""
    db.session.rollback()
    voices = [voice for voice, _ in _read_voices(sorted(voice_ids))]
    facts = read_facts(voices, now=now)
    found = {}
    for voice in voices:
        platform, provider = facts.build_platform_facts(voice), facts.build_provider_facts(voice)
        verdict, certainty, *_ = judge_facts(platform, provider, now=now, cloning_timeout=timeout)
        found[voice.id] = verdict and verdict.value, certainty.value
    return found


def dump_what_is_known() -> dict[str, list[str]]:
    """The rows of all tables except sources, runs, listings and slots, as text."""
    db.session.rollback()
    left_out = ("source", "sync_run", "provider_listing", "slot_use")
    names = [name for name in Base.metadata.tables if name not in left_out]
    return {name: sorted(str(row) for row in db.session.execute(text(f"SELECT * FROM {name}"))) for name in names}
