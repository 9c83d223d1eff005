"""Plans and readers that the tests of plans share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from tests.factories import make_assistant
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType
from voiceadmin.cleanup.actions.plans import confirm_plan, create_plan, resume_plan
from voiceadmin.cleanup.models import CleanUpItem
from voiceadmin.cleanup.types.candidates import CleanUpFilters
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Actor, ActorKind, Scope
from voiceadmin.organizations.models import Organization
from voiceadmin.voices.models import ClonedVoice

THRESHOLDS = AttentionThresholds()
ADA = Actor(ActorKind.ACCOUNT, 7, "ada@example.com")
BOB = Actor(ActorKind.ACCOUNT, 8, "bob@example.com")
ENOUGH_SECONDS = 60.0


def make_plan(now: datetime, key: str = "key", scope: Scope = EVERYTHING, **filters: Any) -> int:
    return create_plan(scope, CleanUpFilters(**filters), THRESHOLDS, key, by=ADA, now=now)


def run_plan(plan_id: int, now: datetime, seconds: float = ENOUGH_SECONDS) -> None:
    confirm_plan(EVERYTHING, plan_id, by=BOB, now=now)
    resume_plan(EVERYTHING, plan_id, THRESHOLDS, by=BOB, now=now, seconds=seconds)


def read_item_states(plan_id: int) -> dict[int, tuple[str, str]]:
    """Return the state and the skip reason of each voice of a plan, in the order of the plan."""
    db.session.rollback()
    found = select(CleanUpItem.voice_id, CleanUpItem.state, CleanUpItem.skip_reason).where(
        CleanUpItem.plan_id == plan_id
    )
    return {id: (state, reason) for id, state, reason in db.session.execute(found.order_by(CleanUpItem.position))}


def read_archived_ids() -> set[int]:
    db.session.rollback()
    return set(db.session.scalars(select(ClonedVoice.id).where(ClonedVoice.archived_at.is_not(None))))


def read_event_objects(event_type: AuditEventType) -> list[int]:
    """Return the object ids of the audit events of one type."""
    db.session.rollback()
    found = select(AuditEvent.object_id).where(AuditEvent.event_type == event_type.value).order_by(AuditEvent.object_id)
    return [id or 0 for id in db.session.scalars(found)]


def make_assistant_with(organization: Organization, provider_voice_id: str, **fields: Any) -> None:
    make_assistant(organization, tts_provider="elevenlabs", tts_voice_id=provider_voice_id, **fields)
