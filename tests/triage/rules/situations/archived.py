"""Voices that are archived locally or upstream: no rule applies to them."""

from __future__ import annotations

from collections.abc import Sequence

from tests.triage.rules.situations.situation import (
    ARCHIVED,
    ARCHIVED_HERE,
    DAY,
    FAILED,
    PROCESSING,
    READY,
    RESTORED_HERE,
    Situation,
    change,
    single,
)

ARCHIVED_VOICES: Sequence[Situation] = [
    single("upstream, young", "", status=ARCHIVED),
    single("upstream, without an id", "", status=ARCHIVED, provider_voice_id=""),
    single("upstream, and then ready again, old", "never-used", change(status=READY), status=ARCHIVED, made=20 * DAY),
    single("upstream, and then failed", "failed", change(status=FAILED), status=ARCHIVED),
    single("here while ready", "", ARCHIVED_HERE, made=20 * DAY),
    single("here while failed", "", ARCHIVED_HERE, status=FAILED, made=20 * DAY),
    single("here while processing", "", ARCHIVED_HERE, status=PROCESSING, made=20 * DAY),
    single("here while archived upstream too", "", ARCHIVED_HERE, status=ARCHIVED, made=20 * DAY),
    single(
        "here, then upstream says ready again", "", ARCHIVED_HERE, change(status=READY), status=FAILED, made=20 * DAY
    ),
    single("here, then upstream says archived", "", ARCHIVED_HERE, change(status=ARCHIVED), made=20 * DAY),
    single(
        "here, then archived upstream, then restored here",
        "",
        ARCHIVED_HERE,
        change(status=ARCHIVED),
        RESTORED_HERE,
        made=20 * DAY,
    ),
    single(
        "here with everything wrong",
        "",
        ARCHIVED_HERE,
        status=FAILED,
        quality_score=0.0,
        synthesis_count=9,
        made=90 * DAY,
        used=80 * DAY,
    ),
]
