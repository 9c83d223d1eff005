"""What the clients return: voices, assistants, slots, rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, NamedTuple, Protocol

from voiceadmin.enums import LabelledEnum
from voiceadmin.sources.clients.outcomes import Deletion, Fault, Outcome


class ProviderState(LabelledEnum):
    """What a provider's words say about a voice. UNKNOWN is never shown as failed."""

    READY = "ready", "Ready"
    PROCESSING = "processing", "Processing"
    WAITING = "waiting", "Waiting for a person"
    FAILED = "failed", "Failed"
    BLOCKED = "blocked", "Blocked"
    ARCHIVED = "archived", "Archived"
    UNKNOWN = "unknown", "Unknown"


class SlotKind(LabelledEnum):
    """The gauge in which a voice counts."""

    INSTANT = "instant", "Instant voices"
    PROFESSIONAL = "professional", "Professional voices"


class ProviderVoice(NamedTuple):
    """A voice as its provider lists it.

    Attributes:
        is_ours: False for stock voices, library copies and voices of others.
        raw_state: the provider's own words, from which `state` follows.
        reason: the provider's text about a failure; "" if there is none.
        category: the provider's own word for the kind of voice.
        slot: the gauge in which it counts; None if it takes no slot.
        breaks_at: when the voice will stop working; None if the provider names no date.
    """

    id: str
    name: str
    state: ProviderState
    is_ours: bool
    raw_state: str = ""
    reason: str = ""
    category: str = ""
    slot: SlotKind | None = None
    created_at: datetime | None = None
    language: str = ""
    gender: str = ""
    breaks_at: datetime | None = None


class VoiceReference(NamedTuple):
    """A provider voice ID that an assistant's settings name. field: where, such as tts_settings.voice_id."""

    provider: str
    provider_voice_id: str
    field: str


class PlatformAssistant(NamedTuple):
    """An assistant as the platform lists it.

    Attributes:
        organization_id: the platform's id of its organization; "" if it is not given.
        references: every voice that its settings name.
        is_spoken: False if the assistant's mode does not use its TTS settings.
    """

    id: int
    name: str
    organization_id: str
    is_active: bool
    references: tuple[VoiceReference, ...]
    is_spoken: bool


@dataclass(frozen=True, slots=True)
class Found:
    """The provider has the voice."""

    voice: ProviderVoice


@dataclass(frozen=True, slots=True)
class Absent:
    """The provider says that it does not have the voice. message: what that proves, in a sentence."""

    message: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """The look-up proves nothing. fault: what came instead."""

    fault: Fault


LookUp = Found | Absent | Unclear


class SlotReading(NamedTuple):
    """Slots of one kind. used, limit: None if the provider does not tell."""

    kind: SlotKind
    used: int | None
    limit: int | None


class RightCheck(NamedTuple):
    """Whether a key may do something. is_granted: None if that could not be found out."""

    label: str
    is_granted: bool | None
    message: str = ""


class ProviderClient(Protocol):
    """What every client of a provider can do. Methods with the prefixes `check_` and `read_` raise UpstreamFailed."""

    def list_voices(self) -> Mapping[str, Outcome[ProviderVoice]]:
        """Return the outcome of each listing of the provider by name. A voice may be in one of them only."""
        ...

    def look_up(self, voice_id: str) -> LookUp:
        """Ask for one voice by its ID."""
        ...

    def delete_voice(self, voice: ProviderVoice) -> Deletion:
        """Delete a voice that a look-up has just found. Sends at most one request, and never repeats it."""
        ...

    def look_up_deleted(self, voice: ProviderVoice) -> LookUp:
        """Ask for a voice that the same key has found before its deletion was requested."""
        ...

    def check_list(self) -> None:
        """Request one page with as few voices as possible, to find out whether the key may list voices."""
        ...

    def read_slots(self) -> tuple[SlotReading, ...]:
        """Return the slots; an empty tuple if the provider does not tell them."""
        ...

    def read_account(self) -> str:
        """Return what identifies the account behind the key; "" if the provider does not tell it."""
        ...


class UpstreamOrganization(NamedTuple):
    """The organization to which a key of the platform belongs. name: "" if it is not given."""

    id: str
    name: str


class PlatformClient(Protocol):
    """What every client of a platform can do. All methods but `list_assistants` raise UpstreamFailed.

    Attributes:
        etags: of each list, by its path. `download_voices` sends those that are given, and stores those that came. It
            stays empty if the platform sends none.
    """

    etags: dict[str, str]

    def download_voices(self, file: BinaryIO, assistant_ids: Iterable[int | str] = ()) -> str:
        """Write the list of voices to a file as the platform sent it.

        Returns:
            The path that answered; "" if no list has changed since those of the ETags. Nothing is written then.
        """
        ...

    def list_assistants(self) -> Outcome[PlatformAssistant]:
        """Return the outcome of the listing of assistants."""
        ...

    def read_organization(self) -> UpstreamOrganization:
        """Return the organization to which the key belongs."""
        ...

    def check_list(self) -> None:
        """Request as few voices as possible, to find out whether the key may list voices."""
        ...

    def check_assistants(self) -> None:
        """Request one assistant, to find out whether the key may list assistants."""
        ...
