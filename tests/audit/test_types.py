"""Descriptions of audit events."""

from __future__ import annotations

import pytest

from tests.conftest import NOW
from voiceadmin.audit.types import AuditEventRow, AuditEventType, ObjectKind
from voiceadmin.identity import ActorKind, Role


@pytest.mark.parametrize(
    ("event_type", "kind", "description"),
    [
        (AuditEventType.ASSIGNED, ObjectKind.VOICE, "assigned a voice"),
        (AuditEventType.ASSIGNED, ObjectKind.ASSISTANT, "assigned an assistant"),
        (AuditEventType.VOICE_ARCHIVED, ObjectKind.VOICE, "archived a voice"),
    ],
)
def test_the_description_of_an_assignment_names_the_kind_of_object(
    event_type: AuditEventType, kind: ObjectKind, description: str
) -> None:
    event = AuditEventRow(
        id=1,
        at=NOW,
        actor_kind=ActorKind.CLI,
        actor_id=None,
        actor_name="me",
        address=None,
        event_type=event_type,
        organization_id=None,
        object_kind=kind,
        object_id=1,
        object_name="Ada",
        before=None,
        after=None,
        note="",
    )

    assert event.description == description


def test_viewers_read_about_voices_and_admins_about_people_keys_and_refusals() -> None:
    viewers = {event_type.value for event_type in AuditEventType if event_type.minimum_role is Role.VIEWER}

    assert viewers == {
        *("voices-imported", "voices-exported", "voice-changed", "voice-removed", "voice-archived", "voice-restored"),
        *("assigned", "acknowledged", "snoozed", "unmuted", "note-added", "note-removed"),
        *("clean-up-planned", "clean-up-confirmed", "clean-up-undone", "sample-added", "sample-removed"),
        *("organization-renamed", "organization-merged", "organization-merge-undone"),
        *("voice-deleted-at-provider", "voice-not-deleted-at-provider"),
        *("assistant-renamed", "assistant-moved", "assistant-removed"),
    }
    assert {event_type.minimum_role for event_type in AuditEventType} == {Role.VIEWER, Role.ADMIN}
