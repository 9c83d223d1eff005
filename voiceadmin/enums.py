"""Base classes of the enumerations: members with a label and a tone."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Tone(StrEnum):
    """What a word feels like; the stylesheet gives each tone its colour."""

    GOOD = "good"
    BUSY = "busy"
    WARN = "warn"
    BAD = "bad"
    MUTED = "muted"


class LabelledEnum(StrEnum):
    """Words that have a label for people, and nothing else."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """Give the member its word and its label."""
        member = str.__new__(cls, value)
        member._value_, member.label = value, label
        return member
