"""Rows of organizations and assistants."""

from __future__ import annotations

from typing import NamedTuple

from voiceadmin.identity import OrganizationId


class OrganizationRow(NamedTuple):
    """An organization.

    id: our own, not upstream's. assistants: how many it has. revision: a word
    for the state of its voices in this store; every write to them changes it.
    """

    id: OrganizationId
    name: str
    assistant_count: int
    revision: str


class AssistantRow(NamedTuple):
    """An assistant and the organization whose voices it can use.

    tts_provider, tts_voice_id: what it is set to speak with, which may be a
    stock voice; None when unknown.
    """

    id: int
    name: str
    active: bool
    tts_provider: str | None
    tts_voice_id: str | None
    organization: OrganizationRow
