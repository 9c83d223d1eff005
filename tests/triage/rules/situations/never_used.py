"""Voices around the age from which a voice without uses is reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from tests.triage.rules.situations.situation import (
    ARCHIVED,
    ARCHIVED_HERE,
    DAY,
    FAILED,
    HOUR,
    INSTANT,
    MINUTE,
    PROCESSING,
    READY,
    RESTORED_HERE,
    Situation,
    change,
    single,
)

NEVER_USED_VOICES: Sequence[Situation] = [
    single("a microsecond less than 14 days old", "", made=14 * DAY - INSTANT),
    single("14 days old", "never-used", made=14 * DAY),
    single("a microsecond more than 14 days old", "never-used", made=14 * DAY + INSTANT),
    single("made this instant", "", made=timedelta(0)),
    single("made in the future", "", made=-DAY),
    single("years old", "never-used", made=900 * DAY),
    single("14 days old, a count of 1", "", made=14 * DAY, synthesis_count=1),
    single("14 days old, a last use but no count", "", made=14 * DAY, used=HOUR),
    single("14 days old, without a score", "never-used", made=14 * DAY, quality_score=None),
    single("14 days old, a poor score", "never-used", made=14 * DAY, quality_score=0.1),
    single("14 days old, failed", "failed", made=14 * DAY, status=FAILED),
    single("14 days old, processing", "stuck", made=14 * DAY, status=PROCESSING),
    single("14 days old, archived upstream", "", made=14 * DAY, status=ARCHIVED),
    single("14 days old, archived here", "", ARCHIVED_HERE, made=14 * DAY),
    single("14 days old, archived here and restored", "never-used", ARCHIVED_HERE, RESTORED_HERE, made=14 * DAY),
    single(
        "14 days old, ready since a moment",
        "never-used",
        change(MINUTE, status=READY),
        status=PROCESSING,
        made=14 * DAY,
    ),
    single("14 days old, then used", "", change(last_used_at=HOUR, synthesis_count=1), made=14 * DAY),
    single("14 days old, without an id", "never-used", made=14 * DAY, provider_voice_id=""),
    single("14 days old, at a provider without a label", "never-used", made=14 * DAY, provider="playht"),
    single("60 days old is never used and not unused", "never-used", made=60 * DAY),
]
