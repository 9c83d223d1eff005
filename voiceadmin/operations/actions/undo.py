"""Undo an operation. Undoing an undo applies the operation again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from voiceadmin.audit.types import ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, OperationNotFound
from voiceadmin.identity import Actor, Scope
from voiceadmin.operations.actions.archive import list_voices_with_new_status
from voiceadmin.operations.actions.assign import get_former_assignee, lock_operator_scope
from voiceadmin.operations.actions.conflicts import find_later_changes
from voiceadmin.operations.actions.handler import (
    ActionHandler,
    Change,
    RecordedChange,
    TargetObject,
    Value,
    skip,
)
from voiceadmin.operations.actions.idempotency import find_repeated, hash_parts
from voiceadmin.operations.actions.note import KEY as NOTE_KEY
from voiceadmin.operations.actions.recording import Outcome, list_recorded_changes, record_operation
from voiceadmin.operations.actions.registry import HANDLER_OF_EVENT, HANDLERS
from voiceadmin.operations.actions.targets import lock_visible
from voiceadmin.operations.models import Operation
from voiceadmin.operations.queries import build_operation_row
from voiceadmin.operations.types import UNDO_PERIOD, OperationRow, SkippedItem, SkipReason
from voiceadmin.sources.actions.judging import judge_voices
from voiceadmin.tokens import generate_token
from voiceadmin.triage.types import TriageAction


def undo_operation(
    scope: Scope, operation_id: int, key: str, thresholds: AttentionThresholds, *, by: Actor, now: datetime
) -> OperationRow:
    """Restore the former values of the objects of an operation, and return the operation that did so.

    Objects that changed since are skipped. If all are skipped, the operation is not marked as undone: nothing was, and
    a later attempt may succeed, for example once a former assignee has access again.

    Args:
        scope: the organizations that the actor operates.
        operation_id: the operation to undo.
        key: a request with the same key is applied once; "" for a request that is never a repeated one.
        thresholds: of the rules.
        by: the actor.
        now: the time of the undo.

    Raises:
        OperationNotFound: if it does not exist, changed nothing, or changed objects outside the scope.
        ChangeRefused: if it is too old, or undone already.
    """
    with write_transaction():
        return execute_undo(scope, operation_id, key, thresholds, by=by, now=now)


def execute_undo(
    scope: Scope, operation_id: int, key: str, thresholds: AttentionThresholds, *, by: Actor, now: datetime
) -> OperationRow:
    """Undo an operation like `undo_operation`. Call inside a write transaction."""
    stored_key = hash_parts("undo", operation_id, key or generate_token())
    repeated = find_repeated(Operation, stored_key)
    if repeated is not None and scope.covers_all(build_operation_row(repeated).organizations):
        return build_operation_row(repeated)
    recorded = list_recorded_changes(operation_id)
    operation = _lock_operation(scope, operation_id, recorded, now)
    changes, skipped = _plan_revert(scope, recorded)
    _write_changes(changes)
    judge_voices(list_voices_with_new_status(changes), thresholds, now=now)
    outcome = Outcome(
        action=TriageAction(operation.action),
        key=stored_key,
        changes=changes,
        skipped=skipped,
        organizations={change.organization_id for change in recorded},
        note=(recorded[0].before or {}).get(NOTE_KEY, "by undo"),  # adding a note again restores its text
        undoes=operation.id,
    )
    undo = record_operation(outcome, by=by, now=now)
    if changes:
        db.session.execute(update(Operation).where(Operation.id == operation.id).values(undone_by=undo.id))
    return undo


def _lock_operation(scope: Scope, operation_id: int, recorded: Sequence[RecordedChange], now: datetime) -> Operation:
    operation = db.session.scalar(select(Operation).where(Operation.id == operation_id).with_for_update())
    organizations = frozenset(change.organization_id for change in recorded)
    if operation is None or not recorded or not scope.covers_all(organizations):
        raise OperationNotFound(f"There is no operation {operation_id} to undo.")
    if operation.undone_by is not None:
        raise ChangeRefused("This operation is undone already.")
    if now - operation.at > UNDO_PERIOD:
        raise ChangeRefused(f"This operation is older than {UNDO_PERIOD.days} days and can no longer be undone.")
    return operation


@dataclass(frozen=True, slots=True)
class _State:
    """The current state of the objects of an operation.

    Attributes:
        targets: the objects that exist in the scope; an object may have moved to another organization since.
        values: by the audit key of a handler, the current values of the objects that it changed.
        later_changes: who changed the same value later, by the id of the recorded change.
        assignee_scopes: where the former assignees are operators, by account.
    """

    targets: Mapping[ObjectRef, TargetObject]
    values: Mapping[str, Mapping[ObjectRef, Value]]
    later_changes: Mapping[int, str]
    assignee_scopes: Mapping[int, Scope]


def _plan_revert(scope: Scope, recorded: Sequence[RecordedChange]) -> tuple[list[Change], list[SkippedItem]]:
    """Return the changes that undo recorded ones, and the objects that cannot be changed back."""
    state = _read_state(scope, recorded)
    changes, skipped = list[Change](), list[SkippedItem]()
    for change in recorded:
        result = _revert(change, state)
        if isinstance(result, Change):
            changes.append(result)
        else:
            skipped.append(result)
    return changes, skipped


def _read_state(scope: Scope, recorded: Sequence[RecordedChange]) -> _State:
    targets = lock_visible(scope, [change.ref for change in recorded])
    values = {handler.audit_key: handler.read(_targets_of(handler, recorded, targets)) for handler in HANDLERS}
    account_ids = {assignee["id"] for assignee in map(get_former_assignee, recorded) if assignee is not None}
    scopes = {account_id: lock_operator_scope(account_id) for account_id in sorted(account_ids)}
    return _State(targets, values, find_later_changes(recorded), scopes)


def _targets_of(
    handler: ActionHandler, recorded: Sequence[RecordedChange], targets: Mapping[ObjectRef, TargetObject]
) -> list[TargetObject]:
    refs = [change.ref for change in recorded if change.event_type in handler.event_types]
    return [targets[ref] for ref in refs if ref in targets]


def _revert(change: RecordedChange, state: _State) -> Change | SkippedItem:
    target, handler = state.targets.get(change.ref), HANDLER_OF_EVENT[change.event_type]
    if target is None:
        return SkippedItem(change.ref.kind.value, change.ref.id, change.name, SkipReason.GONE)
    if change.id in state.later_changes:
        return skip(target, SkipReason.CHANGED_SINCE, state.later_changes[change.id])
    expected = (change.after or {}).get(handler.audit_key) or None
    if state.values[handler.audit_key].get(change.ref) != expected:
        return skip(target, SkipReason.STATE_DIFFERS)
    assignee = get_former_assignee(change)
    if assignee is not None and not state.assignee_scopes[assignee["id"]].covers(target.organization_id):
        return skip(target, SkipReason.ASSIGNEE_LOST_ACCESS, assignee["email"])
    return handler.revert(change, target)


def _write_changes(changes: Sequence[Change]) -> None:
    for handler in HANDLERS:
        own = [change for change in changes if change.event_type in handler.event_types]
        handler.write(handler.get_new_values(own))
