"""A source with orphans at a running stand-in of a provider, and a platform whose lists are current."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update

from tests.cleanup.actions.plans.scenario import BOB
from tests.conftest import NOW, SHELL
from tests.factories import DAY
from tests.source_rows import add_source
from tests.sources.actions.providers import VARIABLE, Provider, add_provider
from tests.upstream.server import StandIn
from voiceadmin.cleanup.actions.deleting import DeletionRun
from voiceadmin.cleanup.actions.orphan_requests import request_orphan_check, request_orphan_deletion
from voiceadmin.cleanup.models import DeletionItem, DeletionRequest
from voiceadmin.cleanup.queries.orphans import list_orphans
from voiceadmin.cleanup.types.deletions import DeletionObstacle
from voiceadmin.cleanup.types.orphans import OrphanFilters, Orphans
from voiceadmin.config import Settings
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.identity import EVERYTHING
from voiceadmin.sources.actions.permissions import allow_deletion
from voiceadmin.sources.models import Source, StoredProviderVoice
from voiceadmin.sources.types import SourceKind

LISTED_AT = NOW - DAY  # when the provider was read; the platform was read now


@dataclass
class OrphanScene:
    """Orphans at a provider. platform_id: of the source of the platform."""

    provider: Provider
    platform_id: int
    waited: list[float] = field(default_factory=list)

    @property
    def source_id(self) -> int:
        """The source of the provider."""
        return self.provider.source_id

    def find(self, **filters: Any) -> Orphans:
        """The orphans that match filters."""
        db.session.rollback()
        return list_orphans(self.source_id, OrphanFilters(**filters), now=NOW)

    @property
    def deletable(self) -> list[str]:
        """The IDs of the orphans that can be deleted."""
        return [voice.provider_voice_id for voice in self.find().deletable]

    @property
    def obstacles(self) -> dict[str, DeletionObstacle | None]:
        """Why each orphan cannot be deleted."""
        return {row.checked.provider_voice_id: row.checked.obstacle for row in self.find().rows}

    def request(self, ids: Sequence[str] | None = None, *, is_again: bool = False) -> int:
        """Ask for the deletion of orphans, by default of all that can be deleted."""
        orphans = self.find()
        possible = orphans.repeatable if is_again else orphans.deletable
        chosen = [voice.provider_voice_id for voice in possible] if ids is None else ids
        return request_orphan_deletion(
            EVERYTHING, self.source_id, chosen, len(chosen), is_again=is_again, by=BOB, now=NOW
        )

    def build_run(self, request_id: int) -> DeletionRun:
        """A run that does not wait."""
        environ = {VARIABLE: self.provider.key}
        return DeletionRun(request_id, self.provider.settings, "one", environ=environ, wait=self.waited.append)

    def delete(self, ids: Sequence[str] | None = None, *, is_again: bool = False) -> None:
        """Ask for the deletion of orphans, and carry it out."""
        self.build_run(self.request(ids, is_again=is_again)).run()

    def check(self) -> None:
        """Look up the orphans whose deletion is not confirmed."""
        self.build_run(request_orphan_check(EVERYTHING, self.source_id, by=BOB, now=NOW)).run()

    @property
    def sent(self) -> Sequence[str]:
        """The IDs of all DELETE requests that the provider got."""
        return [path.rpartition("/")[2] for path in self.provider.upstream.deletions]

    @property
    def states(self) -> dict[str, str]:
        """The state of each deletion that was requested."""
        db.session.rollback()
        rows = db.session.execute(select(DeletionItem.provider_voice_id, DeletionItem.state)).all()
        return {row[0]: row[1] for row in rows}

    def message(self, id: str) -> str:
        """What happened to an orphan."""
        db.session.rollback()
        return db.session.scalars(select(DeletionItem.message).filter_by(provider_voice_id=id)).one()

    @property
    def stopped(self) -> str:
        """Why the newest request ended early; "" if it did not; "open" if it has not ended."""
        db.session.rollback()
        row = db.session.scalars(select(DeletionRequest).order_by(DeletionRequest.id.desc())).first()
        assert row is not None
        return row.message if row.ended_at else "open"

    def change_source(self, source_id: int | None = None, **values: Any) -> None:
        """Write columns of the source, or of another one."""
        with write_transaction():
            db.session.execute(update(Source).where(Source.id == (source_id or self.source_id)).values(values))

    def change_listed(self, id: str, **values: Any) -> None:
        """Write columns of an orphan as the source lists it."""
        with write_transaction():
            db.session.execute(update(StoredProviderVoice).where(StoredProviderVoice.voice_id == id).values(values))


def build_orphans(
    world: Any,
    upstream: StandIn,
    settings: Settings,
    *,
    kind: SourceKind = SourceKind.ELEVENLABS,
    key: str = "key",
    is_allowed: bool = True,
    organization_id: int | None = None,
) -> OrphanScene:
    """Sync a source whose voices the platform does not name. The platform was read now."""
    provider = add_provider(kind, world, upstream, settings, key=key, organization_id=organization_id)
    if is_allowed:
        allow_deletion(EVERYTHING, provider.source_id, by=SHELL, now=NOW)
    provider.sync(LISTED_AT)
    with write_transaction():
        platform_id = add_source(organization_id, kind="burki", name="Platform", read_at=NOW)
    return OrphanScene(provider, platform_id)
