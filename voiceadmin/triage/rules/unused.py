"""A ready voice that has not been used for a long time."""

from __future__ import annotations

from voiceadmin.text import DAY, pluralize
from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.triage.types import Severity


def _describe(evidence: Evidence) -> str:
    since = evidence.now if evidence.finding.since is None else evidence.finding.since
    return f"Not used for {pluralize((evidence.now - since) // DAY, 'day')}."


RULE = Rule(
    slug="unused",
    label="Unused",
    rank=60,
    severity=Severity.LOW,
    remedy="Archive the voice if it is not needed. Its slot stays in use until it is deleted at the provider.",
    condition=lambda _: (
        "voice.status = 'ready' AND voice.last_used_at IS NOT NULL"
        " AND voice.last_used_at <= :unused_before AND voice.created_at <= :young_after"
    ),
    since="voice.last_used_at",
    fingerprint="CAST(voice.last_used_at AS TEXT)",
    describe=_describe,
    hint="ix_queue_unused",
)
