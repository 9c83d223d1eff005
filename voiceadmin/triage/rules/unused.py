"""A ready voice that nobody has used for long."""

from __future__ import annotations

from voiceadmin.text import DAY, pluralize
from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.triage.types import Severity


def _told(evidence: Evidence) -> str:
    since = evidence.now if evidence.finding.since is None else evidence.finding.since
    return f"Not used for {pluralize((evidence.now - since) // DAY, 'day')}."


RULE = Rule(
    slug="unused",
    label="Unused",
    rank=60,
    severity=Severity.LOW,
    remedy="Archive it if nobody needs it; it holds a slot until it is deleted at the provider.",
    condition=lambda _: (
        "voice.status = 'ready' AND voice.last_used_at IS NOT NULL"
        " AND voice.last_used_at <= :unused_before AND voice.created_at <= :young_after"
    ),
    since="voice.last_used_at",
    fingerprint="CAST(voice.last_used_at AS TEXT)",
    told=_told,
    hint="ix_queue_unused",
)
