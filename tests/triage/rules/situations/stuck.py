"""Voices that are processing, around the cloning timeouts."""

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
    cloning,
    single,
)

PROVIDERS: Sequence[Situation] = [
    cloning("ElevenLabs, a microsecond before ten minutes", "", "elevenlabs", 10 * MINUTE - INSTANT),
    cloning("ElevenLabs, ten minutes", "stuck", "elevenlabs", 10 * MINUTE),
    cloning("ElevenLabs, a microsecond after ten minutes", "stuck", "elevenlabs", 10 * MINUTE + INSTANT),
    cloning("Resemble, a microsecond before an hour", "", "resemble", 60 * MINUTE - INSTANT),
    cloning("Resemble, an hour", "stuck", "resemble", 60 * MINUTE),
    cloning("Resemble, a microsecond after an hour", "stuck", "resemble", 60 * MINUTE + INSTANT),
    cloning("Inworld, a microsecond before five minutes", "", "inworld", 5 * MINUTE - INSTANT),
    cloning("Inworld, five minutes", "stuck", "inworld", 5 * MINUTE),
    cloning("Inworld, a microsecond after five minutes", "stuck", "inworld", 5 * MINUTE + INSTANT),
    cloning("Cartesia, a microsecond before five minutes", "", "cartesia", 5 * MINUTE - INSTANT),
    cloning("Cartesia, five minutes", "stuck", "cartesia", 5 * MINUTE),
    cloning("Cartesia, a microsecond after five minutes", "stuck", "cartesia", 5 * MINUTE + INSTANT),
    cloning("PlayHT, a microsecond before an hour", "", "playht", 60 * MINUTE - INSTANT),
    cloning("PlayHT, an hour", "stuck", "playht", 60 * MINUTE),
    cloning("PlayHT, a microsecond after an hour", "stuck", "playht", 60 * MINUTE + INSTANT),
    cloning("ELEVENLABS is another provider, before an hour", "", "ELEVENLABS", 60 * MINUTE - INSTANT),
    cloning("ELEVENLABS is another provider, an hour", "stuck", "ELEVENLABS", 60 * MINUTE),
    cloning("Inworld with a blank is another provider, before an hour", "", "inworld ", 60 * MINUTE - INSTANT),
    cloning("Inworld with a blank is another provider, an hour", "stuck", "inworld ", 60 * MINUTE),
    cloning("a provider called others, before an hour", "", "others", 60 * MINUTE - INSTANT),
    cloning("a provider called others, an hour", "stuck", "others", 60 * MINUTE),
    cloning("ElevenLabs within the timeout of Inworld", "", "elevenlabs", 5 * MINUTE),
    cloning("Resemble within its own, past that of ElevenLabs", "", "resemble", 11 * MINUTE),
    cloning("Cartesia past its own, within that of ElevenLabs", "stuck", "cartesia", 6 * MINUTE),
    cloning("Cyrillic letters that look like Inworld", "", "іnworld", 6 * MINUTE),
]

TIMES: Sequence[Situation] = [
    cloning("processing since this instant", "", "elevenlabs", timedelta(0)),
    cloning("processing from the future on", "", "elevenlabs", -DAY),
    cloning("for years", "stuck", "elevenlabs", 900 * DAY),
    cloning("without an id at the provider", "stuck", "elevenlabs", HOUR, provider_voice_id=""),
    cloning("sent again without a change", "stuck", "elevenlabs", HOUR, change(MINUTE, name="Another")),
    cloning("ready in the end", "", "elevenlabs", HOUR, change(MINUTE, status=READY)),
    cloning("failed in the end", "failed", "elevenlabs", HOUR, change(MINUTE, status=FAILED)),
    cloning("archived upstream", "", "elevenlabs", HOUR, change(MINUTE, status=ARCHIVED)),
    cloning("archived here", "", "elevenlabs", HOUR, ARCHIVED_HERE),
    cloning("archived here and restored", "stuck", "elevenlabs", HOUR, ARCHIVED_HERE, RESTORED_HERE),
    single("processing again, a microsecond before ten minutes", "", change(10 * MINUTE - INSTANT, status=PROCESSING)),
    single("processing again, ten minutes", "stuck", change(10 * MINUTE, status=PROCESSING)),
    single(
        "processing again, a microsecond after ten minutes", "stuck", change(10 * MINUTE + INSTANT, status=PROCESSING)
    ),
    single(
        "processing again at Resemble, before an hour",
        "",
        change(HOUR - INSTANT, status=PROCESSING),
        provider="resemble",
    ),
    single("processing again at Resemble, an hour", "stuck", change(HOUR, status=PROCESSING), provider="resemble"),
    single(
        "processing again, and sent again since",
        "stuck",
        change(11 * MINUTE, status=PROCESSING),
        change(MINUTE, name="Another"),
    ),
    single("archived here, processing meanwhile", "", ARCHIVED_HERE, change(HOUR, status=PROCESSING)),
    single(
        "archived here, processing meanwhile, restored",
        "stuck",
        ARCHIVED_HERE,
        change(HOUR, status=PROCESSING),
        RESTORED_HERE,
    ),
    single(
        "archived here, processing meanwhile, restored within the timeout",
        "",
        ARCHIVED_HERE,
        change(9 * MINUTE, status=PROCESSING),
        RESTORED_HERE,
    ),
    single("moved to a slower provider", "", change(MINUTE, provider="resemble"), status=PROCESSING, made=11 * MINUTE),
    single(
        "moved to a faster provider",
        "stuck",
        change(MINUTE, provider="inworld"),
        status=PROCESSING,
        made=6 * MINUTE,
        provider="resemble",
    ),
    cloning("poor and used too", "stuck poor", "elevenlabs", HOUR, quality_score=0.5, synthesis_count=2),
    cloning("old and never used", "stuck", "elevenlabs", 30 * DAY),
    cloning("old and unused for a long time", "stuck", "elevenlabs", 90 * DAY, used=80 * DAY, synthesis_count=2),
]
