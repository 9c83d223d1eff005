"""A voice whose cloning failed."""

from __future__ import annotations

from voiceadmin.text import format_age
from voiceadmin.totals.queries import total_sql
from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.provider import provider_label


def _describe(evidence: Evidence) -> str:
    since = evidence.finding.since
    when = "" if since is None else f" {format_age(since, evidence.now)}"
    return f"Cloning failed at {provider_label(evidence.finding.provider)}{when}."


RULE = Rule(
    slug="failed",
    label="Failed",
    rank=20,
    severity=Severity.HIGH,
    remedy="Clone the voice again with better samples, or archive it.",
    condition=lambda _: "voice.status = 'failed'",
    since="voice.status_changed_at",
    fingerprint="CAST(voice.status_changed_at AS TEXT)",
    describe=_describe,
    hint="ix_queue_failed",
    count=lambda scope, _: total_sql("failed", scope),
)
