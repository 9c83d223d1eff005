"""A voice that its provider does not have, although the platform names it."""

from __future__ import annotations

from voiceadmin.triage.rules.verdicts import build_verdict_rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.verdicts import Verdict

_SENTENCES = {
    Verdict.MISSING: "{provider} does not have the voice",
    Verdict.WRONG_PROVIDER: "Another provider than {provider} has the voice",
}


RULE = build_verdict_rule(
    _SENTENCES,
    slug="missing",
    label="Missing at the provider",
    rank=15,
    severity=Severity.CRITICAL,
    remedy="Clone the voice again, and set the assistants that use it to the new one.",
)
