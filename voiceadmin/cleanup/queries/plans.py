"""Read clean-up plans, their items, and the result that pending items would have now."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import aliased

from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType
from voiceadmin.cleanup.models import CleanUpItem, CleanUpOrganization, CleanUpPlan
from voiceadmin.cleanup.queries.candidates import describe_evidence, parse_stored_voice
from voiceadmin.cleanup.queries.conditions import CLEAN_UP_RULES, IS_MISSING, SHARES_REFERENCE
from voiceadmin.cleanup.types.candidates import CleanUpFilters
from voiceadmin.cleanup.types.plans import ItemState, PlanItem, PlanRow, RecheckedItem, SkipReason
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_all
from voiceadmin.errors import PlanNotFound
from voiceadmin.identity import Scope
from voiceadmin.operations.models import Operation
from voiceadmin.operations.types import UNDO_PERIOD
from voiceadmin.organizations.models import Organization
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import format_iso8601
from voiceadmin.triage.queries.conditions import is_muted
from voiceadmin.triage.rules.rule import rule_parameters
from voiceadmin.voices.models import ClonedVoice, ProviderDeletion
from voiceadmin.voices.queries import IS_DELETED_AT_PROVIDER
from voiceadmin.voices.usage import IS_NAMED, IS_USED

LISTED_PLANS = 10
ITEMS_PER_PAGE = 50

# An item that was archived has the state of its voice: an undo changes the voice and not the item.
CURRENT_STATE: ColumnElement[str] = case(
    (CleanUpItem.state != ItemState.ARCHIVED.value, CleanUpItem.state),
    (ClonedVoice.id.is_(None), ItemState.GONE.value),
    (ClonedVoice.archived_at.is_(None), ItemState.RESTORED.value),
    else_=ItemState.ARCHIVED.value,
)

RESTORE_SHEET_FIELDS = (
    "position",
    "state",
    "skip_reason",
    "reason",
    "id",
    "organization_id",
    "organization",
    "name",
    "provider",
    "provider_voice_id",
    "language",
    "gender",
    "upstream_status",
    "quality_score",
    "created_at",
    "last_used_at",
    "synthesis_count",
    "archived_at",
    "archived_by",
    "plan",
    "planned_at",
    "planned_by",
    "confirmed_at",
    "confirmed_by",
)


def list_plans(scope: Scope) -> list[PlanRow]:
    """Return the newest plans that have no voice outside the scope, in two statements."""
    plans = db.session.scalars(
        select(CleanUpPlan).where(is_covered_by(scope)).order_by(CleanUpPlan.id.desc()).limit(LISTED_PLANS)
    ).all()
    counted = (
        select(CleanUpItem.plan_id, CURRENT_STATE, func.count())
        .outerjoin(ClonedVoice, ClonedVoice.id == CleanUpItem.voice_id)
        .where(CleanUpItem.plan_id.in_([plan.id for plan in plans]))
        .group_by(CleanUpItem.plan_id, CURRENT_STATE)
    )
    states: dict[int, dict[ItemState, int]] = {plan.id: {} for plan in plans}
    for plan_id, state, count in db.session.execute(counted):
        states[plan_id][ItemState(state)] = count
    return [_plan_row(plan, states[plan.id]) for plan in plans]


def get_plan(scope: Scope, plan_id: int, *, now: datetime) -> PlanRow:
    """Return one plan.

    Raises:
        PlanNotFound: if there is no such plan, or if it has a voice outside the scope.
    """
    plan = db.session.scalar(select(CleanUpPlan).where(CleanUpPlan.id == plan_id, is_covered_by(scope)))
    if plan is None:
        raise PlanNotFound(f"There is no plan {plan_id}.")
    uses_slot = and_(ClonedVoice.provider_voice_id != "", ProviderDeletion.voice_id.is_(None))
    counted = (
        select(CleanUpItem.provider, CURRENT_STATE, uses_slot, func.count())
        .outerjoin(ClonedVoice, ClonedVoice.id == CleanUpItem.voice_id)
        .outerjoin(ProviderDeletion, IS_DELETED_AT_PROVIDER)
        .where(CleanUpItem.plan_id == plan_id)
        .group_by(CleanUpItem.provider, CURRENT_STATE, uses_slot)
    )
    states, voices = Counter[ItemState](), Counter[str]()
    for provider, state, is_slot_used, count in db.session.execute(counted):
        states[ItemState(state)] += count
        if is_slot_used and state in (ItemState.PENDING, ItemState.ARCHIVED):
            voices[provider] += count
    return _plan_row(plan, states, dict(voices.most_common()), _count_undoable(plan_id, now))


def list_plan_organizations(plan_id: int) -> Sequence[int]:
    """Return the ids of the organizations that own voices of a plan, sorted."""
    return db.session.scalars(
        select(CleanUpOrganization.organization_id)
        .where(CleanUpOrganization.plan_id == plan_id)
        .order_by(CleanUpOrganization.organization_id)
    ).all()


def is_plan_covered(scope: Scope, plan_id: int) -> bool:
    """Return whether all voices of a plan are in the scope."""
    return db.session.scalar(select(CleanUpPlan.id).where(CleanUpPlan.id == plan_id, is_covered_by(scope))) is not None


def list_undoable_operations(plan_id: int) -> Sequence[Operation]:
    """Return the operations that archived voices of a plan and have no undo attempt yet, oldest first.

    Undoing an undo archives the voices again, so such an operation counts as well. An undo that could change nothing
    does not mark its operation as undone, but trying it again would not help.
    """
    undo, redo, attempt = aliased(Operation), aliased(Operation), aliased(Operation)
    own = select(CleanUpItem.operation_id.label("id")).where(CleanUpItem.plan_id == plan_id)
    archiving = own.cte("archiving", recursive=True)
    archiving = archiving.union(
        select(redo.id).join(undo, redo.undoes == undo.id).join(archiving, undo.undoes == archiving.c.id)
    )
    was_tried = select(attempt.id).where(attempt.undoes == Operation.id).exists()
    return db.session.scalars(
        select(Operation)
        .where(Operation.id.in_(select(archiving.c.id)), Operation.object_count > 0, ~was_tried)
        .order_by(Operation.id)
    ).all()


def _count_undoable(plan_id: int, now: datetime) -> int:
    """Return how many voices an undo of a plan would restore: it skips those that were changed since."""
    operations = [one.id for one in list_undoable_operations(plan_id) if now - one.at <= UNDO_PERIOD]
    later = aliased(AuditEvent)
    is_changed = select(later.id).where(
        later.object_kind == AuditEvent.object_kind,
        later.object_id == AuditEvent.object_id,
        later.id > AuditEvent.id,
        later.event_type.in_([AuditEventType.VOICE_ARCHIVED.value, AuditEventType.VOICE_RESTORED.value]),
    )
    return (
        db.session.scalar(
            select(func.count())
            .select_from(AuditEvent)
            .join(ClonedVoice, ClonedVoice.id == AuditEvent.object_id)
            .where(AuditEvent.operation_id.in_(operations), ClonedVoice.archived_at.is_not(None), ~is_changed.exists())
        )
        or 0
    )


def list_items(
    plan: PlanRow, states: Sequence[ItemState], page_number: int, thresholds: AttentionThresholds
) -> list[PlanItem]:
    """Return a page of the items that are in one of the states; no state selects all items."""
    start, found = (page_number - 1) * ITEMS_PER_PAGE, _select_items(plan.id)
    if states:
        found = found.where(CURRENT_STATE.in_([state.value for state in states])).limit(ITEMS_PER_PAGE).offset(start)
    else:
        found = found.where(CleanUpItem.position.between(start + 1, start + ITEMS_PER_PAGE))
    return [_plan_item(plan, thresholds, *row) for row in db.session.execute(found)]


def recheck_items(
    plan_id: int, thresholds: AttentionThresholds, *, now: datetime, limit: int, position: int | None = None
) -> list[RecheckedItem]:
    """Check the first pending items again, or only the one at a position."""
    only = "" if position is None else " AND item.position = :position"
    rows = fetch_all(
        f"SELECT position, voice_id, skip_reason FROM ({_select_rechecked(thresholds)}{only}) AS rechecked"
        f" ORDER BY position LIMIT {limit:d}",
        rule_parameters(thresholds, now) | {"plan": plan_id, "position": position},
    )
    return [RecheckedItem(row.position, row.voice_id, _skip_reason(row.skip_reason)) for row in rows]


def count_rechecked(plan_id: int, thresholds: AttentionThresholds, *, now: datetime) -> dict[SkipReason | None, int]:
    """Count the pending items by why they would be skipped now, most first. None counts those to be archived."""
    rows = fetch_all(
        f"SELECT skip_reason, count(*) FROM ({_select_rechecked(thresholds)}) AS rechecked"
        " GROUP BY 1 ORDER BY 2 DESC, 1",
        rule_parameters(thresholds, now) | {"plan": plan_id},
    )
    return {_skip_reason(code): count for code, count in rows}


def export_restore_sheet(plan: PlanRow, format: ExportFormat) -> Iterator[str]:
    """Yield the text of a file with every field of every voice of a plan, as it was before it was archived."""
    found = db.session.execute(_select_items(plan.id), execution_options={"yield_per": 1000})
    return format_records(RESTORE_SHEET_FIELDS, (_restore_record(plan, *row) for row in found), format)


def is_covered_by(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that all voices of a plan are in a scope."""
    if scope.organizations is None:
        return CleanUpPlan.id > 0
    outside = CleanUpOrganization.organization_id.not_in(sorted(scope.organizations))
    return ~select(CleanUpOrganization.plan_id).where(CleanUpOrganization.plan_id == CleanUpPlan.id, outside).exists()


