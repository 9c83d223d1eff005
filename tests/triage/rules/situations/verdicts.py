"""Voices with a stored verdict. The lists of ElevenLabs are current, those of Inworld are three days old."""

from __future__ import annotations

from collections.abc import Sequence

from tests.triage.rules.situations.situation import (
    ARCHIVED_HERE,
    FAILED,
    MINUTE,
    PROCESSING,
    READY,
    Judged,
    Situation,
    change,
    single,
)
from voiceadmin.voices.types.verdicts import Verdict

REASONS = {
    **dict.fromkeys(("missing", "wrong-provider"), "missing"),
    **dict.fromkeys(("broken", "withdrawn", "will-break", "stuck", "drifted"), "drifted"),
}

VERDICTS: Sequence[Situation] = [
    *(
        single(f"judged {verdict.value}", REASONS.get(verdict.value, ""), Judged(verdict.value))
        for verdict in Verdict
        if verdict is not Verdict.ORPHAN
    ),
    single("missing, by an old list", "", Judged("missing"), provider="inworld"),
    single("broken, by an old list", "", Judged("broken"), provider="inworld"),
    single("broken, at a provider without a source", "", Judged("broken"), provider="resemble"),
    single("missing, and then another id", "", Judged("missing"), change(provider_voice_id="other")),
    single("missing, and then at another provider", "", Judged("missing"), change(provider="cartesia")),
    single("missing, and then archived upstream", "", Judged("missing"), change(status="archived")),
    single("missing, and then archived here", "", Judged("missing"), ARCHIVED_HERE),
    single("missing, archived here, and judged", "missing", ARCHIVED_HERE, Judged("missing")),
    single(
        "missing, archived here and judged, and then failed",
        "",
        ARCHIVED_HERE,
        Judged("missing"),
        change(status=FAILED),
    ),
    single("missing, with another name since", "missing", Judged("missing"), change(name="Other")),
    single("missing and failed", "missing failed", Judged("missing"), status=FAILED),
    single("drifted and failed", "failed drifted", Judged("drifted"), status=FAILED),
    single("drifted, and then ready", "", Judged("drifted"), change(status=READY), status=PROCESSING, made=MINUTE),
]
