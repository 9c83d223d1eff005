"""Deeds: what was done at the desk, and whether it can still be undone."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import func, select

from voiceadmin.database.base import db
from voiceadmin.errors import OperationNotFound
from voiceadmin.identity import Scope
from voiceadmin.operations.models import Operation
from voiceadmin.operations.types import UNDONE_FOR, OperationRow, SkippedItem
from voiceadmin.triage.types import TriageAction


def get_operation(scope: Scope, operation_id: int) -> OperationRow:
    """One operation, if all that it was about is in the scope. Raises OperationNotFound."""
    operation = db.session.get(Operation, operation_id)
    if operation is None or not scope.covers_all(frozenset(json.loads(operation.outcome)["organizations"])):
        raise OperationNotFound(f"There is no operation {operation_id}.")
    return operation_row(operation)


def operation_row(operation: Operation) -> OperationRow:
    """A operation as the floors above know it."""
    outcome = json.loads(operation.outcome)
    return OperationRow(
        operation.id,
        operation.at,
        operation.actor_name,
        TriageAction(operation.action),
        operation.object_count,
        outcome["voice_count"],
        frozenset(outcome["organizations"]),
        [SkippedItem(*one) for one in outcome["skipped"]],
        outcome["skipped_unlisted"],
        operation.undoes,
        operation.undone_by,
        outcome["in_use_count"],
    )


def get_last_operation_id() -> int:
    """The newest operation; what is done after it was not seen by whoever looks now."""
    return db.session.scalar(select(func.max(Operation.id))) or 0


def is_undoable(operation: OperationRow, now: datetime) -> bool:
    """Whether a operation can be undone, as far as that is known without looking at what it changed."""
    return bool(operation.object_count) and operation.undone_by is None and now - operation.at <= UNDONE_FOR
