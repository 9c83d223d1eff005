"""Ask for the deletion of orphans at their provider, and cancel it. Nothing is sent to a provider here."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update

from voiceadmin.audit.types import AuditEventType
from voiceadmin.cleanup.actions.deletion_requests import (
    CANCELLED,
    create_request,
    describe_open,
    end_request,
    fill_item,
)
from voiceadmin.cleanup.models import DeletionItem, DeletionRequest
from voiceadmin.cleanup.queries.deletions import list_open_requests
from voiceadmin.cleanup.queries.orphans import list_orphans, orphans_lock
from voiceadmin.cleanup.types.deletions import CheckedVoice, DeletionAction, DeletionState
from voiceadmin.cleanup.types.orphans import OrphanFilters
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.errors import ChangeRefused, SelectionChanged, SourceRefused
from voiceadmin.identity import Actor, Scope
from voiceadmin.sources.actions.managing import find_source, record_source_event
from voiceadmin.sources.models import Source
from voiceadmin.sources.types import SourceKind
from voiceadmin.text import pluralize

REMOVED = "The source was removed before anything was sent."


def request_orphan_deletion(
    scope: Scope,
    source_id: int,
    ids: Collection[str],
    count: int,
    *,
    is_again: bool = False,
    by: Actor,
    now: datetime,
) -> int:
    """Ask for the deletion of orphans of a source, and return the id of the request.

    Asking again while the request is open returns the same one.

    Args:
        ids: the provider's IDs of the orphans.
        count: the number of orphans that the person typed.
        is_again: for orphans whose deletion is not confirmed, instead of those for which none was sent.

    Raises:
        SourceNotFound: if there is no such source in the scope.
        SourceRefused: if it is one of the platform.
        SelectionChanged: if another number of them can be deleted now.
        ChangeRefused: if another request is open.
    """
    action = DeletionAction.AGAIN if is_again else DeletionAction.DELETE
    with write_transaction():
        source, repeated = _lock_source(scope, source_id, action, now)
        if repeated is not None:
            return repeated
        orphans = list_orphans(source_id, OrphanFilters(), now=now)
        possible = orphans.repeatable if is_again else orphans.deletable
        chosen = [voice for voice in possible if voice.provider_voice_id in ids]
        if len(chosen) != count or not chosen:
            found = pluralize(len(chosen), "orphan")
            raise SelectionChanged(f"{found} of those chosen can be deleted now. Nothing was deleted.")
        request_id = create_request(source.kind, action, count, source_id=source_id, by=by, now=now)
        for position, voice in enumerate(chosen):
            _put_item(source_id, position, request_id, voice, now)
        facts = {"provider": source.kind, "voices": count}
        record_source_event(AuditEventType.DELETION_REQUESTED, source, by, now, after=facts)
        return request_id


def _put_item(source_id: int, position: int, request_id: int, voice: CheckedVoice, now: datetime) -> None:
    """Let an orphan wait for its deletion."""
    found = select(DeletionItem).filter_by(plan_id=None, source_id=source_id, provider_voice_id=voice.provider_voice_id)
    item = db.session.scalar(found) or DeletionItem()
    item.position, item.name = position, voice.name
    fill_item(item, request_id, voice, now)


def request_orphan_check(scope: Scope, source_id: int, *, by: Actor, now: datetime) -> int:
    """Ask for a look-up of the orphans whose deletion is not confirmed, and return the id of the request.

    Raises:
        SourceNotFound: if there is no such source in the scope.
        SourceRefused: if it is one of the platform.
        ChangeRefused: if there is no such orphan, or another request is open.
    """
    with write_transaction():
        source, repeated = _lock_source(scope, source_id, DeletionAction.CHECK, now)
        if repeated is not None:
            return repeated
        is_own = (DeletionItem.plan_id.is_(None), DeletionItem.source_id == source_id)
        unconfirmed = (*is_own, DeletionItem.state == DeletionState.UNCONFIRMED.value)
        ids = db.session.scalars(select(DeletionItem.id).where(*unconfirmed)).all()
        if not ids:
            raise ChangeRefused("There is no deletion that is not confirmed. Load the page again.")
        request_id = create_request(source.kind, DeletionAction.CHECK, len(ids), source_id=source_id, by=by, now=now)
        db.session.execute(
            update(DeletionItem).where(*unconfirmed).values(request_id=request_id, is_due=True),
            execution_options={"synchronize_session": False},
        )
        return request_id


def cancel_orphan_deletion(scope: Scope, source_id: int, *, by: Actor, now: datetime) -> int:
    """End the open request about the orphans of a source, and return how many it has not processed.

    An orphan whose deletion is being sent at this moment is not affected.

    Raises:
        SourceNotFound: if there is no such source in the scope.
    """
    with write_transaction():
        source = find_source(scope, source_id, is_locked=True)
        acquire_advisory_lock(orphans_lock(source_id))
        return end_orphan_requests(source, CANCELLED, by=by, now=now)


def end_orphan_requests(source: Source, message: str, *, by: Actor, now: datetime) -> int:
    """End the open requests about the orphans of a source. Call inside a write transaction."""
    due = 0
    for request in list_open_requests(now=now, source_id=source.id):
        due += request.due
        end_request(db.session.get_one(DeletionRequest, request.id), message, now=now)
        facts = {"provider": source.kind, "voices": request.due}
        record_source_event(AuditEventType.DELETION_CANCELLED, source, by, now, after=facts)
    return due


def _lock_source(scope: Scope, source_id: int, action: DeletionAction, now: datetime) -> tuple[Source, int | None]:
    """Lock a source of a provider. Return it with the id of its open request if that is the same."""
    source = find_source(scope, source_id, is_locked=True)
    acquire_advisory_lock(orphans_lock(source_id))
    if SourceKind(source.kind).is_platform:
        raise SourceRefused("Voices are deleted at providers only. Select a source of a provider.")
    for request in list_open_requests(now=now, source_id=source_id):
        if request.action is action:
            return source, request.id
        raise ChangeRefused(describe_open(request))
    return source, None
