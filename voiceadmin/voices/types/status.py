"""The status of a cloned voice."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from voiceadmin.enums import Tone


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


STATUS_DISPLAY_ORDER = (VoiceStatus.READY, VoiceStatus.PROCESSING, VoiceStatus.FAILED, VoiceStatus.ARCHIVED)  # on pages