def _plan_row(
    plan: CleanUpPlan,
    states: Mapping[ItemState, int],
    voices: Mapping[str, int] = MappingProxyType({}),
    undoable: int = 0,
) -> PlanRow:
    stored = json.loads(plan.filters)
    return PlanRow(
        id=plan.id,
        created_at=plan.created_at,
        created_by=plan.created_by,
        filters=CleanUpFilters(
            stored["organization"], tuple(stored["providers"]), tuple(stored["reasons"]), stored["limit"]
        ),
        voice_count=plan.voice_count,
        last_seen_operation_id=plan.last_seen_operation_id,
        confirmed_at=plan.confirmed_at,
        confirmed_by=plan.confirmed_by,
        states={state: states[state] for state in ItemState if states.get(state)},
        voices=voices,
        undoable=undoable,
    )


def _select_items(plan_id: int) -> Any:
    return (
        select(CleanUpItem, Organization.name, CURRENT_STATE, Operation.at, Operation.actor_name)
        .outerjoin(ClonedVoice, ClonedVoice.id == CleanUpItem.voice_id)
        .outerjoin(Organization, Organization.id == CleanUpItem.organization_id)
        .outerjoin(Operation, Operation.id == CleanUpItem.operation_id)
        .where(CleanUpItem.plan_id == plan_id)
        .order_by(CleanUpItem.position)
    )


