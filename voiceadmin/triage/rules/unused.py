"""A ready voice that has not been used for a long time."""

from __future__ import annotations

from voiceadmin.config import AttentionThresholds
from voiceadmin.identity import Scope
from voiceadmin.text import DAY, pluralize
from voiceadmin.totals.queries import old_use_sql, too_new_sql
from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.triage.types import Severity


def _describe(evidence: Evidence) -> str:
    since = evidence.now if evidence.finding.since is None else evidence.finding.since
    return f"Not used for {pluralize((evidence.now - since) // DAY, 'day')}."


def _count_sql(scope: Scope, thresholds: AttentionThresholds) -> str:
    too_new = f"SELECT provider, -voices FROM ({too_new_sql(scope, thresholds)}) AS too_new"
    return f"{old_use_sql(scope)} UNION ALL {too_new}"


RULE = Rule(
    slug="unused",
    label="Unused",
    rank=60,
    severity=Severity.LOW,
    remedy="Archive the voice if it is not needed. Its slot stays in use until it is deleted at the provider.",
    condition=lambda _: (
        "voice.status = 'ready' AND voice.last_used_at IS NOT NULL"
        " AND voice.last_used_at <= :unused_before AND voice.created_at <= :young_before"
    ),
    since="voice.last_used_at",
    fingerprint="CAST(voice.last_used_at AS TEXT)",
    describe=_describe,
    hint="ix_queue_unused",
    count=_count_sql,
)
