"""Every word with a fixed meaning: statuses, providers, quality tiers, uses, orders and roles, with label and tone."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Self

MAX_ID = 2**63 - 1  # what an upstream id can be at most: a signed 64-bit integer

_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)


def read_integer(text: str) -> int | None:
    """The integer that a text of ASCII digits with an optional sign is, or None.

    What no 64-bit integer can hold comes back as one just outside: callers
    test the range anyway, and thousands of digits are not worth the work.
    """
    if not _INTEGER.fullmatch(text):
        return None
    digits = text.lstrip("+-").lstrip("0") or "0"
    size = int(digits) if len(digits) <= 19 else MAX_ID + 1
    return -size if text.startswith("-") else size


class Tone(StrEnum):
    """What a word feels like; the stylesheet gives each tone its colour."""

    GOOD = "good"
    BUSY = "busy"
    WARN = "warn"
    BAD = "bad"
    MUTED = "muted"


class Labelled(StrEnum):
    """Words that have a label for people, and nothing else."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """Give the member its word and its label."""
        member = str.__new__(cls, value)
        member._value_, member.label = value, label
        return member


class Severity(StrEnum):
    """How bad a reason of attention is."""

    CRITICAL = "critical", "Critical", Tone.BAD
    HIGH = "high", "High", Tone.BAD
    MEDIUM = "medium", "Medium", Tone.WARN
    LOW = "low", "Low", Tone.MUTED

    label: str
    tone: Tone

    def __new__(cls, value: str, label: str = "", tone: Tone = Tone.MUTED) -> Self:
        """Give the member its word, its label and its tone."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.tone = value, label, tone
        return member


class VoiceStatus(StrEnum):
    """Where a cloned voice stands, in upstream's words. A closed vocabulary."""

    PROCESSING = "processing", "Processing", Tone.BUSY, "The provider is still cloning it; it cannot be used yet."
    READY = "ready", "Ready", Tone.GOOD, "Cloned and usable by every assistant of its organization."
    FAILED = "failed", "Failed", Tone.BAD, "Cloning failed; the voice cannot be used. Try again with better samples."
    ARCHIVED = "archived", "Archived", Tone.MUTED, "Set aside and no longer active. It may still cost a slot."

    label: str
    tone: Tone
    meaning: str

    def __new__(cls, value: str, label: str = "", tone: Tone = Tone.MUTED, meaning: str = "") -> Self:
        """Give the member its word, its label, its tone and a sentence that explains it.

        The defaults, here and below, are for the type checker, to which a look-up by the word is a call too.
        """
        member = str.__new__(cls, value)
        member._value_, member.label, member.tone, member.meaning = value, label, tone, meaning
        return member


STATUSES_SHOWN = (VoiceStatus.READY, VoiceStatus.PROCESSING, VoiceStatus.FAILED, VoiceStatus.ARCHIVED)  # on pages


class Provider(Labelled):
    """The providers that have a name here.

    An open vocabulary: upstream has changed it before, so a store may hold any
    other word too. `provider_label` names both kinds.
    """

    ELEVENLABS = "elevenlabs", "ElevenLabs"
    RESEMBLE = "resemble", "Resemble"
    INWORLD = "inworld", "Inworld"
    CARTESIA = "cartesia", "Cartesia"


PROVIDER_LABELS: dict[str, str] = {provider.value: provider.label for provider in Provider}


def provider_label(word: str) -> str:
    """The name of a provider; an unknown word is its own name."""
    return PROVIDER_LABELS.get(word, word)


