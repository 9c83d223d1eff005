"""Voices and assistants with several reasons."""

from __future__ import annotations

from collections.abc import Sequence

from tests.triage.rules.situations.situation import (
    DAY,
    FAILED,
    HOUR,
    PROCESSING,
    Situation,
    assistant,
    group,
    pair,
    single,
    with_id,
)

SEVERAL: Sequence[Situation] = [
    single("ready and fine", "", made=DAY, used=HOUR, synthesis_count=5),
    single("ready, old and used today", "", made=300 * DAY, used=HOUR, synthesis_count=5),
    single("failed, poor and used", "failed poor", status=FAILED, quality_score=0.1, synthesis_count=1, used=HOUR),
    single(
        "poor and unused for long",
        "poor unused",
        quality_score=0.1,
        synthesis_count=1,
        made=90 * DAY,
        used=70 * DAY,
    ),
    pair(
        "poor and unused duplicates",
        "poor duplicate unused",
        "duplicate",
        with_id("x", quality_score=0.1, synthesis_count=1, made=90 * DAY, used=70 * DAY),
        with_id("x"),
    ),
    pair(
        "failed, poor and used duplicates",
        "failed poor duplicate",
        "failed poor duplicate",
        with_id("x", status=FAILED, quality_score=0.1, synthesis_count=1),
        with_id("x", status=FAILED, quality_score=0.1, synthesis_count=1),
    ),
    pair(
        "stuck, poor and used duplicates",
        "stuck poor duplicate",
        "duplicate",
        with_id("x", status=PROCESSING, quality_score=0.1, synthesis_count=1),
        with_id("x"),
    ),
    group(
        "an assistant on the worst voices",
        {"assistant": "assistant-unready", "a": "failed poor duplicate", "b": "stuck duplicate"},
        assistant=assistant("x"),
        a=with_id("x", status=FAILED, quality_score=0.1, synthesis_count=1),
        b=with_id("x", status=PROCESSING),
    ),
]
