"""Processing for longer than the provider may take."""

from __future__ import annotations

from voiceadmin.config import AttentionThresholds
from voiceadmin.text import format_duration
from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.provider import provider_label


def _condition(limits: AttentionThresholds) -> str:
    cases = "".join(f" WHEN :provider{number} THEN :budget{number}" for number in range(len(limits.cloning_timeouts)))
    latest = f"CASE voice.provider{cases} ELSE :other_budget END" if cases else ":other_budget"
    return f"voice.status = 'processing' AND voice.status_changed_at <= {latest}"


def _told(evidence: Evidence) -> str:
    finding = evidence.finding
    budget = format_duration(evidence.limits.cloning_timeout(finding.provider))
    since = evidence.now if finding.since is None else finding.since
    return f"Processing for {format_duration(evidence.now - since)}; {provider_label(finding.provider)} takes {budget} at most."


RULE = Rule(
    slug="stuck",
    label="Stuck",
    rank=30,
    severity=Severity.HIGH,
    remedy="Look at it at the provider; clone it again or archive it.",
    condition=_condition,
    since="voice.status_changed_at",
    fingerprint="CAST(voice.status_changed_at AS TEXT)",
    told=_told,
    hint="ix_queue_stuck",
)