class QualityTier(StrEnum):
    """A range of quality scores, half open: `low` is in, `high` is out. The best tier has no upper bound.

    Bounds and advice are those of the platform's guide for cloned voices.
    """

    EXCELLENT = "excellent", "Excellent", Tone.GOOD, 4, 0.9, None, "Production-ready."
    GOOD = "good", "Good", Tone.GOOD, 3, 0.8, 0.9, "Suitable for most uses."
    FAIR = "fair", "Fair", Tone.WARN, 2, 0.7, 0.8, "May need improvement."
    POOR = "poor", "Poor", Tone.BAD, 1, 0.0, 0.7, "Consider re-training with better samples."

    label: str
    tone: Tone
    bars: int
    low: float
    high: float | None
    advice: str

    def __new__(
        cls,
        value: str,
        label: str = "",
        tone: Tone = Tone.MUTED,
        bars: int = 0,
        low: float = 0.0,
        high: float | None = None,
        advice: str = "",
    ) -> Self:
        """Give the member its word, label, tone, signal bars (1 to 4), bounds and advice."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.tone, member.bars = value, label, tone, bars
        member.low, member.high, member.advice = low, high, advice
        return member

    @classmethod
    def of(cls, score: float | None) -> QualityTier | None:
        """Grade a quality score.

        score: 0.0 (worst) to 1.0 (best), or None when there is none; the tier
            is None then too, because not scored is not poor.
        Raises ValueError outside that range: a percentage must not become a badge.
        """
        if score is None:
            return None
        if not 0.0 <= score <= 1.0:
            raise ValueError(f"A quality score lies between 0.0 and 1.0, not at {score!r}.")
        return next(tier for tier in cls if score >= tier.low)

    @property
    def range_label(self) -> str:
        """The bounds for people: "0.80 to 0.89", the way scores are shown (rounded down)."""
        return f"{self.low:.2f} to {1.0 if self.high is None else self.high - 0.01:.2f}"


NOT_SCORED = "none"  # the filter word for voices without a score
NOT_SCORED_LABEL = "Not scored"
NOT_SCORED_ADVICE = "The provider gave no score. That says nothing about the voice."


class VoiceUse(StrEnum):
    """Filter words for how a voice is used.

    `idle`: for how long nobody may have used the voice, counted from its
    creation if it was never used; None where only "never used" is asked.
    """

    NEVER = "never", "Never used", None
    IDLE_30 = "idle-30", "Not used for 30 days", timedelta(days=30)
    IDLE_90 = "idle-90", "Not used for 90 days", timedelta(days=90)

    label: str
    idle: timedelta | None

    def __new__(cls, value: str, label: str = "", idle: timedelta | None = None) -> Self:
        """Give the member its word, its label and its span."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.idle = value, label, idle
        return member


class VoiceColumn(StrEnum):
    """The columns of a list of voices that it can be ordered by."""

    NAME = "name"
    PROVIDER = "provider"
    STATUS = "status"
    QUALITY = "quality"
    SYNTHESES = "syntheses"
    LAST_USED = "last-used"
    CREATED = "created"


class VoiceOrder(StrEnum):
    """How a list of voices is ordered: a column and a direction.

    A leading minus is the descending direction. Voices without a value come
    last both ways, and ties are broken by id.
    """

    MOST_USED = "-syntheses", VoiceColumn.SYNTHESES, "most used first"
    LEAST_USED = "syntheses", VoiceColumn.SYNTHESES, "least used first"
    NAME_UP = "name", VoiceColumn.NAME, "by name"
    NAME_DOWN = "-name", VoiceColumn.NAME, "by name, backwards"
    PROVIDER_UP = "provider", VoiceColumn.PROVIDER, "by provider"
    PROVIDER_DOWN = "-provider", VoiceColumn.PROVIDER, "by provider, backwards"
    STATUS_UP = "status", VoiceColumn.STATUS, "by status"
    STATUS_DOWN = "-status", VoiceColumn.STATUS, "by status, backwards"
    BEST = "-quality", VoiceColumn.QUALITY, "best quality first"
    POOREST = "quality", VoiceColumn.QUALITY, "poorest quality first"
    LATEST_USED = "-last-used", VoiceColumn.LAST_USED, "last used first"
    LONGEST_UNUSED = "last-used", VoiceColumn.LAST_USED, "longest unused first"
    NEWEST = "-created", VoiceColumn.CREATED, "newest first"
    OLDEST = "created", VoiceColumn.CREATED, "oldest first"

    column: VoiceColumn
    label: str

    def __new__(cls, value: str, column: VoiceColumn = VoiceColumn.NAME, label: str = "") -> Self:
        """Give the member its word, its column and the words of the sentence above a list."""
        member = str.__new__(cls, value)
        member._value_, member.column, member.label = value, column, label
        return member

    @property
    def descending(self) -> bool:
        """Whether large values come first."""
        return self.value.startswith("-")

    @classmethod
    def after_click(cls, column: VoiceColumn, current: VoiceOrder) -> VoiceOrder:
        """What a click on the head of a column orders by: its useful direction first, then the other one."""
        of_column = [order for order in cls if order.column is column]
        return of_column[1] if current is of_column[0] else of_column[0]


