"""Rows of organizations and assistants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from voiceadmin.identity import OrganizationId


class OrganizationRow(NamedTuple):
    """An organization.

    Attributes:
        id: The id in this database, not upstream's.
        assistant_count: Number of assistants.
        revision: Identifies the state of the organization's voices; every write to them changes it.
    """

    id: OrganizationId
    name: str
    assistant_count: int
    revision: str


class AssistantRow(NamedTuple):
    """An assistant, with the organization whose voices it can use.

    Attributes:
        tts_provider: The provider of the voice it is set to; None if unknown.
        tts_voice_id: The provider's id of that voice, which may be a stock voice; None if unknown.
        is_voice_spoken: Whether callers hear that voice; False if the assistant's mode does not use its TTS settings.
    """

    id: int
    name: str
    active: bool
    tts_provider: str | None
    tts_voice_id: str | None
    is_voice_spoken: bool
    organization: OrganizationRow


@dataclass(frozen=True, slots=True)
class OrganizationChoices:
    """The organizations that a form offers.

    Attributes:
        listed: their names by id, in order; None if they are too many for a select box.
        find: returns those that a text names, by id: by an id, a name or a part of a name.
    """

    listed: Mapping[int, str] | None
    find: Callable[[str], Mapping[int, str]]
