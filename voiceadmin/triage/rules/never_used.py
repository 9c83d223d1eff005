"""A ready voice that was never used, though it is not minimum_age."""

from __future__ import annotations

from voiceadmin.text import DAY, pluralize
from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.triage.types import Severity


def _told(evidence: Evidence) -> str:
    since = evidence.now if evidence.finding.since is None else evidence.finding.since
    return f"Made {pluralize((evidence.now - since) // DAY, 'day')} ago, and never used."


RULE = Rule(
    slug="never-used",
    label="Never used",
    rank=70,
    severity=Severity.LOW,
    remedy="Archive it if nobody needs it; it holds a slot until it is deleted at the provider.",
    condition=lambda _: (
        "voice.status = 'ready' AND voice.last_used_at IS NULL AND voice.synthesis_count = 0"
        " AND voice.created_at <= :young_after"
    ),
    since="voice.created_at",
    fingerprint="CAST(voice.created_at AS TEXT)",
    told=_told,
    hint="ix_queue_never",
)
