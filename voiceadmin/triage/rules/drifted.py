"""A voice about which its provider says something else than the platform, so that it does not or will not work."""

from __future__ import annotations

from voiceadmin.triage.rules.verdicts import build_verdict_rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.verdicts import Verdict

_SENTENCES = {
    Verdict.BROKEN: "Ready on the platform, but not at {provider}",
    Verdict.WITHDRAWN: "The stock voice at {provider} is withdrawn",
    Verdict.WILL_BREAK: "{provider} will withdraw the voice",
    Verdict.STUCK: "Cloning at {provider} takes longer than it should",
    Verdict.DRIFTED: "The platform and {provider} give different states",
}


RULE = build_verdict_rule(
    _SENTENCES,
    slug="drifted",
    label="Differs at the provider",
    rank=25,
    severity=Severity.HIGH,
    remedy="Compare the voice with the provider on its page, then repair it there, clone it again or archive it.",
)
