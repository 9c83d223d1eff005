"""Quality scores and their tiers."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from voiceadmin.enums import Tone


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
    signal_level: int
    low: float
    high: float | None
    advice: str

    def __new__(
        cls,
        value: str,
        label: str = "",
        tone: Tone = Tone.MUTED,
        signal_level: int = 0,
        low: float = 0.0,
        high: float | None = None,
        advice: str = "",
    ) -> Self:
        """Give the member its word, label, tone, signal bars (1 to 4), bounds and advice."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.tone, member.signal_level = value, label, tone, signal_level
        member.low, member.high, member.advice = low, high, advice
        return member

    @classmethod
    def from_score(cls, score: float | None) -> QualityTier | None:
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
