"""Sentences of audit events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import NOW
from voiceadmin.activity.sentences import describe_event, describe_object
from voiceadmin.audit.types import AuditEventRow, AuditEventType, ObjectKind
from voiceadmin.identity import ActorKind

BOB = "bob@example.com"
E = AuditEventType


def event(event_type: AuditEventType, **fields: Any) -> AuditEventRow:
    """Return an event about Bob by Ada in Acme, with other values for some fields."""
    values: dict[str, Any] = {
        "id": 1,
        "at": NOW,
        "actor_kind": ActorKind.ACCOUNT,
        "actor_id": 7,
        "actor_name": "ada@example.com",
        "address": None,
        "organization_id": 1,
        "object_kind": ObjectKind.ACCOUNT,
        "object_id": 8,
        "object_name": BOB,
        "before": None,
        "after": None,
        "note": "",
        "organization_name": "Acme",
    }
    return AuditEventRow(event_type=event_type, **(values | fields))


LIST = {"object_kind": ObjectKind.DATABASE, "object_id": None}
PLAN = {"object_kind": ObjectKind.PLAN, "object_name": "plan 7"}
MERGE = {
    "object_kind": ObjectKind.ORGANIZATION,
    "object_name": "Branch",
    "after": {"organization": "Holding", "voices": 3},
}
VOICE = {"object_kind": ObjectKind.VOICE, "object_name": "Lobby"}


@pytest.mark.parametrize(
    ("event_type", "fields", "sentence"),
    [
        (E.SIGNED_IN, {}, "signed in"),
        (E.ORGANIZATION_MERGED, MERGE, "merged Branch into Holding"),
        (E.ORGANIZATION_MERGE_UNDONE, MERGE, "undid the merge of Branch into Holding"),
        (E.SIGN_IN_FAILED, {}, "failed to sign in as bob@example.com"),
        (E.SIGN_IN_FAILED, {"object_name": ""}, "failed to sign in"),
        (E.RATE_LIMITED, {}, "tried too many passwords for bob@example.com"),
        (E.RATE_LIMITED, {"object_kind": ObjectKind.KEY}, "exceeded the rate limit of an API key"),
        (E.SESSION_ENDED, {"after": {"sessions": 2}}, "ended 2 sessions of bob@example.com"),
        (E.SESSION_ENDED, {"after": {"sessions": 1}, "object_id": 7}, "ended 1 session of their own"),
        (E.SESSION_ENDED, LIST | {"after": {"sessions": 9}}, "signed out all users"),
        (E.PASSWORD_CONFIRMATION_FAILED, {}, "failed to confirm their password"),
        (
            E.PASSWORD_CONFIRMATION_FAILED,
            {"actor_kind": ActorKind.ANONYMOUS},
            "failed to confirm the password of bob@example.com",
        ),
        (
            E.LINK_CREATED,
            {"after": {"purpose": "invitation", "role": "operator"}},
            "invited bob@example.com as operator of Acme",
        ),
        (
            E.LINK_CREATED,
            {"after": {"purpose": "invitation", "role": "platform"}, "organization_name": None},
            "invited bob@example.com as platform admin",
        ),
        (E.LINK_CREATED, {"after": {"purpose": "reset"}}, "created a password reset link for bob@example.com"),
        (E.LINK_CREATED, {"after": {"purpose": "setup"}}, "created the link for the first account"),
        (E.LINK_CREATED, {}, "created a one-time link for bob@example.com"),
        (E.LINK_REVOKED, {}, "revoked the invitation of bob@example.com to Acme"),
        (E.ACCOUNT_CREATED, {"after": {"link": "setup"}}, "created the first account"),
        (E.ACCOUNT_CREATED, {"after": {"link": "invitation"}}, "created their account with an invitation"),
        (
            E.INVITATION_ACCEPTED,
            {"before": {"role": "none"}, "after": {"role": "operator"}},
            "accepted the invitation as operator of Acme",
        ),
        (E.INVITATION_ACCEPTED, {"after": {"platform": True}}, "accepted the invitation as platform admin"),
        (E.INVITATION_ACCEPTED, {}, "accepted the invitation to Acme, and kept their role"),
        (E.PASSWORD_CHANGED, {}, "changed their password"),
        (E.PASSWORD_CHANGED, {"after": {"link": "reset"}}, "set a new password with a password reset link"),
        (E.ACCOUNT_DISABLED, {}, "disabled the account bob@example.com"),
        (E.ACCOUNT_ENABLED, {}, "enabled the account bob@example.com"),
        (
            E.ROLE_CHANGED,
            {"before": {"role": "viewer"}, "after": {"role": "admin"}},
            "changed the role of bob@example.com at Acme from viewer to admin",
        ),
        (
            E.ROLE_CHANGED,
            {"before": {"role": "none"}, "after": {"role": "admin"}},
            "gave bob@example.com the role admin at Acme",
        ),
        (
            E.ROLE_CHANGED,
            {"before": {"role": "viewer"}, "after": {"role": "none"}},
            "removed the role viewer from bob@example.com at Acme",
        ),
        (
            E.ROLE_CHANGED,
            {"before": {"platform": False}, "after": {"platform": True}},
            "made bob@example.com a platform admin",
        ),
        (
            E.ROLE_CHANGED,
            {"before": {"platform": True}, "after": {"platform": False}},
            "removed the role of platform admin from bob@example.com",
        ),
        (E.VOICES_IMPORTED, {"after": {"added": 1200, "changed": 4}}, "imported 1,204 new or changed voices"),
        (E.VOICES_EXPORTED, {"object_kind": ObjectKind.ASSISTANT}, "exported voices"),
        (E.VOICES_EXPORTED, PLAN, "exported the restore sheet of a clean-up"),
        (E.VOICES_EXPORTED, LIST | {"object_name": "assistants"}, "exported the list of assistants"),
        (E.VOICE_ARCHIVED, VOICE, "archived a voice"),
        (E.VOICE_ARCHIVED, VOICE | {"operation_object_count": 1}, "archived a voice"),
        (E.VOICE_ARCHIVED, VOICE | {"operation_object_count": 2}, "archived a voice, with 1 other"),
        (E.VOICE_ARCHIVED, VOICE | {"operation_object_count": 1205}, "archived a voice, with 1,204 others"),
        (E.ASSIGNED, VOICE | {"after": {"assignee": {"id": 8, "email": BOB}}}, "assigned a voice to bob@example.com"),
        (E.ASSIGNED, {"object_kind": ObjectKind.ASSISTANT, "after": {"assignee": None}}, "unassigned an assistant"),
        (
            E.OPERATION_REFUSED,
            LIST | {"object_name": "Archive", "after": {"chosen": 3}},
            "was not allowed to apply “Archive” to 3 objects",
        ),
        (E.CLEAN_UP_PLANNED, PLAN | {"after": {"voices": 3}}, "planned a clean-up of 3 voices"),
        (E.CLEAN_UP_PLANNED, PLAN, "planned a clean-up"),
        (E.CLEAN_UP_CONFIRMED, PLAN | {"after": {"voices": 1}}, "confirmed a clean-up of 1 voice"),
        (E.CLEAN_UP_RETRIED, PLAN | {"after": {"voices": 3}}, "retried 3 failed voices of a clean-up"),
        (E.CLEAN_UP_RETRIED, PLAN, "retried the failed voices of a clean-up"),
        (E.CLEAN_UP_UNDONE, PLAN | {"after": {"restored": 3}}, "undid a clean-up, which restored 3 voices"),
        (E.CLEAN_UP_UNDONE, PLAN, "undid a clean-up"),
        (E.PRICE_CHANGED, LIST | {"after": {"cents": 200}}, "entered the price of a voice"),
        (E.PRICE_CHANGED, LIST | {"before": {"cents": 200}}, "removed the price of a voice"),
        (
            E.PRICE_CHANGED,
            LIST | {"before": {"cents": 200}, "after": {"cents": 300}},
            "changed the price of a voice",
        ),
    ],
)
def test_a_sentence_says_what_was_done_to_whom_and_where(
    event_type: AuditEventType, fields: dict[str, Any], sentence: str
) -> None:
    assert describe_event(event(event_type, **fields)) == sentence


def test_a_long_name_is_shortened_inside_a_sentence() -> None:
    sentence = describe_event(event(E.LINK_REVOKED, object_name="x" * 300, organization_name="y" * 300))

    assert sentence == f"revoked the invitation of {'x' * 59}… to {'y' * 59}…"


@pytest.mark.parametrize(("name", "shown"), [("people", "List of people"), ("all accounts", "all accounts"), ("", "")])
def test_an_exported_list_has_the_name_of_its_page(name: str, shown: str) -> None:
    assert describe_object(event(E.KEYS_EXPORTED, **LIST, object_name=name)) == shown


def test_other_objects_keep_their_name() -> None:
    assert describe_object(event(E.VOICE_CHANGED, object_kind=ObjectKind.VOICE, object_name="keys")) == "keys"
