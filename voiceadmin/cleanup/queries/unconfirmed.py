"""List what has deletions that were sent to a provider and are not confirmed."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, or_, select

from voiceadmin.cleanup.models import CleanUpItem, CleanUpPlan, DeletionItem, DeletionRequest
from voiceadmin.cleanup.queries.plans import is_covered_by
from voiceadmin.cleanup.types.deletions import DeletionState, UnconfirmedDeletions
from voiceadmin.database.base import db
from voiceadmin.identity import Scope
from voiceadmin.sources.models import Source
from voiceadmin.sources.queries import is_visible
from voiceadmin.voices.models import ProviderDeletion


def list_unconfirmed(scope: Scope) -> list[UnconfirmedDeletions]:
    """Return the plans and sources of the scope with deletions that are not confirmed, oldest first.

    Voices that a person has marked as deleted at their provider are left out.
    """
    is_plan = CleanUpPlan.id == DeletionItem.plan_id
    is_source = and_(DeletionItem.plan_id.is_(None), Source.id == DeletionItem.source_id)
    since = func.min(DeletionItem.sent_at)
    own_source = select(Source.id).where(is_source, is_visible(scope)).exists()
    own_plan = select(CleanUpPlan.id).where(is_plan, is_covered_by(scope)).exists()
    source_id = DeletionRequest.source_id
    found = (
        select(DeletionItem.plan_id, source_id, DeletionRequest.provider, func.count(), since)
        .join(DeletionRequest, DeletionRequest.id == DeletionItem.request_id)
        .where(DeletionItem.state == DeletionState.UNCONFIRMED.value, or_(own_plan, own_source), ~_is_marked())
        .group_by(DeletionItem.plan_id, source_id, DeletionRequest.provider)
        .order_by(since)
    )
    rows = db.session.execute(found)
    return [
        UnconfirmedDeletions(plan_id, source, provider, count, sent_at)
        for plan_id, source, provider, count, sent_at in rows
        if sent_at is not None
    ]


def _is_marked() -> ColumnElement[bool]:
    """Return the condition that the voice of an item is marked as deleted."""
    is_planned = (CleanUpItem.plan_id == DeletionItem.plan_id, CleanUpItem.position == DeletionItem.position)
    return (
        select(CleanUpItem.position)
        .join(ProviderDeletion, ProviderDeletion.voice_id == CleanUpItem.voice_id)
        .where(*is_planned, ProviderDeletion.provider_voice_id == DeletionItem.provider_voice_id)
        .exists()
    )
