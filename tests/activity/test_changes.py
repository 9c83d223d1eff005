"""Descriptions of the changed values of audit events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import NOW
from voiceadmin.activity.changes import describe_changes
from voiceadmin.audit.types import AuditEventRow, AuditEventType, ObjectKind
from voiceadmin.identity import ActorKind

ARCHIVED = {"at": "2026-01-02T03:04:05+00:00", "by": "Ada", "note": ""}


def event(before: dict[str, Any] | None, after: dict[str, Any] | None) -> AuditEventRow:
    """Return an audit event with these values."""
    return AuditEventRow(
        id=1,
        at=NOW,
        actor_kind=ActorKind.CLI,
        actor_id=None,
        actor_name="me",
        address=None,
        event_type=AuditEventType.VOICE_CHANGED,
        organization_id=None,
        object_kind=ObjectKind.VOICE,
        object_id=1,
        object_name="Ada",
        before=before,
        after=after,
        note="",
    )


@pytest.mark.parametrize(
    ("before", "after", "described"),
    [
        pytest.param(None, None, [], id="nothing"),
        pytest.param({"name": "Ada"}, {"name": "Bo"}, [("name", "Ada", "Bo")], id="text"),
        pytest.param(None, {"voices": 3, "ok": True}, [("voices", None, "3"), ("ok", None, "yes")], id="only-after"),
        pytest.param({"key": "va_1"}, None, [("key", "va_1", None)], id="only-before"),
        pytest.param({"quality_score": None}, {"quality_score": 0.5}, [("quality score", "none", "0.5")], id="none"),
        pytest.param(
            {"last_used_at": "2026-01-02T03:04:05Z"}, {}, [("last used at", "2026-01-02 03:04:05 UTC", None)], id="time"
        ),
        pytest.param({"name": "2026-02-30T03:04:05Z"}, {}, [("name", "2026-02-30T03:04:05Z", None)], id="no-such-day"),
        pytest.param({"name": "2026-01-02 or so"}, {}, [("name", "2026-01-02 or so", None)], id="like-a-time"),
        pytest.param(
            {"archived": None}, {"archived": ARCHIVED}, [("status", "not archived", "archived")], id="archive"
        ),
        pytest.param(
            {"archived": ARCHIVED}, {"archived": None}, [("status", "archived", "not archived")], id="restore"
        ),
        pytest.param(
            {"archived": None, "status": "ready"},
            {"archived": ARCHIVED, "status": "archived"},
            [("status", "ready", "archived")],
            id="archive-with-status",
        ),
        pytest.param(
            {"assignee": None},
            {"assignee": {"id": 7, "email": "ada@example.com"}},
            [("assignee", "unassigned", "ada@example.com")],
            id="assign",
        ),
        pytest.param({"mute": {}}, {"mute": {"failed": {"until": None}}}, [("finding", None, "Failed")], id="mute"),
        pytest.param(
            {"mute": {"failed": {"until": "2026-12-01T00:00:00+00:00"}, "poor": {"until": None}}},
            {"mute": {}},
            [("finding", "Failed until 2026-12-01, Poor quality", None)],
            id="unmute",
        ),
        pytest.param({"mute": {}}, {"mute": {"x": {"until": None}}}, [("finding", None, "x")], id="mute-unknown-rule"),
        pytest.param({"role": "none"}, {"role": "admin"}, [("role", "no role", "admin")], id="role"),
        pytest.param({"platform": False}, {"platform": True}, [("platform admin", "no", "yes")], id="platform"),
        pytest.param(None, {"link": "invitation"}, [("with", None, "invitation")], id="link"),
        pytest.param(None, {"purpose": "reset"}, [("purpose", None, "password reset link")], id="purpose"),
        pytest.param(None, {"format": "csv", "filters": {}}, [("format", None, "csv")], id="export-without-filters"),
        pytest.param(
            None,
            {"format": "csv", "filters": {"who": "ada@example.com", "kind": ["key-created", "key-revoked"]}},
            [("format", None, "csv"), ("filters", None, "who: ada@example.com; kind: key-created, key-revoked")],
            id="export-with-filters",
        ),
    ],
)
def test_changes_are_described_by_label_and_values(
    before: dict[str, Any] | None, after: dict[str, Any] | None, described: list[tuple[str, str | None, str | None]]
) -> None:
    assert describe_changes(event(before, after)) == described
