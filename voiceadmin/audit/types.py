"""Audit events: their types, targets, rows and filters."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self

from voiceadmin.enums import LabelledEnum
from voiceadmin.identity import ActorKind, Role
from voiceadmin.text import MAX_ID


class ObjectKind(LabelledEnum):
    """The kind of object that an audit event is about."""

    ACCOUNT = "account", "Account"
    ASSISTANT = "assistant", "Assistant"
    KEY = "key", "API key"
    LINK = "link", "One-time link"
    ORGANIZATION = "organization", "Organization"
    PLAN = "plan", "Clean-up plan"
    SOURCE = "source", "Source"
    DATABASE = "database", "Database"
    VOICE = "voice", "Voice"


class AuditEventType(StrEnum):
    """The type of an audit event.

    Attributes:
        label: continues a sentence that begins with the name of the actor, as in "Ada archived a voice".
        minimum_role: the lowest role in the organization that may read such events.
    """

    SIGNED_IN = "signed-in", "signed in", Role.ADMIN
    SIGN_IN_FAILED = "sign-in-failed", "failed to sign in", Role.ADMIN
    SIGNED_OUT = "signed-out", "signed out", Role.ADMIN
    SESSION_ENDED = "session-ended", "ended sessions", Role.ADMIN
    PASSWORD_CONFIRMED = "password-confirmed", "confirmed their password", Role.ADMIN
    PASSWORD_CONFIRMATION_FAILED = "password-confirmation-failed", "failed to confirm their password", Role.ADMIN
    RATE_LIMITED = "rate-limited", "exceeded a rate limit", Role.ADMIN
    LINK_CREATED = "link-created", "created a one-time link", Role.ADMIN
    LINK_REVOKED = "link-revoked", "revoked an invitation", Role.ADMIN
    ACCOUNT_CREATED = "account-created", "created an account", Role.ADMIN
    INVITATION_ACCEPTED = "invitation-accepted", "accepted an invitation", Role.ADMIN
    PASSWORD_CHANGED = "password-changed", "changed a password", Role.ADMIN
    ACCOUNT_DISABLED = "account-disabled", "disabled an account", Role.ADMIN
    ACCOUNT_ENABLED = "account-enabled", "enabled an account", Role.ADMIN
    ROLE_CHANGED = "role-changed", "changed a role", Role.ADMIN
    ORGANIZATION_RENAMED = "organization-renamed", "renamed an organization", Role.VIEWER
    ORGANIZATION_MERGED = "organization-merged", "merged an organization into another one", Role.VIEWER
    ORGANIZATION_MERGE_UNDONE = "organization-merge-undone", "undid the merge of an organization", Role.VIEWER
    ORGANIZATION_REMOVED = "organization-removed", "removed an organization", Role.ADMIN
    ASSISTANT_RENAMED = "assistant-renamed", "renamed an assistant", Role.VIEWER
    ASSISTANT_MOVED = "assistant-moved", "moved an assistant to another organization", Role.VIEWER
    ASSISTANT_REMOVED = "assistant-removed", "removed an assistant", Role.VIEWER
    KEY_CREATED = "key-created", "created an API key", Role.ADMIN
    KEY_REVOKED = "key-revoked", "revoked an API key", Role.ADMIN
    SOURCE_CREATED = "source-created", "added a source", Role.ADMIN
    SOURCE_TESTED = "source-tested", "tested the key of a source", Role.ADMIN
    SOURCE_DISABLED = "source-disabled", "disabled a source", Role.ADMIN
    SOURCE_ENABLED = "source-enabled", "enabled a source", Role.ADMIN
    SOURCE_REMOVED = "source-removed", "removed a source", Role.ADMIN
    SOURCE_KEY_REENCRYPTED = "source-key-reencrypted", "encrypted the key of a source anew", Role.ADMIN
    SOURCE_SYNCED = "source-synced", "synced a source", Role.VIEWER
    LIST_BELIEVED = "list-believed", "believed a list that lacks many voices", Role.ADMIN
    ACCOUNT_ACCEPTED = "account-accepted", "accepted another account of a key", Role.ADMIN
    DELETION_ALLOWED = "deletion-allowed", "allowed deletion at the provider of a source", Role.ADMIN
    DELETION_FORBIDDEN = "deletion-forbidden", "forbade deletion at the provider of a source", Role.ADMIN
    SYNC_REQUESTED = "sync-requested", "asked for a sync of a source", Role.ADMIN
    VOICES_IMPORTED = "voices-imported", "imported voices", Role.VIEWER
    VOICES_EXPORTED = "voices-exported", "exported voices", Role.VIEWER
    VOICE_CHANGED = "voice-changed", "changed a voice", Role.VIEWER
    VOICE_REMOVED = "voice-removed", "removed a voice", Role.VIEWER
    VOICE_ARCHIVED = "voice-archived", "archived a voice", Role.VIEWER
    VOICE_RESTORED = "voice-restored", "restored a voice", Role.VIEWER
    VOICE_DELETED_AT_PROVIDER = (
        "voice-deleted-at-provider",
        "marked a voice as deleted at its provider",
        Role.VIEWER,
    )
    VOICE_NOT_DELETED_AT_PROVIDER = (
        "voice-not-deleted-at-provider",
        "marked a voice as not deleted at its provider",
        Role.VIEWER,
    )
    VOICE_DELETION_SENT = "voice-deletion-sent", "sent the deletion of a voice to its provider", Role.VIEWER
    VOICE_DELETED = "voice-deleted", "deleted a voice at its provider", Role.VIEWER
    VOICE_DELETION_FAILED = "voice-deletion-failed", "tried to delete a voice at its provider", Role.VIEWER
    ASSIGNED = "assigned", "assigned a voice, assistant or source", Role.VIEWER
    ACKNOWLEDGED = "acknowledged", "acknowledged a finding", Role.VIEWER
    SNOOZED = "snoozed", "snoozed a finding", Role.VIEWER
    UNMUTED = "unmuted", "brought a finding back into the queue", Role.VIEWER
    NOTE_ADDED = "note-added", "added a note", Role.VIEWER
    NOTE_REMOVED = "note-removed", "removed a note", Role.VIEWER
    OPERATION_REFUSED = "operation-refused", "was not allowed to change an object", Role.ADMIN
    CLEAN_UP_PLANNED = "clean-up-planned", "planned a clean-up", Role.VIEWER
    CLEAN_UP_CONFIRMED = "clean-up-confirmed", "confirmed a clean-up", Role.VIEWER
    CLEAN_UP_RETRIED = "clean-up-retried", "retried the failed voices of a clean-up", Role.VIEWER
    CLEAN_UP_UNDONE = "clean-up-undone", "undid a clean-up", Role.VIEWER
    DELETION_REQUESTED = "deletion-requested", "asked to delete voices at their provider", Role.VIEWER
    DELETION_CANCELLED = "deletion-cancelled", "cancelled the deletion of voices at their provider", Role.VIEWER
    PRICE_CHANGED = "price-changed", "changed the price of a voice", Role.ADMIN
    SAMPLE_ADDED = "sample-added", "added sample data", Role.VIEWER
    SAMPLE_REMOVED = "sample-removed", "removed sample data", Role.VIEWER
    TOTALS_REBUILT = "totals-rebuilt", "computed wrong totals anew", Role.ADMIN
    ACTIVITY_EXPORTED = "activity-exported", "exported the audit log", Role.ADMIN
    PEOPLE_EXPORTED = "people-exported", "exported the list of people", Role.ADMIN
    KEYS_EXPORTED = "keys-exported", "exported the list of API keys", Role.ADMIN

    label: str
    minimum_role: Role

    def __new__(cls, value: str, label: str = "", minimum_role: Role = Role.ADMIN) -> Self:
        """Create a member with its stored value, label and minimum role."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.minimum_role = value, label, minimum_role
        return member