DEFAULT_ORDER = VoiceOrder.MOST_USED


class ExportFormat(StrEnum):
    """The formats in which voices leave the store."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


class Role(IntEnum):
    """What somebody may do; each role may do all that a smaller one may.

    Viewer, operator and admin are granted for one organization; a platform
    admin is one everywhere. `word` stands in forms, commands and settings.
    """

    ANYONE = 0, "none", "Nobody", "Sees nothing."
    VIEWER = 1, "viewer", "Viewer", "Looks at voices and assistants."
    OPERATOR = 2, "operator", "Operator", "Triages: acts on voices too."
    ADMIN = 3, "admin", "Admin", "Decides about people, keys, sources and deletions too."
    PLATFORM = 4, "platform", "Platform admin", "Is an admin of every organization, and of the platform itself."

    word: str
    label: str
    meaning: str

    def __new__(cls, value: int, word: str = "", label: str = "", meaning: str = "") -> Self:
        """Give the member its rank, its word, its label and a sentence that explains it."""
        member = int.__new__(cls, value)
        member._value_, member.word, member.label, member.meaning = value, word, label, meaning
        return member

    @classmethod
    def called(cls, word: str) -> Role:
        """The role of this word. Raises ValueError."""
        for role in cls:
            if role.word == word:
                return role
        raise ValueError(f"{word!r} is no role.")


GRANTED = (Role.VIEWER, Role.OPERATOR, Role.ADMIN)  # the roles of one organization


SECTIONS = (  # of the site: the address of each, its name, and who sees it
    ("", "Overview", Role.VIEWER),
    ("triage", "Triage", Role.VIEWER),
    ("assistants", "Assistants", Role.VIEWER),
    ("providers", "Providers", Role.VIEWER),
    ("clean-up", "Clean-up", Role.VIEWER),
    ("activity", "Activity", Role.VIEWER),
    ("people", "People", Role.ADMIN),
    ("keys", "Keys", Role.ADMIN),
)


class ActorKind(Labelled):
    """What kind of somebody does something."""

    ACCOUNT = "account", "Person"
    KEY = "key", "API key"
    SHELL = "shell", "Shell"
    NOBODY = "nobody", "Nobody signed in"


class ObjectKind(Labelled):
    """What kind of thing something is done to."""

    ACCOUNT = "account", "Account"
    ASSISTANT = "assistant", "Assistant"
    KEY = "key", "API key"
    LINK = "link", "Link"
    PLAN = "plan", "Clean-up plan"
    STORE = "store", "Store"
    VOICE = "voice", "Voice"


class AuditWord(StrEnum):
    """What was done. label: how a sentence goes on after who did it. least: who in the organization may read of it."""

    SIGNED_IN = "signed-in", "signed in", Role.ADMIN
    SIGN_IN_FAILED = "sign-in-failed", "failed to sign in", Role.ADMIN
    SIGNED_OUT = "signed-out", "signed out", Role.ADMIN
    SESSION_ENDED = "session-ended", "ended sessions", Role.ADMIN
    CONFIRMED = "confirmed", "gave the password again", Role.ADMIN
    CONFIRM_FAILED = "confirm-failed", "failed to give the password again", Role.ADMIN
    THROTTLED = "throttled", "was slowed down", Role.ADMIN
    LINK_MADE = "link-made", "made a link", Role.ADMIN
    LINK_REVOKED = "link-revoked", "took a link back", Role.ADMIN
    ACCOUNT_MADE = "account-made", "made an account", Role.ADMIN
    PASSWORD_CHANGED = "password-changed", "changed a password", Role.ADMIN  # a word, not a password
    ACCOUNT_DISABLED = "account-disabled", "disabled an account", Role.ADMIN
    ACCOUNT_ENABLED = "account-enabled", "enabled an account", Role.ADMIN
    ROLE_CHANGED = "role-changed", "changed a role", Role.ADMIN
    KEY_MADE = "key-made", "made an API key", Role.ADMIN
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
    SHOWN_AGAIN = "shown-again", "brought back into the queue", Role.VIEWER
    NOTED = "noted", "left a note on", Role.VIEWER
    NOTE_TAKEN_BACK = "note-taken-back", "took a note back from", Role.VIEWER
    DESK_REFUSED = "desk-refused", "was refused to act on", Role.ADMIN
    CLEAN_UP_PLANNED = "clean-up-planned", "planned a clean-up", Role.VIEWER
    CLEAN_UP_CONFIRMED = "clean-up-confirmed", "confirmed a clean-up", Role.VIEWER
    CLEAN_UP_TAKEN_BACK = "clean-up-taken-back", "took a clean-up back", Role.VIEWER
    PRICE_CHANGED = "price-changed", "changed the price of a voice", Role.ADMIN
    SAMPLE_FILLED = "sample-filled", "filled in sample data", Role.VIEWER
    SAMPLE_REMOVED = "sample-removed", "took sample data out", Role.VIEWER
    ACTIVITY_EXPORTED = "activity-exported", "exported the activity", Role.ADMIN
    PEOPLE_EXPORTED = "people-exported", "exported the people", Role.ADMIN
    KEYS_EXPORTED = "keys-exported", "exported the list of API keys", Role.ADMIN

    label: str
    least: Role

    def __new__(cls, value: str, label: str = "", least: Role = Role.ADMIN) -> Self:
        """Give the member its word, its label and the least role that reads of it."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.least = value, label, least
        return member


