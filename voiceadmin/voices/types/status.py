"""The status of a cloned voice."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from voiceadmin.enums import Tone


class VoiceStatus(StrEnum):
    """The statuses of a cloned voice, as upstream defines them. A closed vocabulary."""

    PROCESSING = (
        "processing",
        "Processing",
        Tone.BUSY,
        "The provider is still cloning this voice. It cannot be used yet.",
    )
    READY = "ready", "Ready", Tone.GOOD, "Every assistant of the organization can use the voice."
    FAILED = (
        "failed",
        "Failed",
        Tone.BAD,
        "Cloning failed. Clone the voice again with better samples.",
    )
    ARCHIVED = (
        "archived",
        "Archived",
        Tone.MUTED,
        "The voice is archived. It uses its slot until it is deleted at the provider.",
    )

    label: str
    tone: Tone
    meaning: str

    def __new__(cls, value: str, label: str = "", tone: Tone = Tone.MUTED, meaning: str = "") -> Self:
        """Create the member with its label, its tone and a sentence that explains it.

        The defaults exist for the type checker, which mistakes a lookup such as VoiceStatus("ready") for this call.
        """
        member = str.__new__(cls, value)
        member._value_, member.label, member.tone, member.meaning = value, label, tone, meaning
        return member


# The order on pages: the usual status first.
STATUS_DISPLAY_ORDER = (VoiceStatus.READY, VoiceStatus.PROCESSING, VoiceStatus.FAILED, VoiceStatus.ARCHIVED)
