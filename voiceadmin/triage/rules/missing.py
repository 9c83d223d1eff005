"""A voice that its provider does not have, although the platform names it."""

from __future__ import annotations

from voiceadmin.triage.rules.rule import Rule
from voiceadmin.triage.rules.verdicts import (
    FINGERPRINT,
    SINCE,
    build_condition,
    build_count,
    build_description,
    build_source,
)
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.verdicts import Verdict

_SENTENCES = {
    Verdict.MISSING: "{provider} does not have the voice",
    Verdict.WRONG_PROVIDER: "Another provider than {provider} has the voice",
}

_VERDICTS = tuple(_SENTENCES)


RULE = Rule(
    slug="missing",
    label="Missing at the provider",
    rank=15,
    severity=Severity.CRITICAL,
    remedy="Clone the voice again, and set the assistants that use it to the new one.",
    condition=lambda _: build_condition(_VERDICTS),
    since=SINCE,
    fingerprint=FINGERPRINT,
    describe=build_description(_SENTENCES),
    source=build_source(_VERDICTS),
    count=build_count(_VERDICTS),
)