class Act(StrEnum):
    """What somebody at the desk can do to voices and assistants. done: how a sentence about it begins."""

    ARCHIVE = "archive", "Archive", "Archived"
    RESTORE = "restore", "Restore", "Restored"
    ASSIGN = "assign", "Assign", "Assigned"
    ACKNOWLEDGE = "acknowledge", "Acknowledge", "Acknowledged"
    SNOOZE = "snooze", "Snooze", "Snoozed"
    NOTE = "note", "Add a note", "Noted on"

    label: str
    done: str

    def __new__(cls, value: str, label: str = "", done: str = "") -> Self:
        """Give the member its word, its label and its participle."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.done = value, label, done
        return member


UNDONE_FOR = timedelta(days=30)  # so long after it was done can a deed be undone
MOST_AT_ONCE = 20_000  # things that one deed changes
MAX_NOTE = 1000  # letters of a note, or of why something was done


class LinkPurpose(Labelled):
    """What a link that is good for one use lets its holder do."""

    SETUP = "setup", "Set-up"
    INVITATION = "invitation", "Invitation"
    RESET = "reset", "New password"


LINK_LIVES = {  # how long each is good for
    LinkPurpose.SETUP: timedelta(minutes=30),
    LinkPurpose.INVITATION: timedelta(days=7),
    LinkPurpose.RESET: timedelta(hours=24),
}
SURE_FOR = timedelta(minutes=15)  # after the password was given, until a dangerous act asks for it again
KEY_PREFIX = "va_"


SHORT_TEXT = 3  # letters from which a text is looked for inside words too
PAGE_SIZES = (25, 50, 100)
DEFAULT_PAGE_SIZE = 50
MAX_PAGE = 1_000_000_000
