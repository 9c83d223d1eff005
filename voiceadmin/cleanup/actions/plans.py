"""Create clean-up plans, confirm them, execute them step by step, and undo them.

Each step is one transaction: it checks its voices again, archives those that are still candidates as one operation,
and records the result of each item. Whenever the process dies, every item is in exactly one state, and the next call
resumes with the pending ones.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from time import monotonic

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DBAPIError

from voiceadmin.audit.actions import Facts, record_event
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind, ObjectRef
from voiceadmin.cleanup.actions.deletion_requests import record_listings
from voiceadmin.cleanup.models import CleanUpItem, CleanUpOrganization, CleanUpPlan
from voiceadmin.cleanup.queries.candidates import ITEM_COLUMNS, select_items
from voiceadmin.cleanup.queries.plans import (
    get_plan,
    list_plan_organizations,
    list_undoable_operations,
    recheck_items,
)
from voiceadmin.cleanup.types.candidates import CleanUpFilters
from voiceadmin.cleanup.types.plans import ItemState, PlanRow, RecheckedItem, SkipReason
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import Base, db
from voiceadmin.database.transactions import acquire_advisory_lock, execute_and_count, write_transaction
from voiceadmin.database.unavailable import describe_unavailable
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import Actor, Scope
from voiceadmin.operations.actions.execute import execute
from voiceadmin.operations.actions.idempotency import find_repeated
from voiceadmin.operations.actions.recording import MAX_LISTED_SKIPPED
from voiceadmin.operations.actions.undo import execute_undo
from voiceadmin.operations.queries import get_last_operation_id
from voiceadmin.operations.types import MAX_OBJECTS, UNDO_PERIOD, ActionRequest
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice

STEP_SIZE = MAX_LISTED_SKIPPED  # voices per step; an operation stores as many skipped voices by name
_WITHOUT_SYNC = {"synchronize_session": False}  # the session holds no rows of these tables


def create_plan(
    scope: Scope,
    filters: CleanUpFilters,
    thresholds: AttentionThresholds,
    key: str,
    *,
    by: Actor,
    now: datetime,
) -> int:
    """Store a plan of the current candidates and return its id.

    Args:
        key: Identifies the form that was sent. Sending it again returns the plan that exists.

    Raises:
        ChangeRefused: if there is no candidate.
    """
    with write_transaction():
        existing = find_repeated(CleanUpPlan, key)
        if existing is not None:
            return existing.id
        plan = CleanUpPlan(
            key=key,
            created_at=now,
            created_by=by.name or by.kind.label,
            filters=json.dumps(asdict(filters)),
            voice_count=0,
            last_seen_operation_id=get_last_operation_id(),
            confirmed_by="",
        )
        db.session.add(plan)
        db.session.flush()
        plan.voice_count = _insert_items(plan.id, scope, filters, thresholds, now)
        if not plan.voice_count:
            raise ChangeRefused("No voice matches these filters. Widen the filters.")
        record_listings(plan.id)
        _record_plan_event(AuditEventType.CLEAN_UP_PLANNED, plan.id, {"voices": plan.voice_count}, by=by, now=now)
        return plan.id


def confirm_plan(scope: Scope, plan_id: int, *, by: Actor, now: datetime) -> None:
    """Allow a plan to be executed. Confirming it again changes nothing.

    Raises:
        PlanNotFound: if the scope does not cover the plan.
    """
    with write_transaction():
        plan = get_plan(scope, plan_id, now=now)
        confirmed = (
            update(CleanUpPlan)
            .where(CleanUpPlan.id == plan_id, CleanUpPlan.confirmed_at.is_(None))
            .values(confirmed_at=now, confirmed_by=by.name or by.kind.label)
            .returning(CleanUpPlan.id)
        )
        if db.session.scalar(confirmed) is not None:
            _record_plan_event(AuditEventType.CLEAN_UP_CONFIRMED, plan_id, {"voices": plan.voice_count}, by=by, now=now)


def resume_plan(
    scope: Scope, plan_id: int, thresholds: AttentionThresholds, *, by: Actor, now: datetime, seconds: float
) -> None:
    """Execute steps of a confirmed plan until the time is up; at least one.

    Raises:
        PlanNotFound: if the scope does not cover the plan.
        ChangeRefused: if the plan is not confirmed.
    """
    plan = get_plan(scope, plan_id, now=now)
    if not plan.is_confirmed:
        raise ChangeRefused("This plan is not confirmed yet. An admin confirms it.")
    deadline = monotonic() + seconds
    has_more = True
    while has_more:
        try:
            has_more = _execute_step(scope, plan, thresholds, by=by, now=now)
        except DBAPIError as error:
            if describe_unavailable(error) is not None:
                raise
            _execute_singly(scope, plan, thresholds, by=by, now=now)
        has_more = has_more and monotonic() < deadline


def retry_failed_items(scope: Scope, plan_id: int, *, by: Actor, now: datetime) -> None:
    """Make the failed items of a plan pending again.

    Raises:
        PlanNotFound: if the scope does not cover the plan.
    """
    with write_transaction():
        plan = get_plan(scope, plan_id, now=now)
        count = execute_and_count(
            update(CleanUpItem)
            .where(CleanUpItem.plan_id == plan.id, CleanUpItem.state == ItemState.FAILED.value)
            .values(state=ItemState.PENDING.value, skip_reason="")
        )
        if count:
            _record_plan_event(AuditEventType.CLEAN_UP_RETRIED, plan_id, {"voices": count}, by=by, now=now)


def undo_plan(
    scope: Scope, plan_id: int, thresholds: AttentionThresholds, *, by: Actor, now: datetime, seconds: float
) -> None:
    """Undo the operations of a plan until the time is up; at least one. Voices that were changed since stay archived.

    Raises:
        PlanNotFound: if the scope does not cover the plan.
        ChangeRefused: if all operations are too old.
    """
    get_plan(scope, plan_id, now=now)
    deadline, restored = monotonic() + seconds, 0
    operations = list_undoable_operations(plan_id)
    recent = [operation for operation in operations if now - operation.at <= UNDO_PERIOD]
    for operation_id in [operation.id for operation in recent or operations]:  # one that is too old is refused
        restored += _undo_once(scope, plan_id, operation_id, thresholds, by=by, now=now)
        if monotonic() >= deadline:
            break
    if restored:
        with write_transaction():
            _record_plan_event(AuditEventType.CLEAN_UP_UNDONE, plan_id, {"restored": restored}, by=by, now=now)


def _undo_once(
    scope: Scope, plan_id: int, operation_id: int, thresholds: AttentionThresholds, *, by: Actor, now: datetime
) -> int:
    """Undo an operation of a plan and return the number of restored voices; 0 if another request was faster."""
    with write_transaction():
        acquire_advisory_lock(f"plan {plan_id}")
        if operation_id not in {operation.id for operation in list_undoable_operations(plan_id)}:
            return 0
        key = f"plan-{plan_id}-undo-{operation_id}"
        return execute_undo(scope, operation_id, key, thresholds, by=by, now=now).object_count


def _insert_items(
    plan_id: int, scope: Scope, filters: CleanUpFilters, thresholds: AttentionThresholds, now: datetime
) -> int:
    """Insert the candidates as items of a plan and return how many there are."""
    limit = min(filters.limit or MAX_OBJECTS, MAX_OBJECTS)
    candidates, parameters = select_items(plan_id, scope, filters, thresholds, now=now, limit=limit)
    items = Base.metadata.tables[CleanUpItem.__tablename__]
    db.session.execute(insert(items).from_select(ITEM_COLUMNS, candidates), parameters)
    of_plan = CleanUpItem.plan_id == plan_id
    organizations = select(CleanUpItem.plan_id, CleanUpItem.organization_id).where(of_plan).distinct()
    db.session.execute(insert(CleanUpOrganization).from_select(["plan_id", "organization_id"], organizations))
    return db.session.scalar(select(func.count()).select_from(CleanUpItem).where(of_plan)) or 0


def _execute_step(
    scope: Scope,
    plan: PlanRow,
    thresholds: AttentionThresholds,
    *,
    by: Actor,
    now: datetime,
    position: int | None = None,
) -> bool:
    """Decide the next pending items, or the one at a position. Return False when no item is pending."""
    with write_transaction():
        acquire_advisory_lock("import")  # an import changes which voices assistants use, and when voices were used
        acquire_advisory_lock(f"plan {plan.id}")
        rechecked = recheck_items(plan.id, thresholds, now=now, limit=STEP_SIZE, position=position)
        for reason in {item.skip_reason for item in rechecked if item.skip_reason}:
            positions = [item.position for item in rechecked if item.skip_reason is reason]
            _record_result(plan.id, positions, ItemState.SKIPPED, reason)
        candidates = [item for item in rechecked if item.skip_reason is None]
        if candidates:
            key = f"plan-{plan.id}-{rechecked[0].position}-{rechecked[-1].position}"
            _archive(scope, plan, thresholds, candidates, key, by=by, now=now)
        return bool(rechecked)


def _archive(
    scope: Scope,
    plan: PlanRow,
    thresholds: AttentionThresholds,
    items: Sequence[RecheckedItem],
    key: str,
    *,
    by: Actor,
    now: datetime,
) -> None:
    """Archive the voices of some items as one operation, after keeping each voice as it was."""
    _keep_current_voices(plan.id, [item.position for item in items])
    request = ActionRequest(
        TriageAction.ARCHIVE,
        tuple(ObjectRef(ObjectKind.VOICE, item.voice_id) for item in items),
        key,
        plan.last_seen_operation_id,
        f"clean-up, plan {plan.id}",
    )
    operation = execute(scope, request, thresholds, by=by, now=now)
    archived = set(db.session.scalars(select(AuditEvent.object_id).where(AuditEvent.operation_id == operation.id)))
    done = [item.position for item in items if item.voice_id in archived]
    skipped = [item.position for item in items if item.voice_id not in archived]
    _record_result(plan.id, done, ItemState.ARCHIVED, operation_id=operation.id)
    _record_result(plan.id, skipped, ItemState.SKIPPED, SkipReason.CHANGED_MEANWHILE)


def _keep_current_voices(plan_id: int, positions: Sequence[int]) -> None:
    is_own = ClonedVoice.id == CleanUpItem.voice_id
    current = (ClonedVoice.json_body, ClonedVoice.provider)
    db.session.execute(
        update(CleanUpItem)
        .where(CleanUpItem.plan_id == plan_id, CleanUpItem.position.in_(positions))
        .values({column.key: select(column).where(is_own).scalar_subquery() for column in current}),
        execution_options=_WITHOUT_SYNC,
    )


def _execute_singly(scope: Scope, plan: PlanRow, thresholds: AttentionThresholds, *, by: Actor, now: datetime) -> None:
    """Decide the next pending items one by one, so that an error with one does not stop the others."""
    for item in recheck_items(plan.id, thresholds, now=now, limit=STEP_SIZE):
        try:
            _execute_step(scope, plan, thresholds, by=by, now=now, position=item.position)
        except DBAPIError as error:
            if describe_unavailable(error) is not None:
                raise
            with write_transaction():
                _record_result(plan.id, [item.position], ItemState.FAILED, SkipReason.ARCHIVE_FAILED)


def _record_result(
    plan_id: int,
    positions: Sequence[int],
    state: ItemState,
    reason: SkipReason | None = None,
    operation_id: int | None = None,
) -> None:
    """Record the results of pending items. An item that is no longer pending keeps its result."""
    db.session.execute(
        update(CleanUpItem)
        .where(
            CleanUpItem.plan_id == plan_id,
            CleanUpItem.position.in_(positions),
            CleanUpItem.state == ItemState.PENDING.value,
        )
        .values(state=state.value, skip_reason=reason or "", operation_id=operation_id),
        execution_options=_WITHOUT_SYNC,
    )


def _record_plan_event(event_type: AuditEventType, plan_id: int, facts: Facts, *, by: Actor, now: datetime) -> None:
    """Record an audit event. It has no count if the plan concerns several organizations, as each may read it."""
    organizations = list_plan_organizations(plan_id)
    target = AuditTarget(ObjectKind.PLAN, plan_id, f"plan {plan_id}")
    after = facts if len(organizations) == 1 else None
    record_event(event_type, target, by=by, now=now, organizations=organizations, after=after)