def _plan_item(
    plan: PlanRow,
    thresholds: AttentionThresholds,
    item: CleanUpItem,
    organization_name: str | None,
    state: str,
    *_: Any,
) -> PlanItem:
    voice = parse_stored_voice(item.json_body)
    return PlanItem(
        voice,
        item.organization_id,
        organization_name or "",
        describe_evidence(item, voice, thresholds, plan.created_at),
        ItemState(state),
        _skip_reason(item.skip_reason),
    )


def _skip_reason(code: str) -> SkipReason | None:
    return SkipReason(code) if code else None


def _select_rechecked(thresholds: AttentionThresholds) -> str:
    """Return SQL of the pending items of :plan with the code of why each would be skipped now, '' for none."""
    still_holds = " OR ".join(
        f"(item.reason = '{rule.slug}' AND {rule.condition(thresholds)} AND {rule.fingerprint} = item.fingerprint)"
        for rule in CLEAN_UP_RULES
    )
    muted = " OR ".join(f"(item.reason = '{rule.slug}' AND {is_muted(rule)})" for rule in CLEAN_UP_RULES)
    return f"""SELECT item.position AS position, item.voice_id AS voice_id, CASE
        WHEN voice.id IS NULL OR voice.organization_id <> item.organization_id THEN '{SkipReason.GONE}'
        WHEN voice.status = 'archived' THEN '{SkipReason.ALREADY_ARCHIVED}'
        WHEN {IS_USED} THEN '{SkipReason.IN_USE}'
        WHEN {IS_NAMED} THEN '{SkipReason.NAMED}'
        WHEN {SHARES_REFERENCE} THEN '{SkipReason.SHARED_REFERENCE}'
        WHEN {IS_MISSING} THEN '{SkipReason.MISSING}'
        WHEN {muted} THEN '{SkipReason.MUTED}'
        WHEN voice.status <> 'ready' THEN '{SkipReason.NOT_READY}'
        WHEN {still_holds} THEN '' ELSE '{SkipReason.USED_OR_RECLONED}' END AS skip_reason
        FROM clean_up_item AS item LEFT JOIN cloned_voice AS voice ON voice.id = item.voice_id
        WHERE item.plan_id = :plan AND item.state = 'pending'"""


def _restore_record(
    plan: PlanRow, item: CleanUpItem, organization_name: str | None, state: str, at: datetime | None, by: str | None
) -> dict[str, Any]:
    voice = json.loads(item.json_body)
    record = voice | {
        "position": item.position,
        "state": state,
        "skip_reason": item.skip_reason,
        "reason": item.reason,
        "organization_id": item.organization_id,
        "organization": organization_name,
        "upstream_status": voice["status"],
        "archived_at": at and format_iso8601(at),
        "archived_by": by,
        "plan": plan.id,
        "planned_at": format_iso8601(plan.created_at),
        "planned_by": plan.created_by,
        "confirmed_at": plan.confirmed_at and format_iso8601(plan.confirmed_at),
        "confirmed_by": plan.confirmed_by,
    }
    return {name: record[name] for name in RESTORE_SHEET_FIELDS}