class AuditTarget(NamedTuple):
    """The object that an audit event is about. id: None for objects without one, such as a list."""

    kind: ObjectKind
    id: int | None
    name: str


class AuditEventRow(NamedTuple):
    """An audit event as a reader sees it.

    Attributes:
        before, after: the changed values; None if there are none.
        organization_name: None also if the organization was deleted.
        operation_id: the operation that it is part of.
        operation_object_count: how many objects the operation changed.
        undone: whether the operation was undone.
    """

    id: int
    at: datetime
    actor_kind: ActorKind
    actor_id: int | None
    actor_name: str
    address: str | None
    event_type: AuditEventType
    organization_id: int | None
    object_kind: ObjectKind
    object_id: int | None
    object_name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    note: str
    operation_id: int | None = None
    organization_name: str | None = None
    operation_object_count: int | None = None
    undone: bool = False


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Filters of the audit log.

    Attributes:
        who: the full name of the actor: an e-mail, the name of an API key, or a CLI user.
        since: the earliest time.
        until: a time after the latest one.
        older_than: the id of an event; only older ones are shown.
    """

    who: str = ""
    event_types: tuple[AuditEventType, ...] = ()
    voice: int | None = None
    source: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    older_than: int | None = None


_OBJECT_REF = re.compile(r"(voice|assistant|source)-([1-9][0-9]{0,18})", re.ASCII)


class ObjectRef(NamedTuple):
    """A reference to a voice, an assistant or a source."""

    kind: ObjectKind
    id: int

    def __str__(self) -> str:
        """Return the value of form fields, such as "voice-456"."""
        return f"{self.kind.value}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> ObjectRef | None:
        """Return the reference that a form field has, None if it is malformed."""
        match = _OBJECT_REF.fullmatch(text)
        if match is None or int(match[2]) > MAX_ID:
            return None
        return cls(ObjectKind(match[1]), int(match[2]))


def hash_selection(refs: Iterable[ObjectRef]) -> str:
    """Return a hash of a set of objects, which does not depend on their order."""
    return hashlib.blake2b(" ".join(sorted(map(str, refs))).encode(), digest_size=16).hexdigest()
