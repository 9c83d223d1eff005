"""Descriptions of the changed values of audit events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import NOW
from voiceadmin.activity.changes import describe_changes
from voiceadmin.audit.types import AuditEventRow, AuditEventType, ObjectKind
from voiceadmin.identity import ActorKind

ARCHIVED = {"at": "2026-01-02T03:04:05+00:00", "by": "Ada", "note": ""}


def event(before: dict[str, Any] | None, after: dict[str, Any] | None, **fields: Any) -> AuditEventRow:
    """Return an audit event with these values."""
    values: dict[str, Any] = {"object_kind": ObjectKind.VOICE, "object_id": 1, "object_name": "Ada"}
    return AuditEventRow(
        id=1,
        at=NOW,
        actor_kind=ActorKind.CLI,
        actor_id=None,
        actor_name="me",
        address=None,
        event_type=AuditEventType.VOICE_CHANGED,
        organization_id=None,
        before=before,
        after=after,
        note="",
        **(values | fields),
    )


@pytest.mark.parametrize(
    ("before", "after", "described"),
    [
        pytest.param(None, None, [], id="nothing"),
        pytest.param({"name": "Ada"}, {"name": "Bo"}, [("Name", "Ada", "Bo")], id="text"),
        pytest.param(
            None, {"voices": 3000, "ok": True}, [("Voices", None, "3,000"), ("Ok", None, "yes")], id="only-after"
        ),
        pytest.param({"key": "va_1"}, None, [("Key", "va_1", None)], id="only-before"),
        pytest.param({"quality_score": None}, {"quality_score": 0.5}, [("Quality score", "none", "0.5")], id="none"),
        pytest.param({"status": "ready"}, {"status": "failed"}, [("Status", "Ready", "Failed")], id="status"),
        pytest.param({"status": "on_hold"}, {}, [("Status", "on_hold", None)], id="unknown-status"),
        pytest.param({"provider": "elevenlabs"}, {"provider": "x"}, [("Provider", "ElevenLabs", "x")], id="provider"),
        pytest.param(
            {"provider_voice_id": "a_b"}, {"provider_voice_id": None}, [("Provider voice ID", "a_b", "none")], id="id"
        ),
        pytest.param(
            {"last_used_at": "2026-01-02T03:04:05Z"}, {}, [("Last used", "2026-01-02 03:04:05 UTC", None)], id="time"
        ),
        pytest.param({"name": "2026-02-30T03:04:05Z"}, {}, [("Name", "2026-02-30T03:04:05Z", None)], id="no-such-day"),
        pytest.param({"name": "2026-01-02 or so"}, {}, [("Name", "2026-01-02 or so", None)], id="like-a-time"),
        pytest.param(
            {"key": "va_1", "expires_at": None}, None, [("Key", "va_1", None), ("Expires", "never", None)], id="key"
        ),
        pytest.param(
            None,
            {"more": {"a_b": None, "c": [1, True]}, "less": []},
            [
                ("More", None, "a b none; c 1, yes"),
                ("Less", None, "none"),
            ],
            id="nested",
        ),
        pytest.param(
            {"archived": None}, {"archived": ARCHIVED}, [("Status", "not archived", "archived")], id="archive"
        ),
        pytest.param(
            {"archived": ARCHIVED}, {"archived": None}, [("Status", "archived", "not archived")], id="restore"
        ),
        pytest.param(
            {"archived": None, "status": "ready"},
            {"archived": ARCHIVED, "status": "archived"},
            [("Status", "Ready", "Archived")],
            id="archive-with-status",
        ),
        pytest.param(
            {"assignee": None},
            {"assignee": {"id": 7, "email": "ada@example.com"}},
            [("Assignee", "unassigned", "ada@example.com")],
            id="assign",
        ),
        pytest.param({"mute": {}}, {"mute": {"failed": {"until": None}}}, [("Finding", None, "Failed")], id="mute"),
        pytest.param(
            {"mute": {"failed": {"until": "2026-12-01T00:00:00+00:00"}, "poor": {"until": None}}},
            {"mute": {}},
            [("Finding", "Failed until 2026-12-01, Poor quality", None)],
            id="unmute",
        ),
        pytest.param(
            {"mute": {}},
            {"mute": {"not-here": {"until": None}}},
            [("Finding", None, "not here")],
            id="mute-unknown-rule",
        ),
        pytest.param({"role": "none"}, {"role": "admin"}, [("Role", "no role", "admin")], id="role"),
        pytest.param({"role": "chief"}, None, [("Role", "chief", None)], id="unknown-role"),
        pytest.param({"platform": False}, {"platform": True}, [("Platform admin", "no", "yes")], id="platform"),
        pytest.param(None, {"link": "invitation"}, [("With", None, "invitation")], id="link"),
        pytest.param(None, {"purpose": "reset"}, [("Link", None, "password reset link")], id="purpose"),
        pytest.param(
            {"cents": 120000, "currency": "USD", "as_of": "2026-11-01"},
            {"cents": 250, "currency": "EUR", "as_of": "2026-11-22"},
            [("Price", "1,200.00 USD of 2026-11-01", "2.50 EUR of 2026-11-22")],
            id="price",
        ),
        pytest.param(None, {"format": "csv"}, [("Format", None, "CSV")], id="export-of-the-command"),
        pytest.param(None, {"format": "xlsx"}, [("Format", None, "xlsx")], id="unknown-format"),
        pytest.param(
            None,
            {"kind": "elevenlabs", "key": "stored"},
            [("Kind", None, "ElevenLabs"), ("Key", None, "stored")],
            id="source",
        ),
        pytest.param(None, {"works": None}, [("Key works", None, "not known")], id="test-without-result"),
    ],
)
def test_changes_are_described_by_label_and_values(
    before: dict[str, Any] | None, after: dict[str, Any] | None, described: list[tuple[str, str | None, str | None]]
) -> None:
    assert describe_changes(event(before, after)) == described


@pytest.mark.parametrize(
    ("filters", "described"),
    [
        ({}, "all voices"),
        ({"sort": "-created", "size": 50, "page": 2, "organization": 7, "after": "x", "older": 9}, "all voices"),
        ({"q": "a_b", "status": ["ready", "failed"]}, "Search: a_b; Status: Ready, Failed"),
        (
            {"provider": ["elevenlabs", "x"], "quality": ["none", "poor"]},
            "Provider: ElevenLabs, x; Quality: Not scored, Poor",
        ),
        ({"use": ["never"], "language": ["en", "de"]}, "Use: Never used; Language: en, de"),
        (
            {"reason": ["failed", "gone"], "assignee": "none", "muted": "yes"},
            "Reason: Failed, gone; Assignee: unassigned; Muted: yes",
        ),
        ({"assignee": "7"}, "Assignee: account 7"),
        (
            {"who": "ada@example.com", "kind": ["key-created", "key-revoked"], "voice": 4567, "since": "2026-11-01"},
            "Who: ada@example.com; Kind: created an API key, revoked an API key; Voice ID: 4567; From: 2026-11-01",
        ),
    ],
)
def test_the_filters_of_an_export_are_described_by_labels(filters: dict[str, Any], described: str) -> None:
    exported = event(None, {"format": "excel", "filters": filters}, object_kind=ObjectKind.ASSISTANT)

    assert describe_changes(exported) == [("Format", None, "CSV for Excel"), ("Exported", None, described)]


@pytest.mark.parametrize(
    ("name", "described"), [("people", "all people"), ("keys", "all API keys"), ("clean-up", "all voices")]
)
def test_an_export_without_filters_says_that_it_contains_everything(name: str, described: str) -> None:
    exported = event(None, {"filters": {}}, object_kind=ObjectKind.DATABASE, object_name=name)

    assert describe_changes(exported) == [("Exported", None, described)]
