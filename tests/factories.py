"""Makers of things in the store: dull defaults for everything, so that a test spells out only what it is about."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import delete

from voiceadmin.db import Base, db, upsert, writing
from voiceadmin.folding import name_key
from voiceadmin.models import Assistant, ClonedVoice, Organization
from voiceadmin.queries.rows import voice_columns
from voiceadmin.shapes import VoiceRow
from voiceadmin.vocabulary import VoiceStatus

LONG_AGO = datetime(2026, 1, 10, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)

Model = TypeVar("Model", bound=Base)

_numbers = itertools.count(1)


def make_organization(name: str = "Acme Telecom", **fields: Any) -> Organization:
    """An organization without voices and assistants."""
    return _saved(Organization(name=name, **fields))


def make_assistant(organization: Organization | None = None, **fields: Any) -> Assistant:
    """An assistant that is set to no voice, in an organization of its own unless one is given."""
    organization = organization or make_organization()
    given: dict[str, Any] = {"id": next(_numbers), "name": "Night desk"} | fields
    return _saved(Assistant(organization_id=organization.id, name_key=name_key(given["name"]), **given))


def voice_row(**fields: Any) -> VoiceRow:
    """A ready, scored, unused voice, not in any store."""
    number = next(_numbers)
    given: dict[str, Any] = {
        "id": number,
        "name": f"Voice {number}",
        "provider": "elevenlabs",
        "provider_voice_id": f"pv{number}",
        "language": "en",
        "gender": None,
        "status": VoiceStatus.READY,
        "quality_score": 0.85,
        "created_at": LONG_AGO,
        "last_used_at": None,
        "synthesis_count": 0,
    }
    return VoiceRow(**(given | fields))


def make_voice(organization: Organization, **fields: Any) -> VoiceRow:
    """A voice of an organization; fields as `voice_row` has them."""
    row = voice_row(**fields)
    put_voices(organization, [row])
    return row


def put_voices(organization: Organization, rows: Sequence[VoiceRow]) -> None:
    """Bring these voices into an organization, all at once."""
    with writing():
        db.session.execute(upsert(ClonedVoice), [voice_columns(row, organization.id) for row in rows])


def refill(organization: Organization, rows: Sequence[VoiceRow]) -> None:
    """Let an organization have exactly these voices, and all others none."""
    with writing():
        db.session.execute(delete(ClonedVoice))
    if rows:
        put_voices(organization, rows)


def _saved(model: Model) -> Model:
    """Committed, and readable without a further look at the database."""
    with writing():
        db.session.add(model)
        db.session.flush()
        db.session.refresh(model)
        db.session.expunge(model)
    return model
