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
    """What kind of thing something is done to."""

    ACCOUNT = "account", "Account"
    ASSISTANT = "assistant", "Assistant"
    KEY = "key", "API key"
    LINK = "link", "Link"
    PLAN = "plan", "Clean-up plan"
    DATABASE = "database", "Database"
    VOICE = "voice", "Voice"


class AuditEventType(StrEnum):
    """What was done. label: how a sentence goes on after who did it. minimum_role: who in the organization may read of it."""

    SIGNED_IN = "signed-in", "signed in", Role.ADMIN
    SIGN_IN_FAILED = "sign-in-failed", "failed to sign in", Role.ADMIN
    SIGNED_OUT = "signed-out", "signed out", Role.ADMIN
    SESSION_ENDED = "session-ended", "ended sessions", Role.ADMIN
    PASSWORD_CONFIRMED = "password-confirmed", "gave the password again", Role.ADMIN
    PASSWORD_CONFIRMATION_FAILED = "password-confirmation-failed", "failed to give the password again", Role.ADMIN
    RATE_LIMITED = "rate-limited", "was slowed down", Role.ADMIN
    LINK_CREATED = "link-created", "made a link", Role.ADMIN
    LINK_REVOKED = "link-revoked", "took a link back", Role.ADMIN
    ACCOUNT_CREATED = "account-created", "made an account", Role.ADMIN
    PASSWORD_CHANGED = "password-changed", "changed a password", Role.ADMIN  # a word, not a password
    ACCOUNT_DISABLED = "account-disabled", "disabled an account", Role.ADMIN
    ACCOUNT_ENABLED = "account-enabled", "enabled an account", Role.ADMIN
    ROLE_CHANGED = "role-changed", "changed a role", Role.ADMIN
    KEY_CREATED = "key-created", "made an API key", Role.ADMIN
    KEY_REVOKED = "key-revoked", "revoked an API key", Role.ADMIN
    VOICES_IMPORTED = "voices-imported", "imported voices", Role.VIEWER
    VOICES_EXPORTED = "voices-exported", "exported voices", Role.VIEWER
    VOICE_CHANGED = "voice-changed", "changed a voice", Role.VIEWER
    VOICE_REMOVED = "voice-removed", "removed a voice", Role.VIEWER
    VOICE_ARCHIVED = "voice-archived", "archived a voice", Role.VIEWER
    VOICE_RESTORED = "voice-restored", "restored a voice", Role.VIEWER
    ASSIGNED = "assigned", "assigned", Role.VIEWER
    ACKNOWLEDGED = "acknowledged", "acknowledged", Role.VIEWER
    SNOOZED = "snoozed", "snoozed", Role.VIEWER
    UNMUTED = "unmuted", "brought back into the queue", Role.VIEWER
    NOTE_ADDED = "note-added", "left a note on", Role.VIEWER
    NOTE_REMOVED = "note-removed", "took a note back from", Role.VIEWER
    OPERATION_REFUSED = "operation-refused", "was refused to act on", Role.ADMIN
    CLEAN_UP_PLANNED = "clean-up-planned", "planned a clean-up", Role.VIEWER
    CLEAN_UP_CONFIRMED = "clean-up-confirmed", "confirmed a clean-up", Role.VIEWER
    CLEAN_UP_UNDONE = "clean-up-undone", "took a clean-up back", Role.VIEWER
    PRICE_CHANGED = "price-changed", "changed the price of a voice", Role.ADMIN
    SAMPLE_ADDED = "sample-added", "filled in sample data", Role.VIEWER
    SAMPLE_REMOVED = "sample-removed", "took sample data out", Role.VIEWER
    ACTIVITY_EXPORTED = "activity-exported", "exported the activity", Role.ADMIN
    PEOPLE_EXPORTED = "people-exported", "exported the people", Role.ADMIN
    KEYS_EXPORTED = "keys-exported", "exported the list of API keys", Role.ADMIN

    label: str
    minimum_role: Role

    def __new__(cls, value: str, label: str = "", minimum_role: Role = Role.ADMIN) -> Self:
        """Give the member its word, its label and the minimum_role role that reads of it."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.minimum_role = value, label, minimum_role
        return member


class AuditTarget(NamedTuple):
    """What something was done to."""

    kind: ObjectKind
    id: int | None
    name: str


class AuditEventRow(NamedTuple):
    """A line of the audit trail: who did what to what, when and from where; before and after, as far as they differ.

    organization_name: None too for an organization that is gone. operation_id: of the
    operation that it is a part of, operation_object_count: how many things that changed, undone: whether it was taken back.
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
    """Which lines of the audit trail to show, newest first.

    who: e-mail, name of a key or user of a shell, in full. since, until:
    bounds in time, the second one out. older_than: id of a line; those before it.
    """

    who: str = ""
    event_types: tuple[AuditEventType, ...] = ()
    voice: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    older_than: int | None = None


_SUBJECT = re.compile(r"(voice|assistant)-([1-9][0-9]{0,18})", re.ASCII)


class ObjectRef(NamedTuple):
    """A voice or an assistant."""

    kind: ObjectKind
    id: int

    def __str__(self) -> str:
        """As forms have it: "voice-456"."""
        return f"{self.kind.value}-{self.id}"

    @classmethod
    def parse(cls, word: str) -> ObjectRef | None:
        """The way back; None for what is no ref."""
        found = _SUBJECT.fullmatch(word)
        if found is None or int(found[2]) > MAX_ID:
            return None
        return cls(ObjectKind(found[1]), int(found[2]))


def hash_selection(refs: Iterable[ObjectRef]) -> str:
    """A word that stands for exactly these, in whatever order."""
    return hashlib.blake2b(" ".join(sorted(map(str, refs))).encode(), digest_size=16).hexdigest()
