"""A voice that has been processing for longer than the cloning timeout of its provider."""

from __future__ import annotations

from voiceadmin.config import AttentionThresholds
from voiceadmin.text import format_duration
from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.provider import provider_label


def _condition(thresholds: AttentionThresholds) -> str:
    cases = "".join(
        f" WHEN :provider_{index} THEN :started_before_{index}" for index in range(len(thresholds.cloning_timeouts))
    )
    latest = f"CASE voice.provider{cases} ELSE :started_before END" if cases else ":started_before"
    return f"voice.status = 'processing' AND voice.status_changed_at <= {latest}"


def _describe(evidence: Evidence) -> str:
    finding = evidence.finding
    timeout = format_duration(evidence.thresholds.cloning_timeout(finding.provider))
    since = evidence.now if finding.since is None else finding.since
    duration = format_duration(evidence.now - since)
    return f"Processing for {duration}; {provider_label(finding.provider)} takes at most {timeout}."


RULE = Rule(
    slug="stuck",
    label="Stuck",
    rank=30,
    severity=Severity.HIGH,
    remedy="Check the voice at the provider, then clone it again or archive it.",
    condition=_condition,
    since="voice.status_changed_at",
    fingerprint="CAST(voice.status_changed_at AS TEXT)",
    describe=_describe,
    hint="ix_queue_stuck",
)
