"""Base classes of the enumerations: members with a label and a tone."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Tone(StrEnum):
    """The meaning of a colour; the stylesheet defines the colour of each tone."""

    GOOD = "good"
    BUSY = "busy"
    WARN = "warn"
    BAD = "bad"
    MUTED = "muted"


class LabelledEnum(StrEnum):
    """Values with a label for people."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """Create a member with its value and label."""
        member = str.__new__(cls, value)
        member._value_, member.label = value, label
        return member


class TonedEnum(LabelledEnum):
    """Values with a label and a tone."""

    tone: Tone

    def __new__(cls, value: str, label: str = "", tone: Tone = Tone.MUTED) -> Self:
        """Create a member with its value, label and tone."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.tone = value, label, tone
        return member
