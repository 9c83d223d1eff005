"""The audit trail: a line for everything that is done, written in the transaction that does it."""

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
    """Add a line to the audit trail, and to the log once the transaction is through. Call while writing.

    organization: whose admins may read it; None is for the platform's alone.
    before, after: the facts that changed, None for what was not there. Never a secret.
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
    """Add a line for each change: what it was done to, in which organization, and the facts before and after."""
    lines = [
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
            "before": _text(before),
            "after": _text(after),
            "note": note,
            "operation_id": operation_id,
        }
        for target, organization_id, before, after in changes
    ]
    if not lines:
        return
    db.session.execute(insert(AuditEvent), lines)
    who = f"{by.kind.value} {quote_value(by.name)}"
    if len(lines) == 1:
        what = f"{lines[0]['object_kind']} {lines[0]['object_id'] or ''} {quote_value(lines[0]['object_name'])}"
    else:
        what = f"{len(lines):,} things"
    log_after_commit(f"{event_type.value}: {who} from {by.address or 'a shell'}, {what}")


def record_event_now(event_type: AuditEventType, target: AuditTarget, *, by: Actor, now: datetime, **more: Any) -> None:
    """Write a line by itself, for what changes nothing in the store: an export, for one. more: as `record` has it."""
    with write_transaction():
        record_event(event_type, target, by=by, now=now, **more)


def _text(facts: Facts | None) -> str | None:
    return None if facts is None else json.dumps(facts, ensure_ascii=False, default=str)
