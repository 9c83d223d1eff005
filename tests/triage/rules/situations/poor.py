"""Voices with a poor quality score, used and never used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from tests.triage.rules.situations.situation import (
    ARCHIVED,
    ARCHIVED_HERE,
    DAY,
    FAILED,
    HOUR,
    MINUTE,
    PROCESSING,
    RESTORED_HERE,
    Situation,
    change,
    scored,
)

POOR_VOICES: Sequence[Situation] = [
    scored("just under 0.7, used once", "poor", 0.6999999999999999, 1),
    scored("0.7, used once", "", 0.7, 1),
    scored("just over 0.7, used once", "", 0.7000000000000001, 1),
    scored("0.69, used once", "poor", 0.69, 1),
    scored("0.699, which shows as 0.69", "poor", 0.699, 1),
    scored("0.0, used once", "poor", 0.0, 1),
    scored("the smallest positive score, used once", "poor", 5e-324, 1),
    scored("0.5, used twice", "poor", 0.5, 2),
    scored("0.8, used", "", 0.8, 9),
    scored("1.0, used", "", 1.0, 9),
    scored("no score, used", "", None, 9),
    scored("just under 0.7, never used", "", 0.6999999999999999, 0),
    scored("0.0, never used", "", 0.0, 0),
    scored("no score, never used", "", None, 0),
    scored("poor, a last use but no count", "", 0.5, 0, used=HOUR),
    scored("poor, a count but no last use", "poor", 0.5, 1, used=None),
    scored("poor, used as often as can be", "poor", 0.5, 2**63 - 1),
    scored("poor, used and failed", "failed poor", 0.5, 1, status=FAILED),
    scored("poor, used and processing within time", "poor", 0.5, 1, status=PROCESSING, made=MINUTE),
    scored("poor, used and archived upstream", "", 0.5, 1, status=ARCHIVED),
    scored("poor, used and archived here", "", 0.5, 1, ARCHIVED_HERE),
    scored("poor, used, archived here and restored", "poor", 0.5, 1, ARCHIVED_HERE, RESTORED_HERE),
    scored("poor, used, without an id", "poor", 0.5, 1, provider_voice_id=""),
    scored("good, then poor", "poor", 0.9, 1, change(quality_score=0.6)),
    scored("poor, then good", "", 0.6, 1, change(quality_score=0.7)),
    scored("poor, then without a score", "", 0.6, 1, change(quality_score=None)),
    scored("without a score, then poor", "poor", None, 1, change(quality_score=0.1)),
    scored("poor, then used", "poor", 0.6, 0, change(synthesis_count=1)),
    scored("poor and made this instant", "poor", 0.6, 1, made=timedelta(0)),
    scored("poor, used, and not for long", "poor unused", 0.6, 1, made=90 * DAY, used=60 * DAY),
]
