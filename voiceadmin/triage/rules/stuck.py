"""A voice that has been processing for longer than the cloning timeout of its provider."""

from __future__ import annotations

from voiceadmin.config import AttentionThresholds
from voiceadmin.database.dialect import index_hint
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_sql
from voiceadmin.text import format_duration
from voiceadmin.totals.queries import total_sql
from voiceadmin.triage.rules.rule import VOICES, Evidence, Rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.provider import provider_label

_INDEX = "ix_queue_stuck"


def _condition(thresholds: AttentionThresholds) -> str:
    cases = "".join(
        f" WHEN :provider_{index} THEN :started_before_{index}" for index in range(len(thresholds.cloning_timeouts))
    )
    latest = f"CASE voice.provider{cases} ELSE :started_before END" if cases else ":started_before"
    # The second comparison is one with a constant, which the index can use.
    return (
        f"voice.status = 'processing' AND voice.status_changed_at <= {latest}"
        " AND voice.status_changed_at <= :started_before_shortest"
    )


def _count_sql(scope: Scope, thresholds: AttentionThresholds) -> str:
    """Return SQL of all processing voices minus the few that began recently."""
    return (
        f"{total_sql('processing', scope)} UNION ALL SELECT voice.provider, -count(*)"
        f" FROM {VOICES}{index_hint(_INDEX)} WHERE voice.status = 'processing'"
        f" AND voice.status_changed_at > :started_before_longest AND NOT ({_condition(thresholds)})"
        f" AND {scope_sql(scope, 'voice.organization_id')} GROUP BY voice.provider"
    )


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
    hint=_INDEX,
    count=_count_sql,
)
