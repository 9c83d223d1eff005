"""Acknowledge or snooze all findings about voices, assistants and sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select

from voiceadmin.audit.types import AuditEventType, ObjectKind, ObjectRef
from voiceadmin.database.base import db
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.upserts import insert_rows
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
from voiceadmin.operations.actions.targets import WITHOUT_SYNCHRONIZATION, is_about, key_columns
from voiceadmin.operations.types import SkippedItem, SkipReason
from voiceadmin.triage.models import Mute
from voiceadmin.triage.queries.findings import find_findings
from voiceadmin.triage.types import Finding, TriageAction

KEY = "mute"


def _read(targets: Sequence[TargetObject]) -> dict[ObjectRef, Value]:
    mutes: dict[ObjectRef, Value] = {}
    for batch in split_into_batches([target.ref for target in targets]):
        for row in db.session.scalars(select(Mute).where(is_about(Mute, batch)).order_by(Mute.reason)):
            mutes.setdefault(ObjectRef(ObjectKind(row.object_kind), row.object_id), {})[row.reason] = {
                "fingerprint": row.fingerprint,
                "kind": row.kind,
                "until": None if row.until is None else format_time(row.until),
                "muted_at": format_time(row.muted_at),
                "muted_by": row.muted_by,
            }
    return mutes


def _plan(context: ActionContext) -> Iterator[Change | SkippedItem]:
    snoozes = context.request.action is TriageAction.SNOOZE
    event_type = AuditEventType.SNOOZED if snoozes else AuditEventType.ACKNOWLEDGED
    findings = find_findings([target.ref for target in context.targets], context.thresholds, now=context.now)
    before = _read(context.targets)
    for target in context.targets:
        after = {finding.reason: _mute(finding, context) for finding in findings[target.ref]}
        if after:
            yield Change(event_type, target, {KEY: before.get(target.ref, {})}, {KEY: after})
        else:
            yield skip(target, SkipReason.NOTHING_TO_MUTE)


def _mute(finding: Finding, context: ActionContext) -> Value:
    until = context.request.until
    return {
        "fingerprint": finding.fingerprint,
        "kind": context.request.action.value,
        "until": None if until is None else format_time(until),
        "muted_at": format_time(context.now),
        "muted_by": context.actor_name,
    }


def _write(values: Mapping[TargetObject, Value]) -> None:
    for batch in split_into_batches([target.ref for target in values]):
        statement = delete(Mute).where(is_about(Mute, batch))
        db.session.execute(statement, execution_options=WITHOUT_SYNCHRONIZATION)
    rows = [_row(target, reason, value) for target, mutes in values.items() for reason, value in mutes.items()]
    if rows:
        insert_rows(Mute, tuple(rows[0]), [tuple(row.values()) for row in rows])


def _row(target: TargetObject, reason: str, value: Value) -> dict[str, Any]:
    return key_columns(target) | {
        "reason": reason,
        "fingerprint": value["fingerprint"],
        "kind": value["kind"],
        "until": None if value["until"] is None else datetime.fromisoformat(value["until"]),
        "muted_at": datetime.fromisoformat(value["muted_at"]),
        "muted_by": value["muted_by"],
    }


def _revert(recorded: RecordedChange, target: TargetObject) -> Change:
    event_type = _event_type_of((recorded.before or {})[KEY])
    return Change(event_type, target, before=recorded.after, after=recorded.before)


def _event_type_of(mutes: Value) -> AuditEventType:
    if not mutes:
        return AuditEventType.UNMUTED
    is_snoozed = any(value["kind"] == TriageAction.SNOOZE.value for value in mutes.values())
    return AuditEventType.SNOOZED if is_snoozed else AuditEventType.ACKNOWLEDGED


HANDLER = ActionHandler(
    actions=frozenset({TriageAction.ACKNOWLEDGE, TriageAction.SNOOZE}),
    audit_key=KEY,
    event_types=frozenset({AuditEventType.ACKNOWLEDGED, AuditEventType.SNOOZED, AuditEventType.UNMUTED}),
    read=_read,
    plan=_plan,
    write=_write,
    revert=_revert,
)
