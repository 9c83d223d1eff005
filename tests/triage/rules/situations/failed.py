"""Voices that failed."""

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
    READY,
    RESTORED_HERE,
    Situation,
    change,
    single,
)

FAILED_VOICES: Sequence[Situation] = [
    single("failed just now", "failed", status=FAILED, made=timedelta(0)),
    single("failed long ago", "failed", status=FAILED, made=900 * DAY),
    single("failed at a provider without a label", "failed", status=FAILED, provider="playht"),
    single("failed without an id at the provider", "failed", status=FAILED, provider_voice_id=""),
    single("failed and a good score", "failed", status=FAILED, quality_score=0.95),
    single("failed and never used, though old", "failed", status=FAILED, made=30 * DAY),
    single("failed and unused for long", "failed", status=FAILED, made=90 * DAY, used=80 * DAY, synthesis_count=3),
    single("failed, with a time in the future", "failed", status=FAILED, made=-HOUR),
    single("processing, then failed", "failed", change(status=FAILED), status=PROCESSING, made=5 * HOUR),
    single("ready, then failed", "failed", change(status=FAILED)),
    single("failed, then ready", "", change(status=READY), status=FAILED),
    single("failed, then processing a moment ago", "", change(MINUTE, status=PROCESSING), status=FAILED),
    single("failed, then processing for an hour", "stuck", change(status=PROCESSING), status=FAILED),
    single(
        "failed, ready, and failed again",
        "failed",
        change(HOUR, status=READY),
        change(MINUTE, status=FAILED),
        status=FAILED,
    ),
    single("failed, sent again without a change", "failed", change(name="Another"), status=FAILED),
    single("failed, then archived here", "", ARCHIVED_HERE, status=FAILED),
    single("failed, then archived upstream", "", change(status=ARCHIVED), status=FAILED),
    single("failed, archived here and restored", "failed", ARCHIVED_HERE, RESTORED_HERE, status=FAILED),
    single("archived here, failed meanwhile", "", ARCHIVED_HERE, change(status=FAILED)),
    single("archived here, failed meanwhile, restored", "failed", ARCHIVED_HERE, change(status=FAILED), RESTORED_HERE),
    single(
        "failed, archived here, ready meanwhile, restored",
        "",
        ARCHIVED_HERE,
        change(status=READY),
        RESTORED_HERE,
        status=FAILED,
    ),
]
