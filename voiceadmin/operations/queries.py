"""Read operations and describe them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from voiceadmin.database.base import db
from voiceadmin.database.dialect import fetch_rows
from voiceadmin.errors import OperationNotFound
from voiceadmin.identity import Scope
from voiceadmin.operations.models import Operation
from voiceadmin.operations.types import UNDO_PERIOD, OperationRow, SkippedItem, SkipReason
from voiceadmin.text import pluralize
from voiceadmin.triage.types import TriageAction


def get_operation(scope: Scope, operation_id: int) -> OperationRow:
    """Return one operation.

    Raises:
        OperationNotFound: if there is no such operation, or an organization of its objects is outside the scope.
    """
    operation = db.session.get(Operation, operation_id)
    if operation is None or not scope.covers_all(frozenset(json.loads(operation.outcome)["organizations"])):
        raise OperationNotFound(f"There is no operation {operation_id}.")
    return build_operation_row(operation)


def build_operation_row(operation: Operation) -> OperationRow:
    """Return the row of a stored operation."""
    outcome = json.loads(operation.outcome)
    return OperationRow(
        id=operation.id,
        at=operation.at,
        actor_name=operation.actor_name,
        action=TriageAction(operation.action),
        object_count=operation.object_count,
        voice_count=outcome["voice_count"],
        organizations=frozenset(outcome["organizations"]),
        skipped=[_read_skipped_item(item) for item in outcome["skipped"]],
        skipped_unlisted=outcome["skipped_unlisted"],
        undoes=operation.undoes,
        undone_by=operation.undone_by,
        in_use_count=outcome["in_use_count"],
        source_count=outcome.get("source_count", 0),  # older operations have none
    )


def _read_skipped_item(item: Sequence[Any]) -> SkippedItem:
    kind, object_id, name, reason, detail = item
    return SkippedItem(kind, object_id, name, SkipReason(reason), detail)


def get_last_operation_id() -> int:
    """Return the id of the newest operation, 0 if there is none."""
    ((newest,),) = fetch_rows("SELECT max(id) FROM operation", {})
    return newest or 0


def is_undoable(operation: OperationRow, now: datetime) -> bool:
    """Return whether an undo may be tried. Objects that changed since are skipped by the undo itself."""
    return bool(operation.object_count) and operation.undone_by is None and now - operation.at <= UNDO_PERIOD


def describe_operation(operation: OperationRow) -> str:
    """Return a one-line summary such as "Archived 3 voices and 1 assistant."."""
    if not operation.object_count:
        return "Nothing was changed." if operation.undoes is None else "Nothing could be undone."
    voice_count, source_count = operation.voice_count, operation.source_count
    assistant_count = operation.object_count - voice_count - source_count
    objects = describe_objects(voice_count, assistant_count, source_count)
    return f"{operation.action.past_tense if operation.undoes is None else 'Undid the changes to'} {objects}."


def describe_objects(voice_count: int, assistant_count: int, source_count: int = 0) -> str:
    """Return a phrase such as "3 voices, 1 assistant and 2 sources"."""
    counts = [(voice_count, "voice"), (assistant_count, "assistant"), (source_count, "source")]
    *others, last = [pluralize(count, noun) for count, noun in counts if count] or [""]
    return f"{', '.join(others)} and {last}" if others else last
