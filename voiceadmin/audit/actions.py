"""Record audit events, in the transaction of the change that they describe."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from voiceadmin.audit.models import AuditEvent, AuditEventOrganization
from voiceadmin.audit.types import AuditEventType, AuditTarget
from voiceadmin.database.base import db
from voiceadmin.database.transactions import log_after_commit, write_transaction
from voiceadmin.database.upserts import insert_rows
from voiceadmin.identity import Actor
from voiceadmin.text import build_name_key, quote_value

Facts = Mapping[str, Any]

ChangedTarget = tuple[AuditTarget, int | None, Facts | None, Facts | None]
"""An object, the id of its organization, and the changed values before and after."""


def record_event(
    event_type: AuditEventType,
    target: AuditTarget,
    *,
    by: Actor,
    now: datetime,
    organizations: Collection[int] = (),
    before: Facts | None = None,
    after: Facts | None = None,
    note: str = "",
) -> None:
    """Record an audit event, and log it when the transaction commits. Call inside a write transaction.

    Args:
        organizations: ids of the organizations that the event concerns, whose members may read it; none of them for
            an event that only platform admins may read.
        before: the changed values before the change; None if there were none. Never a secret.
        after: the changed values after the change; None if there are none. Never a secret.
        note: a text by the actor.
    """
    ids = set(organizations)
    change = (target, ids.pop() if len(ids) == 1 else None, before, after)
    (row,) = _build_rows(event_type, [change], by, now, note)
    event_id = db.session.scalar(insert(AuditEvent).returning(AuditEvent.id), row)
    if ids:
        rows = [{"event_id": event_id, "organization_id": id} for id in sorted(ids)]
        db.session.execute(insert(AuditEventOrganization), rows)
    _log([row])


def record_events(
    event_type: AuditEventType,
    changes: Iterable[ChangedTarget],
    *,
    by: Actor,
    now: datetime,
    note: str = "",
    operation_id: int | None = None,
) -> None:
    """Record an audit event for each change. Call inside a write transaction.

    Args:
        changes: target, id of the organization, and the values before and after, as in record_event.
        operation_id: the operation that made the changes, None if they cannot be undone.
    """
    rows = _build_rows(event_type, changes, by, now, note, operation_id)
    if rows:
        insert_rows(AuditEvent, tuple(rows[0]), [tuple(row.values()) for row in rows])
        _log(rows)


def record_event_now(event_type: AuditEventType, target: AuditTarget, *, by: Actor, now: datetime, **more: Any) -> None:
    """Record an audit event in a transaction of its own, for actions that change no data, such as an export.

    Args:
        more: further arguments of record_event.
    """
    with write_transaction():
        record_event(event_type, target, by=by, now=now, **more)


def _build_rows(
    event_type: AuditEventType,
    changes: Iterable[ChangedTarget],
    by: Actor,
    now: datetime,
    note: str,
    operation_id: int | None = None,
) -> list[dict[str, Any]]:
    shared = {
        "at": now,
        "actor_kind": by.kind.value,
        "actor_id": by.id,
        "actor_name": by.name,
        "actor_key": build_name_key(by.name),
        "address": by.address,
        "event_type": event_type.value,
        "note": note,
        "operation_id": operation_id,
    }
    return [
        shared
        | {
            "organization_id": organization_id,
            "object_kind": target.kind.value,
            "object_id": target.id,
            "object_name": target.name,
            "before": _dump(before),
            "after": _dump(after),
        }
        for target, organization_id, before, after in changes
    ]


def _log(rows: list[dict[str, Any]]) -> None:
    """Log events of the same type and actor as one line when the transaction commits."""
    row = rows[0]
    actor = f"{row['actor_kind']} {quote_value(row['actor_name'])} from {row['address'] or 'the command line'}"
    log_after_commit(f"{row['event_type']}: {actor}, {_describe_targets(rows)}")


def _describe_targets(rows: list[dict[str, Any]]) -> str:
    if len(rows) > 1:
        return f"{len(rows):,} objects"
    row = rows[0]
    return f"{row['object_kind']} {row['object_id'] or ''} {quote_value(row['object_name'])}"


def _dump(facts: Facts | None) -> str | None:
    return None if facts is None else _ENCODER.encode(facts)


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)  # once, because `json.dumps` creates one for each call
