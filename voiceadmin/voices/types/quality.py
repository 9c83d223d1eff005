"""Quality scores and their tiers."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from voiceadmin.enums import Tone


class QualityTier(StrEnum):
    """A range of quality scores. The bounds and the advice are those of the platform's guide to cloned voices.

    Attributes:
        signal_level: Bars of the signal icon, 1 to 4. The database stores it as `tier`; 0 there is "not scored".
        low: The lowest score in the tier.
        high: The lowest score above the tier; None for the best tier, which has no upper bound.
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
        """Create the member with its attributes."""
        member = str.__new__(cls, value)
        member._value_, member.label, member.tone, member.signal_level = value, label, tone, signal_level
        member.low, member.high, member.advice = low, high, advice
        return member

    @classmethod
    def from_score(cls, score: float | None) -> QualityTier | None:
        """Return the tier of a quality score.

        Args:
            score: 0.0 (worst) to 1.0 (best), or None if there is none. The tier is None then, since a voice that is
                not scored is not poor.

        Raises:
            ValueError: If the score is outside 0.0 to 1.0, for example a percentage.
        """
        if score is None:
            return None
        if not 0.0 <= score <= 1.0:
            raise ValueError(f"The quality score {score!r} is not between 0.0 and 1.0.")
        return next(tier for tier in cls if score >= tier.low)

    @property
    def range_label(self) -> str:
        """Return the bounds as text, such as "0.80 to 0.89"; scores are shown rounded down."""
        return f"{self.low:.2f} to {1.0 if self.high is None else self.high - 0.01:.2f}"


NOT_SCORED = "none"  # the filter value for voices without a score


NOT_SCORED_LABEL = "Not scored"


NOT_SCORED_ADVICE = "The provider gave no score. This says nothing about the voice."
