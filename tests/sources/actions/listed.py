"""Sources of providers whose lists are rows, without any request, and the voices that they list or lack."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from tests.conftest import NOW
from tests.factories import connect_provider, make_organization
from tests.sources.actions.providers import evidence_of, name_voices
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.renewing import renew_verdicts
from voiceadmin.sources.actions.resetting import reset_organizations
from voiceadmin.sources.models import ProviderLookUp, StoredProviderVoice
from voiceadmin.voices.models import VerdictReset
from voiceadmin.voices.verdict_queries import read_verdicts

THRESHOLDS = AttentionThresholds()


def connect(kind: str, *ids: str, absent: Collection[str] = (), **fields: Any) -> int:
    """Create a source that was read, lists these voices, and was asked for those that are absent. Return its id."""
    source_id = connect_provider(kind, read_at=NOW, **fields)
    texts = dict.fromkeys(("name", "raw_state", "reason", "category", "language", "gender"), "")
    with write_transaction():
        for id in ids:
            row = {"voice_id": id, "state": "ready", "is_ours": True, "first_listed_at": NOW} | texts
            db.session.add(StoredProviderVoice(source_id=source_id, **row))
        for id in absent:
            answer = {"voice_id": id, "answer": "absent", "message": "", "asked_at": NOW}
            db.session.add(ProviderLookUp(source_id=source_id, **answer))
    return source_id


@dataclass
class World:
    """Two sources of ElevenLabs, one of Resemble, and voices at ElevenLabs that were judged by their lists.

    Attributes:
        acme: the owner of the voices.
        platform, own: sources of ElevenLabs, of the platform and of the organization.
        other: the source of Resemble.
        ids: the ids of the voices by the provider's ID, which says what lists them.
    """

    acme: Organization
    platform: int
    own: int
    other: int
    ids: Mapping[str, int]

    def stored(self, now: datetime = NOW) -> dict[str, str]:
        """The stored verdicts that hold, by the provider's ID."""
        db.session.rollback()
        found = read_verdicts(list(self.ids.values()), now=now)
        return {id: found[voice_id].verdict.value for id, voice_id in self.ids.items() if voice_id in found}

    def on_pages(self) -> dict[str, str]:
        """The verdicts on the pages of the voices."""
        verdicts = {id: evidence_of(voice_id).judgement.verdict for id, voice_id in self.ids.items()}
        return {id: verdict.value for id, verdict in verdicts.items() if verdict is not None}


def make_world() -> World:
    """Create sources and voices, and judge the voices."""
    acme, lacking = make_organization(), ("gone", "moved")
    platform = connect("elevenlabs", "platform", absent=lacking)
    own = connect("elevenlabs", "own", absent=lacking, organization_id=acme.id)
    other = connect("resemble", "moved")
    world = World(acme, platform, own, other, name_voices(acme, ["platform", "own", "gone", "moved"]))
    with write_transaction():
        reset_organizations([acme.id], now=NOW)
    renew()
    with write_transaction():
        db.session.execute(delete(VerdictReset))
    return world


def renew(now: datetime = NOW) -> None:
    """Judge the voices whose verdicts do not hold any more."""
    assert renew_verdicts(THRESHOLDS, now=now)


def resets() -> list[tuple[str, int | None, bool]]:
    """The resets: provider, owner, and whether the voices were judged since."""
    db.session.rollback()
    rows = db.session.scalars(select(VerdictReset).order_by(VerdictReset.id))
    return [(row.provider, row.organization_id, row.judged_at is not None) for row in rows]
