"""Archive and restore voices. The upstream status is stored separately, so that restoring shows it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import null, update

from voiceadmin.audit.types import AuditEventType, ObjectRef
from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.operations.actions.handler import (
    ActionContext,
    ActionHandler,
    Change,
    RecordedChange,
    TargetObject,
    Value,
    format_time,
    skip,
)
from voiceadmin.operations.actions.targets import WITHOUT_SYNCHRONIZATION
from voiceadmin.operations.types import SkippedItem, SkipReason
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice
from voiceadmin.voices.types.status import VoiceStatus

KEY = "archived"


def _read(targets: Sequence[TargetObject]) -> dict[ObjectRef, Value]:
    return {target.ref: target.archived for target in targets if target.archived is not None}


def _plan(context: ActionContext) -> Iterator[Change | SkippedItem]:
    if context.request.action is TriageAction.ARCHIVE:
        value = {"at": format_time(context.now), "by": context.actor_name, "note": context.request.note}
        return (_archive(target, value) for target in context.targets)
    return map(_restore, context.targets)


def _archive(target: TargetObject, value: Value) -> Change | SkippedItem:
    if target.archived is not None:
        return skip(target, SkipReason.ALREADY_ARCHIVED)
    return Change(AuditEventType.VOICE_ARCHIVED, target, {KEY: None}, {KEY: value})


def _restore(target: TargetObject) -> Change | SkippedItem:
    if target.archived is not None:
        return Change(AuditEventType.VOICE_RESTORED, target, {KEY: target.archived}, {KEY: None})
    is_archived = target.status is VoiceStatus.ARCHIVED
    return skip(target, SkipReason.ARCHIVED_UPSTREAM if is_archived else SkipReason.NOT_ARCHIVED)


def _write(values: Mapping[TargetObject, Value]) -> None:
    ids_by_value: dict[tuple[str, str, str] | None, list[int]] = {}
    for target, value in values.items():
        key = None if value is None else (value["at"], value["by"], value["note"])
        ids_by_value.setdefault(key, []).append(target.ref.id)
    for key, ids in ids_by_value.items():
        columns = _columns_of_restored() if key is None else _columns_of_archived(*key)
        for batch in split_into_batches(ids):
            statement = update(ClonedVoice).where(ClonedVoice.id.in_(batch)).values(columns)
            db.session.execute(statement, execution_options=WITHOUT_SYNCHRONIZATION)


def _columns_of_archived(at: str, by: str, note: str) -> dict[str, Any]:
    return {
        "upstream_status": ClonedVoice.status,
        "status": VoiceStatus.ARCHIVED,
        "archived_at": datetime.fromisoformat(at),
        "archived_by": by,
        "archive_note": note,
    }


def _columns_of_restored() -> dict[str, Any]:
    return {
        "status": ClonedVoice.upstream_status,
        "upstream_status": null(),
        "archived_at": null(),
        "archived_by": null(),
        "archive_note": null(),
    }


def _revert(recorded: RecordedChange, target: TargetObject) -> Change:
    former = (recorded.before or {})[KEY]
    event_type = AuditEventType.VOICE_RESTORED if former is None else AuditEventType.VOICE_ARCHIVED
    return Change(event_type, target, before=recorded.after, after=recorded.before)


def list_voices_with_new_status(changes: Sequence[Change]) -> list[int]:
    """Return the ids of the voices that changes archive or restore."""
    return [change.target.ref.id for change in changes if change.event_type in HANDLER.event_types]


HANDLER = ActionHandler(
    actions=frozenset({TriageAction.ARCHIVE, TriageAction.RESTORE}),
    audit_key=KEY,
    event_types=frozenset({AuditEventType.VOICE_ARCHIVED, AuditEventType.VOICE_RESTORED}),
    voices_only=True,
    read=_read,
    plan=_plan,
    write=_write,
    revert=_revert,
)
