"""Actors, requests and readers that the tests of actions share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tests.two_tenants import rows_of
from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.identity import EVERYTHING, Actor, ActorKind
from voiceadmin.operations.actions.execute import apply_action
from voiceadmin.operations.actions.undo import undo_operation
from voiceadmin.operations.queries import get_last_operation_id
from voiceadmin.operations.types import ActionRequest, OperationRow, SkipReason
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.models import ClonedVoice

THRESHOLDS = AttentionThresholds()
ADA = Actor(ActorKind.ACCOUNT, 7, "ada@example.com")
BOB = Actor(ActorKind.ACCOUNT, 8, "bob@example.com")
SHELL = Actor(ActorKind.CLI, None, "tester")


def voice_refs(*ids: int) -> tuple[ObjectRef, ...]:
    return tuple(ObjectRef(ObjectKind.VOICE, id) for id in ids)


class Runner:
    """Applies and undoes actions. Each request has its own idempotency key."""

    def __init__(self, now: datetime) -> None:
        self.now, self.number = now, 0

    def request(self, action: TriageAction, refs: Sequence[ObjectRef], **more: Any) -> ActionRequest:
        self.number += 1
        given: dict[str, Any] = {
            "key": f"key {self.number}",
            "last_seen_operation_id": get_last_operation_id(),
            "note": "unused" if action is TriageAction.ARCHIVE else "",
        }
        if action is TriageAction.NOTE:
            given["note"] = "Looked at it."
        return ActionRequest(action, tuple(refs), **(given | more))

    def apply(self, action: TriageAction, *ids: int, by: Actor = ADA, **more: Any) -> OperationRow:
        return apply_action(EVERYTHING, self.request(action, voice_refs(*ids), **more), THRESHOLDS, by=by, now=self.now)

    def undo(self, operation: OperationRow, by: Actor = ADA) -> OperationRow:
        self.number += 1
        return undo_operation(
            EVERYTHING, operation.id, f"key {self.number}", AttentionThresholds(), by=by, now=self.now
        )


def load_voice(id: int) -> ClonedVoice:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(ClonedVoice, id)


def read_archiving(id: int) -> tuple[str, str | None, datetime | None, str | None, str | None]:
    """Return the status, the upstream status, and when, by whom and why a voice was archived."""
    found = load_voice(id)
    status = found.status.value, found.upstream_status, found.archived_at, found.archived_by, found.archive_note
    db.session.rollback()
    return status


def read_assignees() -> dict[int, int]:
    return {row["object_id"]: row["account_id"] for row in rows_of("assignment")}


def read_mutes() -> dict[int, dict[str, tuple[str, datetime | None]]]:
    found: dict[int, dict[str, tuple[str, datetime | None]]] = {}
    for row in rows_of("mute"):
        found.setdefault(row["object_id"], {})[row["reason"]] = row["kind"], row["until"]
    return found


def read_audit_events(operation: OperationRow) -> list[tuple[str, int, Any, Any, str]]:
    """Return the audit events of an operation: type, object id, before, after and note."""
    return [
        (
            line["event_type"],
            line["object_id"],
            *(json.loads(line[name] or "null") for name in ("before", "after")),
            line["note"],
        )
        for line in rows_of("audit_event")
        if line["operation_id"] == operation.id
    ]


def skip_reasons(operation: OperationRow) -> dict[int, SkipReason]:
    return {one.id: one.reason for one in operation.skipped}
