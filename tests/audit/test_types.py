"""The roles that may read audit events."""

from __future__ import annotations

from voiceadmin.audit.types import AuditEventType
from voiceadmin.identity import Role


def test_viewers_read_about_voices_and_admins_about_people_keys_and_refusals() -> None:
    viewers = {event_type.value for event_type in AuditEventType if event_type.minimum_role is Role.VIEWER}

    assert viewers == {
        *("voices-imported", "voices-exported", "voice-changed", "voice-removed", "voice-archived", "voice-restored"),
        *("assigned", "acknowledged", "snoozed", "unmuted", "note-added", "note-removed"),
        *("clean-up-planned", "clean-up-confirmed", "clean-up-retried", "clean-up-undone"),
        *("sample-added", "sample-removed"),
        *("organization-renamed", "organization-merged", "organization-merge-undone"),
        *("voice-deleted-at-provider", "voice-not-deleted-at-provider"),
        *("voice-deletion-sent", "voice-deleted", "voice-deletion-failed"),
        *("deletion-requested", "deletion-cancelled"),
        "source-synced",
        *("assistant-renamed", "assistant-moved", "assistant-removed"),
    }
    assert {event_type.minimum_role for event_type in AuditEventType} == {Role.VIEWER, Role.ADMIN}
