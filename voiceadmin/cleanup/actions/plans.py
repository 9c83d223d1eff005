"""Plan a clean-up, carry it out step by step so that it survives a crash, and take it back.

Each step is one transaction: it looks at its voices anew, archives those that
still may go as one operation, and writes down what became of each. So a voice of a
plan is in one state at any time, whenever the process dies, and whoever goes on
finds the rest waiting.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from time import monotonic

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import DBAPIError

from voiceadmin.audit.actions import record_event, record_event_now
from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind, ObjectRef
from voiceadmin.cleanup.models import CleanUpItem, CleanUpOrganization, CleanUpPlan
from voiceadmin.cleanup.queries.candidates import (
    ITEM,
    as_items,
    get_plan,
    judge,
    list_undoable_operations,
    organizations_of_plan,
)
from voiceadmin.cleanup.types import CleanUpFilters, ItemState, PlanRow
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import Base, db
from voiceadmin.database.engine import DATABASE_UNAVAILABLE
from voiceadmin.database.transactions import acquire_advisory_lock, write_transaction
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import Actor, Scope
from voiceadmin.operations.actions.operations import MAX_LISTED_SKIPPED, carry_out, undo
from voiceadmin.operations.queries import get_last_operation_id
from voiceadmin.operations.types import MOST_AT_ONCE, Order
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice

STEP = MAX_LISTED_SKIPPED  # voices of a step, so that whatever its operation leaves alone is named


def make_plan(
    scope: Scope, filters: CleanUpFilters, limits: AttentionThresholds, key: str, *, by: Actor, now: datetime
) -> int:
    """Keep a plan of the voices that could go now, and give its number. The same form sent again makes no other.

    Raises ChangeRefused when there is none.
    """
    most = min(filters.most or MOST_AT_ONCE, MOST_AT_ONCE)
    with write_transaction():
        acquire_advisory_lock(f"plan {key}")
        former = db.session.scalar(select(CleanUpPlan.id).where(CleanUpPlan.key == key))
        if former is not None:
            return former
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
        chosen, given = as_items(plan.id, scope, filters, limits, now=now, most=most)
        table = Base.metadata.tables[CleanUpItem.__tablename__]
        db.session.execute(insert(table).from_select(ITEM, chosen), given)
        of_plan = CleanUpItem.plan_id == plan.id
        plan.voice_count = db.session.scalar(select(func.count()).select_from(CleanUpItem).where(of_plan)) or 0
        if not plan.voice_count:
            raise ChangeRefused("There is no such voice to plan with. Widen the filters.")
        places = select(CleanUpItem.plan_id, CleanUpItem.organization_id).where(of_plan).distinct()
        db.session.execute(insert(CleanUpOrganization).from_select(["plan_id", "organization_id"], places))
        _record(AuditEventType.CLEAN_UP_PLANNED, plan.id, plan.voice_count, by=by, now=now)
        return plan.id


def confirm_plan(scope: Scope, plan_id: int, *, by: Actor, now: datetime) -> None:
    """Let a plan be carried out. Once it is confirmed, that stays so. Raises PlanNotFound."""
    with write_transaction():
        plan = get_plan(scope, plan_id, now=now)
        confirmed = {"confirmed_at": now, "confirmed_by": by.name or by.kind.label}
        fresh = (
            update(CleanUpPlan)
            .where(CleanUpPlan.id == plan_id, CleanUpPlan.confirmed_at.is_(None))
            .returning(CleanUpPlan.id)
        )
        if db.session.scalar(fresh.values(confirmed)) is not None:
            _record(AuditEventType.CLEAN_UP_CONFIRMED, plan_id, plan.voice_count, by=by, now=now)


def carry_on(
    scope: Scope, plan_id: int, limits: AttentionThresholds, *, by: Actor, now: datetime, seconds: float
) -> None:
    """Carry out steps of a confirmed plan for so long; at least one. Raises PlanNotFound, ChangeRefused."""
    plan = get_plan(scope, plan_id, now=now)
    if not plan.confirmed:
        raise ChangeRefused("Nobody has confirmed this plan yet.")
    end = monotonic() + seconds
    going = True
    while going:
        try:
            going = _step(scope, plan, limits, by=by, now=now)
        except DBAPIError as error:
            if isinstance(error, DATABASE_UNAVAILABLE):
                raise
            _step_singly(scope, plan, limits, by=by, now=now)
        going = going and monotonic() < end


def try_again(scope: Scope, plan_id: int, *, now: datetime) -> None:
    """Let the voices of a plan that failed wait anew. Raises PlanNotFound."""
    with write_transaction():
        plan = get_plan(scope, plan_id, now=now)
        failed = CleanUpItem.plan_id == plan.id, CleanUpItem.state == ItemState.FAILED.value
        db.session.execute(update(CleanUpItem).where(*failed).values(state=ItemState.PENDING.value, note=""))


def take_back(scope: Scope, plan_id: int, *, by: Actor, now: datetime, seconds: float) -> None:
    """Undo the operations of a plan for so long, one at least; what somebody changed since stays. Raises PlanNotFound."""
    get_plan(scope, plan_id, now=now)
    end, restored = monotonic() + seconds, 0
    for operation_id in [operation.id for operation in list_undoable_operations(plan_id)]:
        restored += undo(scope, operation_id, f"plan-{plan_id}-back-{operation_id}", by=by, now=now).object_count
        if monotonic() >= end:
            break
    if restored:
        thing = AuditTarget(ObjectKind.PLAN, plan_id, f"plan {plan_id}")
        record_event_now(AuditEventType.CLEAN_UP_UNDONE, thing, by=by, now=now, after={"restored": restored})


def _step(
    scope: Scope, plan: PlanRow, limits: AttentionThresholds, *, by: Actor, now: datetime, position: int | None = None
) -> bool:
    """Decide about the next voices that wait, or about the one at a position. False when none waits."""
    with write_transaction():
        acquire_advisory_lock("import")  # which sets assistants to voices, and tells of uses
        acquire_advisory_lock(f"plan {plan.id}")
        judged = judge(plan.id, limits, now=now, most=STEP, position=position)
        for why in {why for _, _, why in judged if why}:
            _settle(plan.id, [at for at, _, one in judged if one == why], ItemState.SKIPPED, why)
        places = {voice_id: at for at, voice_id, why in judged if not why}
        if places:
            _archive(scope, plan, limits, places, f"plan-{plan.id}-{judged[0][0]}-{judged[-1][0]}", by=by, now=now)
        return bool(judged)


def _archive(
    scope: Scope,
    plan: PlanRow,
    limits: AttentionThresholds,
    places: dict[int, int],
    key: str,
    *,
    by: Actor,
    now: datetime,
) -> None:
    as_it_is = select(ClonedVoice.json_body).where(ClonedVoice.id == CleanUpItem.voice_id).scalar_subquery()
    chosen = CleanUpItem.plan_id == plan.id, CleanUpItem.position.in_(list(places.values()))
    db.session.execute(update(CleanUpItem).where(*chosen).values(json_body=as_it_is), execution_options=_BLIND)
    refs = tuple(ObjectRef(ObjectKind.VOICE, voice_id) for voice_id in places)
    order = Order(TriageAction.ARCHIVE, refs, key, plan.last_seen_operation_id, f"clean-up, plan {plan.id}")
    operation = carry_out(scope, order, limits, by=by, now=now)
    archived = db.session.scalars(select(AuditEvent.object_id).where(AuditEvent.operation_id == operation.id))
    done = [places.pop(voice_id or 0) for voice_id in archived]
    _settle(plan.id, done, ItemState.ARCHIVED, "", operation.id)
    left = {one.id: one.reason for one in operation.skipped}
    for voice_id, at in places.items():
        why = left[voice_id]
        _settle(plan.id, [at], ItemState.SKIPPED, f"{why[0].upper()}{why[1:]}.")


def _step_singly(scope: Scope, plan: PlanRow, limits: AttentionThresholds, *, by: Actor, now: datetime) -> None:
    """Decide about the next voices one by one, so that one that the store refuses does not keep the others."""
    for at, _, _ in judge(plan.id, limits, now=now, most=STEP):
        try:
            _step(scope, plan, limits, by=by, now=now, position=at)
        except DBAPIError as error:
            if isinstance(error, DATABASE_UNAVAILABLE):
                raise
            with write_transaction():
                _settle(plan.id, [at], ItemState.FAILED, "The store refused to archive it.")


def _settle(
    plan_id: int, positions: Sequence[int], state: ItemState, why: str, operation_id: int | None = None
) -> None:
    waiting = (
        CleanUpItem.plan_id == plan_id,
        CleanUpItem.position.in_(positions),
        CleanUpItem.state == ItemState.PENDING.value,
    )
    values = {"state": state.value, "skip_reason": why, "operation_id": operation_id}
    db.session.execute(update(CleanUpItem).where(*waiting).values(values), execution_options=_BLIND)


_BLIND = {"synchronize_session": False}


def _record(event_type: AuditEventType, plan_id: int, voices: int, *, by: Actor, now: datetime) -> None:
    """Write a line that the admins of its organization may read, if it is of one alone."""
    places = organizations_of_plan(plan_id)
    thing = AuditTarget(ObjectKind.PLAN, plan_id, f"plan {plan_id}")
    only = places[0] if len(places) == 1 else None
    record_event(event_type, thing, by=by, now=now, organization_id=only, after={"voices": voices})
