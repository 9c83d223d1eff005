"""A voice that is used although its quality score is poor."""

from __future__ import annotations

from voiceadmin.text import format_score, pluralize
from voiceadmin.totals.queries import total_sql
from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.quality import QualityTier


def _describe(evidence: Evidence) -> str:
    voice = evidence.voice
    if voice is None or voice.quality_score is None:
        return "The quality score is poor, and the voice is used."
    uses = pluralize(voice.synthesis_count, "synthesis", "syntheses")
    return f"The quality score is {format_score(voice.quality_score)}, and the voice has {uses}."


RULE = Rule(
    slug="poor",
    label="Poor quality",
    rank=40,
    severity=Severity.MEDIUM,
    remedy="Clone the voice again with better samples, or set its assistants to a better voice.",
    condition=lambda _: (
        f"voice.quality_score < {QualityTier.FAIR.low} AND voice.synthesis_count > 0 AND voice.status <> 'archived'"
    ),
    since="voice.created_at",
    fingerprint="CAST(voice.quality_score AS TEXT)",
    describe=_describe,
    hint="ix_queue_poor",
    count=lambda scope, _: total_sql("poor_in_use", scope),
)
