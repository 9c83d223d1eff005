"""Mark archived voices as deleted at their provider, which frees their slots, or as not deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from voiceadmin.audit.types import AuditEventType, ObjectRef
from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.upserts import upsert_statement
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
from voiceadmin.voices.models import ClonedVoice, ProviderDeletion
from voiceadmin.voices.queries import IS_DELETED_AT_PROVIDER
from voiceadmin.voices.types.status import VoiceStatus

KEY = "deleted_at_provider"


def _read(targets: Sequence[TargetObject]) -> dict[ObjectRef, Value]:
    by_id = {target.ref.id: target.ref for target in targets}
    found: dict[ObjectRef, Value] = {}
    for ids in split_into_batches(list(by_id)):
        rows = db.session.scalars(
            select(ProviderDeletion).join(ClonedVoice, IS_DELETED_AT_PROVIDER).where(ProviderDeletion.voice_id.in_(ids))
        )
        found |= {by_id[row.voice_id]: _as_value(row) for row in rows}
    return found


def _as_value(row: ProviderDeletion) -> Value:
    return {
        "at": format_time(row.marked_at),
        "by": row.marked_by,
        "provider": row.provider,
        "provider_voice_id": row.provider_voice_id,
    }


def _plan(context: ActionContext) -> Iterator[Change | SkippedItem]:
    marks = _read(context.targets)
    if context.request.action is TriageAction.UNMARK_DELETED:
        for target in context.targets:
            yield _unmark(target, marks.get(target.ref))
        return
    references = _read_references(context.targets)
    for target in context.targets:
        yield _mark(target, marks.get(target.ref), references[target.ref.id], context)


def _read_references(targets: Sequence[TargetObject]) -> dict[int, tuple[str, str]]:
    """Return the provider and the provider's id of each voice."""
    references: dict[int, tuple[str, str]] = {}
    columns = select(ClonedVoice.id, ClonedVoice.provider, ClonedVoice.provider_voice_id)
    for ids in split_into_batches([target.ref.id for target in targets]):
        rows = db.session.execute(columns.where(ClonedVoice.id.in_(ids)))
        references |= {id: (provider, provider_voice_id) for id, provider, provider_voice_id in rows}
    return references


def _mark(
    target: TargetObject, mark: Value, reference: tuple[str, str], context: ActionContext
) -> Change | SkippedItem:
    provider, provider_voice_id = reference
    if mark is not None:
        return skip(target, SkipReason.ALREADY_DELETED_AT_PROVIDER)
    if target.status is not VoiceStatus.ARCHIVED:
        return skip(target, SkipReason.ARCHIVE_FIRST)
    if not provider_voice_id:
        return skip(target, SkipReason.NO_PROVIDER_ID)
    value = {
        "at": format_time(context.now),
        "by": context.actor_name,
        "provider": provider,
        "provider_voice_id": provider_voice_id,
    }
    return Change(AuditEventType.VOICE_DELETED_AT_PROVIDER, target, {KEY: None}, {KEY: value})


def _unmark(target: TargetObject, mark: Value) -> Change | SkippedItem:
    if mark is None:
        return skip(target, SkipReason.NOT_DELETED_AT_PROVIDER)
    return Change(AuditEventType.VOICE_NOT_DELETED_AT_PROVIDER, target, {KEY: mark}, {KEY: None})


def _write(values: Mapping[TargetObject, Value]) -> None:
    removed = [target.ref.id for target, value in values.items() if value is None]
    for ids in split_into_batches(removed):
        statement = delete(ProviderDeletion).where(ProviderDeletion.voice_id.in_(ids))
        db.session.execute(statement, execution_options=WITHOUT_SYNCHRONIZATION)
    rows = [_as_row(target.ref.id, value) for target, value in values.items() if value is not None]
    if rows:
        db.session.execute(upsert_statement(ProviderDeletion), rows)


def _as_row(voice_id: int, value: Value) -> dict[str, Any]:
    return {
        "voice_id": voice_id,
        "provider": value["provider"],
        "provider_voice_id": value["provider_voice_id"],
        "marked_at": datetime.fromisoformat(value["at"]),
        "marked_by": value["by"],
    }


def _revert(recorded: RecordedChange, target: TargetObject) -> Change:
    is_mark = (recorded.before or {})[KEY] is not None
    event_type = AuditEventType.VOICE_DELETED_AT_PROVIDER if is_mark else AuditEventType.VOICE_NOT_DELETED_AT_PROVIDER
    return Change(event_type, target, before=recorded.after, after=recorded.before)


HANDLER = ActionHandler(
    actions=frozenset({TriageAction.MARK_DELETED, TriageAction.UNMARK_DELETED}),
    audit_key=KEY,
    event_types=frozenset({AuditEventType.VOICE_DELETED_AT_PROVIDER, AuditEventType.VOICE_NOT_DELETED_AT_PROVIDER}),
    voices_only=True,
    read=_read,
    plan=_plan,
    write=_write,
    revert=_revert,
)
