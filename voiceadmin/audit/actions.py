"""Record audit events, in the transaction of the change that they describe."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from voiceadmin.audit.models import AuditEvent
from voiceadmin.audit.types import AuditEventType, AuditTarget
from voiceadmin.database.base import db
from voiceadmin.database.transactions import log_after_commit, write_transaction
from voiceadmin.identity import Actor
from voiceadmin.text import build_name_key, quote_value

Facts = Mapping[str, Any]


def record_event(
    event_type: AuditEventType,
    target: AuditTarget,
    *,
    by: Actor,
    now: datetime,
    organization_id: int | None = None,
    before: Facts | None = None,
    after: Facts | None = None,
    note: str = "",
) -> None:
    """Record an audit event, and log it when the transaction commits. Call inside a write transaction.

    Args:
        organization_id: the organization whose members may read the event; None for platform admins only.
        before: the changed values before the change; None if there were none. Never a secret.
        after: the changed values after the change; None if there are none. Never a secret.
        note: a text by the actor.
    """
    record_events(event_type, [(target, organization_id, before, after)], by=by, now=now, note=note)


def record_events(
    event_type: AuditEventType,
    changes: Iterable[tuple[AuditTarget, int | None, Facts | None, Facts | None]],
    *,
    by: Actor,
    now: datetime,
    note: str = "",
    operation_id: int | None = None,
) -> None:
    """Record an audit event for each change. Call inside a write transaction.

    Args:
        changes: target, organization id, and the values before and after, as in record_event.
        operation_id: the operation that made the changes, None if they cannot be undone.
    """
    rows = [
        {
            "at": now,
            "actor_kind": by.kind.value,
            "actor_id": by.id,
            "actor_name": by.name,
            "actor_key": build_name_key(by.name),
            "address": by.address,
            "event_type": event_type.value,
            "organization_id": organization_id,
            "object_kind": target.kind.value,
            "object_id": target.id,
            "object_name": target.name,
            "before": _dump(before),
            "after": _dump(after),
            "note": note,
            "operation_id": operation_id,
        }
        for target, organization_id, before, after in changes
    ]
    if not rows:
        return
    db.session.execute(insert(AuditEvent), rows)
    log_after_commit(f"{event_type.value}: {_describe_actor(by)}, {_describe_targets(rows)}")


def record_event_now(event_type: AuditEventType, target: AuditTarget, *, by: Actor, now: datetime, **more: Any) -> None:
    """Record an audit event in a transaction of its own, for actions that change no data, such as an export.

    Args:
        more: further arguments of record_event.
    """
    with write_transaction():
        record_event(event_type, target, by=by, now=now, **more)


def _describe_actor(by: Actor) -> str:
    return f"{by.kind.value} {quote_value(by.name)} from {by.address or 'the command line'}"


def _describe_targets(rows: list[dict[str, Any]]) -> str:
    if len(rows) > 1:
        return f"{len(rows):,} objects"
    row = rows[0]
    return f"{row['object_kind']} {row['object_id'] or ''} {quote_value(row['object_name'])}"


def _dump(facts: Facts | None) -> str | None:
    return None if facts is None else json.dumps(facts, ensure_ascii=False, default=str)
