"""Ask for the deletion of the voices of a plan at their provider, and cancel it. Nothing is sent to a provider here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert, literal, select, update

from voiceadmin.audit.actions import Facts, record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.cleanup.models import CleanUpItem, CleanUpListing, DeletionItem, DeletionRequest
from voiceadmin.cleanup.queries.deletions import check_voices, list_open_requests
from voiceadmin.cleanup.queries.plans import get_plan, list_plan_organizations
from voiceadmin.cleanup.types.deletions import CheckedVoice, DeletionAction, DeletionState, OpenRequest
from voiceadmin.database.base import Base, db
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.errors import ChangeRefused, SelectionChanged
from voiceadmin.identity import Actor, Scope
from voiceadmin.sources.models import Source, StoredProviderVoice
from voiceadmin.text import pluralize
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.provider import provider_label

REQUEST_TTL = timedelta(hours=24)  # after which a confirmation no longer holds

CANCELLED = "It was cancelled before anything was sent."

NOT_CONFIRMED = "A deletion was sent before, and its result is not known. Check it again."

_WITHOUT_SYNC = {"synchronize_session": False}


def record_listings(plan_id: int) -> None:
    """Record which sources list the voices of a new plan, and when the provider created each.

    Call inside the transaction that creates the plan.
    """
    can_list = Source.organization_id.is_(None) | (Source.organization_id == CleanUpItem.organization_id)
    listed = (
        select(
            literal(plan_id),
            CleanUpItem.position,
            Source.id,
            StoredProviderVoice.voice_id,
            StoredProviderVoice.created_at,
        )
        .select_from(CleanUpItem)
        .join(ClonedVoice, ClonedVoice.id == CleanUpItem.voice_id)
        .join(StoredProviderVoice, StoredProviderVoice.voice_id == ClonedVoice.provider_voice_id)
        .join(Source, (Source.id == StoredProviderVoice.source_id) & (Source.kind == ClonedVoice.provider) & can_list)
        .where(CleanUpItem.plan_id == plan_id, ClonedVoice.provider_voice_id != "")
        .where(StoredProviderVoice.is_ours, StoredProviderVoice.absent_since.is_(None))
        .where(Source.account_changed_at.is_(None))
    )
    table = Base.metadata.tables[CleanUpListing.__tablename__]
    db.session.execute(insert(table).from_select([column.name for column in table.columns], listed))


def request_deletion(
    scope: Scope, plan_id: int, provider: str, count: int, *, is_again: bool = False, by: Actor, now: datetime
) -> int:
    """Ask for the deletion of the voices of a plan at one provider, and return the id of the request.

    Asking again while the request is open returns the same one.

    Args:
        count: the number of voices that the person typed.
        is_again: for the voices whose deletion is not confirmed, instead of those for which none was sent.

    Raises:
        PlanNotFound: if the scope does not cover the plan.
        SelectionChanged: if another number of voices can be deleted now.
        ChangeRefused: if not all voices of the plan are processed, or another request is open.
    """
    action = DeletionAction.AGAIN if is_again else DeletionAction.DELETE
    with write_transaction():
        repeated = _lock_plan(scope, plan_id, provider, action, now)
        if repeated is not None:
            return repeated
        checked = check_voices(plan_id, now=now, provider=provider)
        voices = [voice for voice in checked if _is_requested(voice, is_again=is_again)]
        if len(voices) != count or not voices:
            found = pluralize(len(voices), "voice")
            raise SelectionChanged(f"{found} can be deleted at {provider_label(provider)} now. Nothing was deleted.")
        request_id = create_request(provider, action, count, plan_id=plan_id, by=by, now=now)
        for voice in voices:
            _put_item(plan_id, request_id, voice, now)
        _record(AuditEventType.DELETION_REQUESTED, plan_id, provider, {"voices": count}, by=by, now=now)
        return request_id


def _is_requested(voice: CheckedVoice, *, is_again: bool) -> bool:
    return voice.can_be_repeated if is_again else voice.can_be_deleted


def request_check(scope: Scope, plan_id: int, provider: str, *, by: Actor, now: datetime) -> int:
    """Ask for a look-up of the voices whose deletion is not confirmed, and return the id of the request.

    Raises:
        PlanNotFound: if the scope does not cover the plan.
        ChangeRefused: if there is no such voice, or another request is open.
    """
    with write_transaction():
        repeated = _lock_plan(scope, plan_id, provider, DeletionAction.CHECK, now)
        if repeated is not None:
            return repeated
        voices = check_voices(plan_id, now=now, provider=provider)
        positions = [voice.position for voice in voices if voice.state is DeletionState.UNCONFIRMED]
        if not positions:
            raise ChangeRefused("There is no deletion that is not confirmed. Load the page again.")
        request_id = create_request(provider, DeletionAction.CHECK, len(positions), plan_id=plan_id, by=by, now=now)
        db.session.execute(
            update(DeletionItem)
            .where(DeletionItem.plan_id == plan_id, DeletionItem.position.in_(positions))
            .values(request_id=request_id, is_due=True),
            execution_options=_WITHOUT_SYNC,
        )
        return request_id


def cancel_deletion(scope: Scope, plan_id: int, *, by: Actor, now: datetime) -> int:
    """End the open request of a plan, and return how many voices it has not processed.

    A voice whose deletion is being sent at this moment is not affected.

    Raises:
        PlanNotFound: if the scope does not cover the plan.
    """
    with write_transaction():
        get_plan(scope, plan_id, now=now)
        acquire_advisory_lock(f"plan {plan_id}")
        due = 0
        for request in list_open_requests(now=now, plan_id=plan_id):
            due += request.due
            end_request(db.session.get_one(DeletionRequest, request.id), CANCELLED, now=now)
            _record(
                AuditEventType.DELETION_CANCELLED, plan_id, request.provider, {"voices": request.due}, by=by, now=now
            )
        return due


def end_request(request: DeletionRequest, message: str, *, now: datetime) -> None:
    """End a request, and write why the voices that are left are not processed. Call inside a write transaction."""
    due = (DeletionItem.request_id == request.id, DeletionItem.is_due)
    waiting = update(DeletionItem).where(*due, DeletionItem.state == DeletionState.WAITING.value)
    was_sent = DeletionItem.sent_at.is_not(None)
    unconfirmed = {"state": DeletionState.UNCONFIRMED.value, "message": NOT_CONFIRMED, "is_due": False}
    cancelled = {"state": DeletionState.CANCELLED.value, "message": message, "is_due": False, "decided_at": now}
    db.session.execute(waiting.where(was_sent).values(unconfirmed), execution_options=_WITHOUT_SYNC)
    db.session.execute(waiting.where(~was_sent).values(cancelled), execution_options=_WITHOUT_SYNC)
    db.session.execute(update(DeletionItem).where(*due).values(is_due=False), execution_options=_WITHOUT_SYNC)
    request.ended_at, request.message, request.holder, request.holder_expires_at = now, message, "", None


def _lock_plan(scope: Scope, plan_id: int, provider: str, action: DeletionAction, now: datetime) -> int | None:
    """Lock a plan whose voices are all processed. Return the id of its open request if that is the same."""
    plan = get_plan(scope, plan_id, now=now)
    acquire_advisory_lock(f"plan {plan_id}")
    if not plan.is_confirmed or plan.pending:
        raise ChangeRefused("Not all voices of the plan are processed. Archive them first.")
    for request in list_open_requests(now=now, plan_id=plan_id):
        if (request.provider, request.action) == (provider, action):
            return request.id
        raise ChangeRefused(describe_open(request))
    return None


def describe_open(request: OpenRequest) -> str:
    """Return the sentence that says what another request has to wait for."""
    what = "look-up" if request.action is DeletionAction.CHECK else "deletion"
    return f"A {what} at {provider_label(request.provider)} is under way. Wait until it ends, or cancel it."


def create_request(
    provider: str,
    action: DeletionAction,
    count: int,
    *,
    plan_id: int | None = None,
    source_id: int | None = None,
    by: Actor,
    now: datetime,
) -> int:
    """Add an open request about a plan or about the orphans of a source, and return its id."""
    request = DeletionRequest(
        plan_id=plan_id,
        source_id=source_id,
        action=action.value,
        provider=provider,
        voice_count=count,
        requested_at=now,
        requested_by_kind=by.kind.value,
        requested_by_id=by.id,
        requested_by=by.name or by.kind.label,
        message="",
        holder="",
    )
    db.session.add(request)
    db.session.flush()
    return request.id


def _put_item(plan_id: int, request_id: int, voice: CheckedVoice, now: datetime) -> None:
    """Let a voice of a plan wait for its deletion."""
    found = select(DeletionItem).filter_by(plan_id=plan_id, position=voice.position)
    item = db.session.scalar(found) or DeletionItem(plan_id=plan_id, position=voice.position, name="")
    fill_item(item, request_id, voice, now)


def fill_item(item: DeletionItem, request_id: int, voice: CheckedVoice, now: datetime) -> None:
    """Let the voice of an item wait for its deletion. When a deletion was last sent for it is kept if that is open."""
    if item.state in (DeletionState.REFUSED.value, DeletionState.DELETED.value):
        item.sent_at = None  # the provider has refused it, or has done it
    db.session.add(item)
    item.request_id, item.state, item.is_due = request_id, DeletionState.WAITING.value, True
    item.source_id, item.provider_voice_id, item.created_at = (
        voice.source_id or 0,
        voice.provider_voice_id,
        voice.created_at,
    )
    item.message, item.decided_at = "", now


def _record(event_type: AuditEventType, plan_id: int, provider: str, facts: Facts, *, by: Actor, now: datetime) -> None:
    """Record an event about a plan. It has no count if the plan concerns several organizations, as each may read it."""
    organizations: Sequence[int] = list_plan_organizations(plan_id)
    counted = facts if len(organizations) == 1 else {}
    target = AuditTarget(ObjectKind.PLAN, plan_id, f"plan {plan_id}")
    after = {"provider": provider, **counted}
    record_event(event_type, target, by=by, now=now, organizations=organizations, after=after)
