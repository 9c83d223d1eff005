"""Apply an action to one or thousands of voices, assistants and sources, in one transaction that can be undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from voiceadmin.audit.actions import record_event_now
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind, ObjectRef, hash_selection
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.transactions import write_transaction
from voiceadmin.errors import ChangeRefused, ObjectNotFound, SelectionChanged
from voiceadmin.identity import Actor, Scope
from voiceadmin.operations.actions.archive import list_voices_with_new_status
from voiceadmin.operations.actions.assign import lock_assignee
from voiceadmin.operations.actions.conflicts import Conflict, find_conflicts
from voiceadmin.operations.actions.handler import ActionContext, Change, TargetObject, skip
from voiceadmin.operations.actions.idempotency import build_request_key, find_repeated
from voiceadmin.operations.actions.recording import Outcome, record_operation
from voiceadmin.operations.actions.registry import HANDLER_OF_ACTION
from voiceadmin.operations.actions.targets import lock_targets
from voiceadmin.operations.models import Operation
from voiceadmin.operations.queries import build_operation_row
from voiceadmin.operations.types import MAX_OBJECTS, ActionRequest, OperationRow, SkippedItem
from voiceadmin.sources.actions.judging import judge_voices
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.usage import count_voices_in_use


def apply_action(
    scope: Scope, request: ActionRequest, thresholds: AttentionThresholds, *, by: Actor, now: datetime
) -> OperationRow:
    """Apply an action to the objects of a request. A repeated request returns its first operation.

    Raises:
        ObjectNotFound: if an object does not exist or is outside the scope. Records an audit event; no object changes.
        ChangeRefused: if the request is invalid. No object changes.
    """
    try:
        with write_transaction():
            return execute(scope, request, thresholds, by=by, now=now)
    except ObjectNotFound:
        target = AuditTarget(ObjectKind.DATABASE, None, request.action.label)
        counts = {"chosen": len(set(request.refs))}
        organizations = scope.organizations or ()  # of the actor: the admins of the others must not learn of the actor
        record_event_now(
            AuditEventType.OPERATION_REFUSED, target, by=by, now=now, organizations=organizations, after=counts
        )
        raise


def apply_action_to_all(
    scope: Scope,
    request: ActionRequest,
    find: Callable[[], Sequence[ObjectRef]],
    selection_hash: str,
    thresholds: AttentionThresholds,
    *,
    by: Actor,
    now: datetime,
) -> OperationRow:
    """Apply an action to all objects that match filters, unless the matching set changed since the confirmation page.

    Args:
        scope: the organizations visible to the requester.
        request: the action; its `refs` are ignored.
        find: returns the matching objects inside the scope.
        selection_hash: of the matching objects when the confirmation page was made.
        thresholds: of the rules.
        by: the actor.
        now: the time of the operation.

    Raises:
        SelectionChanged: if other objects match now. No object changes.
        ObjectNotFound, ChangeRefused: as `apply_action`.
    """
    with write_transaction():
        repeated = find_repeated(Operation, build_request_key(request, by, selection_hash))
        if repeated is not None:
            return build_operation_row(repeated)
        refs = find()
        if hash_selection(refs) != selection_hash:
            raise SelectionChanged("The list has changed since the page was loaded. Nothing was changed.")
        return execute(scope, replace(request, refs=tuple(refs)), thresholds, by=by, now=now)


def execute(
    scope: Scope, request: ActionRequest, thresholds: AttentionThresholds, *, by: Actor, now: datetime
) -> OperationRow:
    """Apply an action inside the transaction of the caller. See `apply_action`."""
    request = replace(request, refs=tuple(dict.fromkeys(request.refs)))
    _check(request, now)
    key = build_request_key(request, by)
    repeated = find_repeated(Operation, key)
    if repeated is not None:
        return build_operation_row(repeated)
    targets = lock_targets(scope, request.refs)
    assignee = lock_assignee(request, targets)
    free, skipped = _split_by_conflict(targets, find_conflicts(request, by))
    changes = _write_changes(ActionContext(request, assignee, free, thresholds, by, now), skipped)
    judge_voices(list_voices_with_new_status(changes), thresholds, now=now)
    outcome = Outcome(
        action=request.action,
        key=key,
        changes=changes,
        skipped=skipped,
        organizations={target.organization_id for target in targets},
        note=request.note,
        in_use_count=_count_in_use(request.action, changes),
    )
    return record_operation(outcome, by=by, now=now)


def _check(request: ActionRequest, now: datetime) -> None:
    count = len(request.refs)
    if not count:
        raise ChangeRefused("Nothing is selected. Select at least one.")
    if count > MAX_OBJECTS:
        raise ChangeRefused(f"{count:,} are too many at once. Narrow the filters to {MAX_OBJECTS:,} at most.")
    if HANDLER_OF_ACTION[request.action].voices_only and any(ref.kind is not ObjectKind.VOICE for ref in request.refs):
        raise ChangeRefused("Only voices can be archived and restored. Select voices only.")
    if request.action is TriageAction.NOTE and not request.note:
        raise ChangeRefused("The note is empty. Enter a note.")
    if request.until is not None and request.until <= now:
        raise ChangeRefused("The end of the snooze is in the past. Choose a later day.")


def _split_by_conflict(
    targets: Sequence[TargetObject], conflicts: dict[ObjectRef, Conflict]
) -> tuple[list[TargetObject], list[SkippedItem]]:
    free = [target for target in targets if target.ref not in conflicts]
    skipped = [skip(target, *conflicts[target.ref]) for target in targets if target.ref in conflicts]
    return free, skipped


def _write_changes(context: ActionContext, skipped: list[SkippedItem]) -> list[Change]:
    """Write the changes of a request and return them. Add the objects that stay as they are to `skipped`."""
    handler = HANDLER_OF_ACTION[context.request.action]
    changes = list[Change]()
    for result in handler.plan(context):
        if isinstance(result, Change):
            changes.append(result)
        else:
            skipped.append(result)
    handler.write(handler.get_new_values(changes))
    return changes


def _count_in_use(action: TriageAction, changes: Sequence[Change]) -> int:
    if action is not TriageAction.ARCHIVE:
        return 0
    return count_voices_in_use([change.target.ref.id for change in changes])
