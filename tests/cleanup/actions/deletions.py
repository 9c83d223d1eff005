"""A plan whose voices are archived, at a running stand-in of a provider at which deletion is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from tests.cleanup.actions.plans.scenario import BOB, make_plan, run_plan
from tests.conftest import NOW, SHELL
from tests.factories import make_voice
from tests.sources.actions.providers import VARIABLE, Provider, add_provider
from tests.two_tenants import rows_of
from tests.upstream.elevenlabs import ElevenLabsWorld
from tests.upstream.elevenlabs import make_voice as make_listed
from tests.upstream.server import StandIn
from voiceadmin.cleanup.actions.deleting import DeletionRun
from voiceadmin.cleanup.actions.deletion_requests import request_check, request_deletion
from voiceadmin.cleanup.models import DeletionItem, DeletionRequest
from voiceadmin.cleanup.queries.deletions import check_voices
from voiceadmin.cleanup.types.deletions import DeletionObstacle
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Actor
from voiceadmin.organizations.models import Organization
from voiceadmin.sources.actions.permissions import allow_deletion
from voiceadmin.sources.models import Source, StoredProviderVoice
from voiceadmin.sources.types import SourceKind
from voiceadmin.voices.models import ClonedVoice, ProviderDeletion

IDS = ("v1", "v2", "v3")


@dataclass
class Scene:
    """A plan at a provider. voices: ids here by the provider's ids. waited: the seconds of each pause."""

    acme: Organization
    provider: Provider
    voices: dict[str, int]
    plan_id: int = 0
    waited: list[float] = field(default_factory=list)
    by: Actor = BOB

    @property
    def world(self) -> Any:
        """The workspace."""
        return self.provider.world

    @property
    def upstream(self) -> StandIn:
        """The running stand-in."""
        return self.provider.upstream

    @property
    def kind(self) -> str:
        """The provider."""
        return db.session.scalars(select(Source.kind).filter_by(id=self.provider.source_id)).one()

    def count(self) -> int:
        """The number of voices that can be deleted."""
        db.session.rollback()
        return sum(voice.can_be_deleted for voice in check_voices(self.plan_id, now=NOW))

    def request(self, count: int | None = None, *, is_again: bool = False, now: datetime = NOW) -> int:
        """Ask for the deletion of all voices that can be deleted."""
        typed = self.count() if count is None else count
        return request_deletion(EVERYTHING, self.plan_id, self.kind, typed, is_again=is_again, by=BOB, now=now)

    def build_run(self, request_id: int, holder: str = "one", **fields: Any) -> DeletionRun:
        """A run that does not wait."""
        environ = {VARIABLE: self.provider.key}
        options: dict[str, Any] = {"environ": environ, "wait": self.waited.append} | fields
        return DeletionRun(request_id, self.provider.settings, holder, **options)

    def delete(self, *, is_again: bool = False, count: int | None = None) -> None:
        """Ask for the deletion, and carry it out."""
        self.build_run(self.request(count, is_again=is_again)).run()

    def check(self) -> None:
        """Look up the voices whose deletion is not confirmed."""
        self.build_run(request_check(EVERYTHING, self.plan_id, self.kind, by=BOB, now=NOW)).run()

    @property
    def deleted(self) -> list[str]:
        """The ids of all DELETE requests that the provider got."""
        return [path.rpartition("/")[2] for path in self.upstream.deletions]

    @property
    def states(self) -> dict[str, str]:
        """The state of each deletion that was requested."""
        db.session.rollback()
        found = select(DeletionItem.provider_voice_id, DeletionItem.state).filter_by(plan_id=self.plan_id)
        rows = db.session.execute(found)
        return {id: state for id, state in rows}  # noqa: C416  # dict() has no type for rows

    def message(self, id: str) -> str:
        """What happened to a voice."""
        db.session.rollback()
        return db.session.scalars(select(DeletionItem.message).filter_by(provider_voice_id=id)).one()

    @property
    def stopped(self) -> str:
        """Why the newest request ended early; "" if it did not; "open" if it has not ended."""
        db.session.rollback()
        row = db.session.scalars(select(DeletionRequest).order_by(DeletionRequest.id.desc())).first()
        assert row is not None
        return row.message if row.ended_at else "open"

    @property
    def marked(self) -> set[int]:
        """The ids of the voices that are marked as deleted."""
        db.session.rollback()
        return set(db.session.scalars(select(ProviderDeletion.voice_id)))

    def obstacle(self, id: str) -> DeletionObstacle | None:
        """Why a voice must not be deleted."""
        db.session.rollback()
        return next(voice.obstacle for voice in check_voices(self.plan_id, now=NOW) if voice.provider_voice_id == id)

    def change(self, id: str, **values: Any) -> None:
        """Write columns of a voice."""
        self._write(update(ClonedVoice).where(ClonedVoice.id == self.voices[id]).values(values))

    def change_source(self, **values: Any) -> None:
        """Write columns of the source."""
        self._write(update(Source).where(Source.id == self.provider.source_id).values(values))

    def change_listed(self, id: str, **values: Any) -> None:
        """Write columns of a voice as the source lists it."""
        self._write(update(StoredProviderVoice).where(StoredProviderVoice.voice_id == id).values(values))

    def _write(self, statement: Any) -> None:
        db.session.rollback()
        db.session.execute(statement)
        db.session.commit()


def build_scene(acme: Organization, upstream: StandIn, world: Any, settings: Settings, **options: Any) -> Scene:
    """Archive the voices of a provider with a plan. Options: see the parameters of `prepare`."""
    scene = prepare(acme, upstream, world, settings, **options)
    scene.plan_id = make_plan(NOW, "plan")
    run_plan(scene.plan_id, NOW)
    return scene


def prepare(
    acme: Organization,
    upstream: StandIn,
    world: Any,
    settings: Settings,
    *,
    ids: Sequence[str] = IDS,
    kind: SourceKind = SourceKind.ELEVENLABS,
    key: str = "key",
    is_allowed: bool = True,
    organization_id: int | None = None,
) -> Scene:
    """Sync a source, and let the platform name its voices. organization_id: the owner of the source."""
    provider = add_provider(kind, world, upstream, settings, key=key, organization_id=organization_id)
    if is_allowed:
        allow_deletion(EVERYTHING, provider.source_id, by=SHELL, now=NOW)
    provider.sync()
    voices = {id: make_voice(acme, provider=kind.value, provider_voice_id=id).id for id in ids}
    return Scene(acme, provider, voices)


def make_workspace(ids: Sequence[str] = IDS) -> ElevenLabsWorld:
    """A workspace with these voices, and one that no plan has."""
    return ElevenLabsWorld([make_listed(id) for id in (*ids, "other")])


def list_events(prefix: str = "voice-delet") -> list[dict[str, Any]]:
    """The audit events whose type begins with a text, oldest first."""
    return [event for event in rows_of("audit_event") if event["event_type"].startswith(prefix)]
