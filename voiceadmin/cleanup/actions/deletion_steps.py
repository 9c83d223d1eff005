"""The transactions of a deletion: take the next voice, write the intent, and write the result.

The intent is committed before the request is sent to the provider: whenever the process dies, the voice is
"not confirmed", and nothing sends a second request for it by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from voiceadmin.audit.actions import Facts, record_event
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.cleanup.actions.deletion_requests import NOT_CONFIRMED, REQUEST_TTL, end_request
from voiceadmin.cleanup.models import DeletionItem, DeletionRequest
from voiceadmin.cleanup.queries.deletions import check_voices
from voiceadmin.cleanup.queries.orphans import check_orphan, orphans_lock
from voiceadmin.cleanup.types.deletions import CheckedVoice, DeletionAction, DeletionState
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import acquire_advisory_lock, execute_and_count, write_transaction
from voiceadmin.database.upserts import upsert_statement
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import Actor, ActorKind
from voiceadmin.sources.actions.judging import judge_voices
from voiceadmin.sources.models import Source, StoredProviderVoice
from voiceadmin.text import format_iso8601
from voiceadmin.voices.models import ProviderDeletion
from voiceadmin.voices.types.provider import provider_label

HOLD_PERIOD = timedelta(minutes=10)  # longer than the requests for one voice can take

EXPIRED = f"The confirmation is older than {REQUEST_TTL.days * 24} hours. Confirm the deletion again."

SENT = "The deletion was sent. No answer is recorded."


@dataclass(frozen=True, slots=True)
class Task:
    """A voice to process.

    Attributes:
        plan_id: None for an orphan.
        was_sent: whether a deletion was sent for it before.
        by: who asked for it.
        target: of its audit events: the voice, or the source of an orphan.
    """

    request_id: int
    item_id: int
    plan_id: int | None
    action: DeletionAction
    voice: CheckedVoice
    source_id: int
    created_at: datetime | None
    was_sent: bool
    by: Actor
    target: AuditTarget

    @property
    def lock(self) -> str:
        """The name of the lock under which requests for such voices are created."""
        return orphans_lock(self.source_id) if self.plan_id is None else f"plan {self.plan_id}"


def take_next(request_id: int, holder: str, *, now: datetime) -> Task | None:
    """Return the next voice of a request, None if none is left. Voices that must not be deleted are decided at once.

    Raises:
        ChangeRefused: if another process carries the request out.
    """
    while True:
        with write_transaction():
            request = _hold_request(request_id, holder, now)
            if request is None:
                return None
            task = _find_task(request, now)
            if task is None:
                _finish(request, now)
                return None
            obstacle = _find_obstacle(task, task.voice)
            if task.action is DeletionAction.CHECK or not obstacle:
                return task
            settle(task, obstacle, now=now)


def _find_obstacle(task: Task, voice: CheckedVoice) -> str:
    """Return why a voice must not be deleted now, as far as this database tells, "" if nothing prevents it."""
    if voice.obstacle is not None:
        return voice.obstacle.label
    is_same = (voice.source_id, voice.created_at) == (task.source_id, task.created_at)
    return "" if is_same else "Another source lists it than when its deletion was confirmed."


def _hold_request(request_id: int, holder: str, now: datetime) -> DeletionRequest | None:
    """Return an open request for this process only, None if it has ended."""
    request = db.session.scalar(select(DeletionRequest).where(DeletionRequest.id == request_id).with_for_update())
    if request is None or request.ended_at is not None:
        return None
    expires_at = request.holder_expires_at
    if request.holder != holder and expires_at is not None and expires_at > now:
        raise ChangeRefused("Another process carries out this deletion. Wait until it ends.")
    if now - request.requested_at > REQUEST_TTL:
        end_request(request, EXPIRED, now=now)
        return None
    request.holder, request.holder_expires_at = holder, now + HOLD_PERIOD
    return request


def _find_task(request: DeletionRequest, now: datetime) -> Task | None:
    due = select(DeletionItem).where(DeletionItem.request_id == request.id, DeletionItem.is_due)
    item = db.session.scalar(due.order_by(DeletionItem.position).limit(1))
    if item is None:
        return None
    voice = _check_item(item, request.provider, now)
    return Task(
        request.id,
        item.id,
        item.plan_id,
        DeletionAction(request.action),
        voice,
        item.source_id,
        item.created_at,
        item.sent_at is not None,
        Actor(ActorKind(request.requested_by_kind), request.requested_by_id, request.requested_by),
        _find_target(item, voice),
    )


def _check_item(item: DeletionItem, provider: str, now: datetime) -> CheckedVoice:
    """Check the voice of an item again."""
    if item.plan_id is None:
        return check_orphan(item, provider, now=now)
    (voice,) = check_voices(item.plan_id, now=now, position=item.position)
    return voice


def _find_target(item: DeletionItem, voice: CheckedVoice) -> AuditTarget:
    if item.plan_id is not None:
        return AuditTarget(ObjectKind.VOICE, voice.voice_id, voice.name)
    name = db.session.scalar(select(Source.name).where(Source.id == item.source_id))
    return AuditTarget(ObjectKind.SOURCE, item.source_id, name or f"source {item.source_id}")


def _finish(request: DeletionRequest, now: datetime) -> None:
    """End a request that is carried out."""
    request.ended_at, request.holder, request.holder_expires_at = now, "", None
    _request_syncs(request, now)


def _request_syncs(request: DeletionRequest, now: datetime) -> None:
    """Let the sources of a request be synced, so that their lists and slots become current."""
    sources = select(DeletionItem.source_id).where(DeletionItem.request_id == request.id)
    db.session.execute(update(Source).where(Source.id.in_(sources)).values(sync_requested_at=now))


def release_request(request_id: int, holder: str) -> None:
    """Let another process carry out what is left of a request."""
    with write_transaction():
        held = (DeletionRequest.id == request_id, DeletionRequest.holder == holder)
        db.session.execute(update(DeletionRequest).where(*held).values(holder="", holder_expires_at=None))


def stop_request(request_id: int, message: str, *, now: datetime) -> None:
    """End a request although voices are left, with the reason."""
    with write_transaction():
        request = db.session.get(DeletionRequest, request_id)
        if request is not None and request.ended_at is None:
            end_request(request, message, now=now)
            _request_syncs(request, now)


def settle(task: Task, message: str, *, now: datetime) -> None:
    """Write why nothing is sent for a voice. Call inside a write transaction.

    A voice for which a deletion was sent before stays unconfirmed.
    """
    state = DeletionState.UNCONFIRMED if task.was_sent else DeletionState.REFUSED
    text = f"{NOT_CONFIRMED} Nothing more was sent: {message}" if task.was_sent else message
    _write(task, state, text, now=now)


def settle_now(task: Task, message: str, *, now: datetime) -> None:
    """Write why nothing is sent for a voice, in a transaction of its own."""
    with write_transaction():
        settle(task, message, now=now)


def write_intent(task: Task, holder: str, *, now: datetime) -> bool:
    """Check a voice again, and write that its deletion is being sent. Return whether it may be sent.

    Only one process gets True for a voice: the state is changed only if it is still waiting.
    """
    with write_transaction():
        acquire_advisory_lock("import")  # an import changes which voices assistants use
        acquire_advisory_lock(task.lock)
        request = _hold_request(task.request_id, holder, now)
        if request is None:
            return False
        item = db.session.get_one(DeletionItem, task.item_id)
        obstacle = _find_obstacle(task, _check_item(item, task.voice.provider, now))
        if obstacle:
            settle(task, obstacle, now=now)
            return False
        waiting = (
            DeletionItem.id == task.item_id,
            DeletionItem.state == DeletionState.WAITING.value,
            DeletionItem.is_due,
        )
        sent = {"state": DeletionState.UNCONFIRMED.value, "message": SENT, "sent_at": now, "decided_at": now}
        if not execute_and_count(update(DeletionItem).where(*waiting).values(sent | {"is_due": False})):
            return False
        _record(AuditEventType.VOICE_DELETION_SENT, task, describe_reference(task), now=now)
        return True


def write_result(
    task: Task, state: DeletionState, message: str, thresholds: AttentionThresholds, *, now: datetime
) -> None:
    """Write the result of a deletion or of a look-up, with its audit event, and judge a voice that was deleted."""
    facts = {**describe_reference(task), "result": state.label, "answer": message}
    with write_transaction():
        _write(task, state, message, now=now)
        if state is DeletionState.DELETED:
            _mark_deleted(task, now)
            judge_voices([] if task.voice.voice_id is None else [task.voice.voice_id], thresholds, now=now)
            _record(AuditEventType.VOICE_DELETED, task, facts, now=now)
        elif task.action is not DeletionAction.CHECK:
            _record(AuditEventType.VOICE_DELETION_FAILED, task, facts, now=now)


def _write(task: Task, state: DeletionState, message: str, *, now: datetime) -> None:
    values = {"state": state.value, "message": message, "is_due": False, "decided_at": now}
    db.session.execute(update(DeletionItem).where(DeletionItem.id == task.item_id).values(values))


def _mark_deleted(task: Task, now: datetime) -> None:
    """Mark a voice as deleted at its provider, and as absent from the lists of the source.

    The next sync then does not take many deleted voices for a list that cannot be believed.
    """
    voice = task.voice
    if voice.voice_id is not None:
        _put_mark(voice.voice_id, task, now)
    listed = (StoredProviderVoice.voice_id == voice.provider_voice_id, StoredProviderVoice.absent_since.is_(None))
    same_account = select(Source.id).where(
        Source.kind == voice.provider,
        Source.account_hash == select(Source.account_hash).where(Source.id == task.source_id).scalar_subquery(),
        (Source.account_hash != "") | (Source.id == task.source_id),
    )
    db.session.execute(
        update(StoredProviderVoice)
        .where(*listed, StoredProviderVoice.source_id.in_(same_account))
        .values(absent_since=now)
    )


def _put_mark(voice_id: int, task: Task, now: datetime) -> None:
    row = {
        "voice_id": voice_id,
        "provider": task.voice.provider,
        "provider_voice_id": task.voice.provider_voice_id,
        "marked_at": now,
        "marked_by": task.by.name,
    }
    db.session.execute(upsert_statement(ProviderDeletion), [row])


def describe_reference(task: Task) -> Facts:
    """Return what identifies a voice at its provider, for audit events."""
    created_at = None if task.created_at is None else format_iso8601(task.created_at)
    origin: Facts = {"name": task.voice.name} if task.plan_id is None else {"plan": task.plan_id}
    return {
        "provider": provider_label(task.voice.provider),
        "provider_voice_id": task.voice.provider_voice_id,
        "created_at": created_at,
        **origin,
    }


def _record(event_type: AuditEventType, task: Task, facts: Facts, *, now: datetime) -> None:
    owner = task.voice.organization_id
    organizations = () if owner is None else (owner,)
    record_event(event_type, task.target, by=task.by, now=now, organizations=organizations, after=facts)
