"""A ready voice that was never used although it is old enough."""

from __future__ import annotations

from voiceadmin.text import DAY, pluralize
from voiceadmin.totals.queries import never_used_sql
from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.triage.types import Severity


def _describe(evidence: Evidence) -> str:
    since = evidence.now if evidence.finding.since is None else evidence.finding.since
    return f"Created {pluralize((evidence.now - since) // DAY, 'day')} ago, never used."


RULE = Rule(
    slug="never-used",
    label="Never used",
    rank=70,
    severity=Severity.LOW,
    remedy="Archive the voice if it is not needed. Its slot stays in use until it is deleted at the provider.",
    condition=lambda _: (
        "voice.status = 'ready' AND voice.last_used_at IS NULL AND voice.synthesis_count = 0"
        " AND voice.created_at <= :young_before"
    ),
    since="voice.created_at",
    fingerprint="CAST(voice.created_at AS TEXT)",
    describe=_describe,
    hint="ix_queue_never",
    count=lambda scope, _: never_used_sql(scope),
)
