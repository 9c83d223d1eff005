"""A stand-in of Burki with a source, and what its syncs have written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text

from tests.conftest import NOW, SHELL
from tests.upstream.burki import ORGANIZATION_ID, BurkiWorld
from tests.upstream.server import StandIn
from voiceadmin.audit.models import AuditEvent
from voiceadmin.config import Settings
from voiceadmin.database.base import Base, db
from voiceadmin.identity import EVERYTHING, OrganizationId
from voiceadmin.organizations.models import Assistant, Organization
from voiceadmin.sources.actions.managing import create_source
from voiceadmin.sources.actions.syncing import sync_source
from voiceadmin.sources.models import Source, SourceVoice, SyncRun
from voiceadmin.sources.types import NewSource, SourceKind, SyncReport
from voiceadmin.voices.models import ClonedVoice

VARIABLE = "UPSTREAM_KEY_BURKI"


@dataclass
class Platform:
    """A world with its server, and a source of it."""

    world: BurkiWorld
    upstream: StandIn
    settings: Settings
    source_id: int
    key: str = "key"

    @property
    def voices(self) -> list[dict[str, Any]]:
        """The voices of the organization, to be changed by tests."""
        return self.world.voices[ORGANIZATION_ID]

    def sync(self, now: datetime = NOW, **options: Any) -> SyncReport:
        """Sync the source."""
        environ = {VARIABLE: self.key}
        return sync_source(EVERYTHING, self.source_id, self.settings, by=SHELL, now=now, environ=environ, **options)


def add_platform(world: BurkiWorld, upstream: StandIn, settings: Settings, **fields: Any) -> Platform:
    """Add a source of a running stand-in."""
    given: dict[str, Any] = {"organization_id": None, "kind": SourceKind.BURKI, "name": "Harbour"} | fields
    new = NewSource(address=upstream.address, key_variable=VARIABLE, **given)
    return Platform(world, upstream, settings, create_source(EVERYTHING, new, settings, by=SHELL, now=NOW))


def own_organization(platform: Platform) -> OrganizationId:
    """The organization of the source."""
    source = db.session.get_one(Source, platform.source_id)
    id = source.organization_id
    db.session.rollback()
    assert id is not None
    return OrganizationId(id)


def missing_since(source_id: int) -> dict[int, datetime | None]:
    """Since when each voice of a source is missing."""
    db.session.rollback()
    columns = select(SourceVoice.voice_id, SourceVoice.missing_since).where(SourceVoice.source_id == source_id)
    return dict(db.session.execute(columns).all())


def missing(source_id: int) -> set[int]:
    """The voices of a source that are missing."""
    return {id for id, since in missing_since(source_id).items() if since is not None}


def stored_voices() -> dict[int, str]:
    """The stored voices as the JSON route writes them."""
    db.session.rollback()
    return dict(db.session.execute(select(ClonedVoice.id, ClonedVoice.json_body)).all())


def owners() -> dict[int, int]:
    """The organization of each voice."""
    db.session.rollback()
    return dict(db.session.execute(select(ClonedVoice.id, ClonedVoice.organization_id)).all())


def assistants() -> dict[int, tuple[str, bool, str | None, str | None]]:
    """Name, state, provider and voice of each assistant."""
    db.session.rollback()
    rows = db.session.scalars(select(Assistant))
    return {row.id: (row.name, row.active, row.tts_provider, row.tts_voice_id) for row in rows}


def organizations() -> list[tuple[int | None, str]]:
    """The platform's id and the name of each organization."""
    db.session.rollback()
    return list(db.session.execute(select(Organization.upstream_id, Organization.name)))


def count_events() -> int:
    """The number of audit events."""
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(AuditEvent)) or 0


def revisions() -> list[int]:
    """The revision of each organization."""
    db.session.rollback()
    return list(db.session.scalars(select(Organization.revision).order_by(Organization.id)))


def newest_run() -> SyncRun:
    """The newest run of all sources."""
    db.session.rollback()
    return db.session.scalars(select(SyncRun).order_by(SyncRun.id.desc())).first() or SyncRun()


def dump_all_but_runs() -> dict[str, list[str]]:
    """The rows of all tables except the runs and the sources, which have their results, as text."""
    db.session.rollback()
    names = [name for name in Base.metadata.tables if name not in ("sync_run", "source")]
    return {name: sorted(str(row) for row in db.session.execute(text(f"SELECT * FROM {name}"))) for name in names}


def dump_as_text() -> str:
    """The content of all tables of the database as one text."""
    db.session.rollback()
    return "\n".join(
        str(row) for name in Base.metadata.tables for row in db.session.execute(text(f"SELECT * FROM {name}"))
    )
