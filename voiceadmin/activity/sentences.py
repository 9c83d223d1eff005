"""Describe audit events in sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from voiceadmin.activity.changes import describe_link, describe_role
from voiceadmin.audit.types import AuditEventRow, AuditEventType, ObjectKind
from voiceadmin.identity import ActorKind
from voiceadmin.text import pluralize, shorten

MAX_NAME = 60  # characters of a name inside a sentence; the page shows the whole name beside it

# The lists that can be exported, by the name of the object of the event.
LIST_LABELS = {
    "activity": "audit log",
    "assistants": "list of assistants",
    "clean-up": "list of clean-up candidates",
    "keys": "list of API keys",
    "people": "list of people",
    "providers": "comparison of providers",
    "triage": "triage queue",
}


def describe_event(event: AuditEventRow) -> str:
    """Return what the actor did, such as "archived a voice", to continue a sentence that begins with the actor."""
    describe = _DESCRIBERS.get(event.event_type)
    sentence = event.event_type.label if describe is None else describe(event)
    others = (event.operation_object_count or 1) - 1
    return f"{sentence}, with {pluralize(others, 'other')}" if others > 0 else sentence


def describe_object(event: AuditEventRow) -> str:
    """Return the name of the object of an event; of a list that can be exported, its label."""
    is_list = event.object_kind is ObjectKind.DATABASE and event.object_name in LIST_LABELS
    return _capitalize(LIST_LABELS[event.object_name]) if is_list else event.object_name


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def _before(event: AuditEventRow, name: str) -> Any:
    return (event.before or {}).get(name)


def _after(event: AuditEventRow, name: str) -> Any:
    return (event.after or {}).get(name)


def _shorten(name: str) -> str:
    return shorten(name, MAX_NAME)


def _name(event: AuditEventRow) -> str:
    return _shorten(event.object_name)


def _organization(event: AuditEventRow, preposition: str) -> str:
    """Return the organization of an event, such as " of Acme"; "" if it has none or several."""
    return f" {preposition} {_shorten(event.organization_name)}" if event.organization_name else ""


def _describe_failed_sign_in(event: AuditEventRow) -> str:
    return f"failed to sign in as {_name(event)}" if event.object_name else event.event_type.label


def _describe_failed_confirmation(event: AuditEventRow) -> str:
    if event.actor_kind is ActorKind.ACCOUNT:
        return event.event_type.label
    return f"failed to confirm the password of {_name(event)}"


def _describe_rate_limit(event: AuditEventRow) -> str:
    if event.object_kind is ObjectKind.KEY:
        return "exceeded the rate limit of an API key"
    return f"tried too many passwords for {_name(event)}"


def _describe_ended_sessions(event: AuditEventRow) -> str:
    if event.object_kind is ObjectKind.DATABASE:
        return "signed out all users"
    sessions = pluralize(_after(event, "sessions") or 1, "session")
    is_own = event.actor_kind is ActorKind.ACCOUNT and event.actor_id == event.object_id
    return f"ended {sessions} of their own" if is_own else f"ended {sessions} of {_name(event)}"


def _describe_created_link(event: AuditEventRow) -> str:
    purpose, role = _after(event, "purpose"), _after(event, "role")
    if purpose == "setup":
        return "created the link for the first account"
    if purpose == "invitation" and role:
        return f"invited {_name(event)} as {describe_role(role)}{_organization(event, 'of')}"
    return f"created a {describe_link(purpose) if purpose else 'one-time link'} for {_name(event)}"


def _describe_revoked_link(event: AuditEventRow) -> str:
    return f"revoked the invitation of {_name(event)}{_organization(event, 'to')}"


def _describe_created_account(event: AuditEventRow) -> str:
    is_first = _after(event, "link") == "setup"
    return "created the first account" if is_first else "created their account with an invitation"


def _describe_accepted_invitation(event: AuditEventRow) -> str:
    if _after(event, "platform"):
        return "accepted the invitation as platform admin"
    role = _after(event, "role")
    if role:
        return f"accepted the invitation as {describe_role(role)}{_organization(event, 'of')}"
    return f"accepted the invitation{_organization(event, 'to')}, and kept their role"


def _describe_new_password(event: AuditEventRow) -> str:
    return "set a new password with a password reset link" if _after(event, "link") else "changed their password"


def _describe_role_change(event: AuditEventRow) -> str:
    if _after(event, "platform") is not None:
        if _after(event, "platform"):
            return f"made {_name(event)} a platform admin"
        return f"removed the role of platform admin from {_name(event)}"
    before, after = _before(event, "role") or "none", _after(event, "role") or "none"
    where = _organization(event, "at")
    if before == "none":
        return f"gave {_name(event)} the role {describe_role(after)}{where}"
    if after == "none":
        return f"removed the role {describe_role(before)} from {_name(event)}{where}"
    return f"changed the role of {_name(event)}{where} from {describe_role(before)} to {describe_role(after)}"


def _describe_import(event: AuditEventRow) -> str:
    count = (_after(event, "added") or 0) + (_after(event, "changed") or 0)
    return f"imported {pluralize(count, 'new or changed voice')}"


def _describe_export(event: AuditEventRow) -> str:
    if event.object_kind is ObjectKind.PLAN:
        return "exported the restore sheet of a clean-up"
    if event.object_kind is ObjectKind.DATABASE and event.object_name in LIST_LABELS:
        return f"exported the {LIST_LABELS[event.object_name]}"
    return event.event_type.label


def _describe_assignment(event: AuditEventRow) -> str:
    nouns = {ObjectKind.ASSISTANT: "an assistant", ObjectKind.SOURCE: "a source"}
    noun = nouns.get(event.object_kind, "a voice")
    assignee = _after(event, "assignee")
    return f"assigned {noun} to {_shorten(assignee['email'])}" if assignee else f"unassigned {noun}"


def _describe_refusal(event: AuditEventRow) -> str:
    objects = pluralize(_after(event, "chosen") or 1, "object")
    return f"was not allowed to apply “{event.object_name}” to {objects}"


def _describe_plan(event: AuditEventRow) -> str:
    count = _after(event, "voices")
    return event.event_type.label if count is None else f"{event.event_type.label} of {pluralize(count, 'voice')}"


def _describe_retry(event: AuditEventRow) -> str:
    count = _after(event, "voices")
    return event.event_type.label if count is None else f"retried {pluralize(count, 'failed voice')} of a clean-up"


def _describe_undone_plan(event: AuditEventRow) -> str:
    count = _after(event, "restored")
    return (
        event.event_type.label
        if count is None
        else f"{event.event_type.label}, which restored {pluralize(count, 'voice')}"
    )


def _describe_price_change(event: AuditEventRow) -> str:
    if event.before is None:
        return "entered the price of a voice"
    return "removed the price of a voice" if event.after is None else event.event_type.label


def _describe_merge(event: AuditEventRow) -> str:
    return f"merged {_name(event)} into {_shorten(str(_after(event, 'organization')))}"


def _describe_undone_merge(event: AuditEventRow) -> str:
    return f"undid the merge of {_name(event)} into {_shorten(str(_after(event, 'organization')))}"


_DESCRIBERS: dict[AuditEventType, Callable[[AuditEventRow], str]] = {
    AuditEventType.SIGN_IN_FAILED: _describe_failed_sign_in,
    AuditEventType.PASSWORD_CONFIRMATION_FAILED: _describe_failed_confirmation,
    AuditEventType.RATE_LIMITED: _describe_rate_limit,
    AuditEventType.SESSION_ENDED: _describe_ended_sessions,
    AuditEventType.LINK_CREATED: _describe_created_link,
    AuditEventType.LINK_REVOKED: _describe_revoked_link,
    AuditEventType.ACCOUNT_CREATED: _describe_created_account,
    AuditEventType.INVITATION_ACCEPTED: _describe_accepted_invitation,
    AuditEventType.PASSWORD_CHANGED: _describe_new_password,
    AuditEventType.ACCOUNT_DISABLED: lambda event: f"disabled the account {_name(event)}",
    AuditEventType.ACCOUNT_ENABLED: lambda event: f"enabled the account {_name(event)}",
    AuditEventType.ROLE_CHANGED: _describe_role_change,
    AuditEventType.ORGANIZATION_MERGED: _describe_merge,
    AuditEventType.ORGANIZATION_MERGE_UNDONE: _describe_undone_merge,
    AuditEventType.VOICES_IMPORTED: _describe_import,
    AuditEventType.VOICES_EXPORTED: _describe_export,
    AuditEventType.ASSIGNED: _describe_assignment,
    AuditEventType.OPERATION_REFUSED: _describe_refusal,
    AuditEventType.CLEAN_UP_PLANNED: _describe_plan,
    AuditEventType.CLEAN_UP_CONFIRMED: _describe_plan,
    AuditEventType.CLEAN_UP_RETRIED: _describe_retry,
    AuditEventType.CLEAN_UP_UNDONE: _describe_undone_plan,
    AuditEventType.PRICE_CHANGED: _describe_price_change,
}
