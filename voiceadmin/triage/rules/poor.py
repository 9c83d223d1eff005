"""A poor score on a voice that is used."""

from __future__ import annotations

from voiceadmin.text import format_score, pluralize
from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.quality import QualityTier


def _told(evidence: Evidence) -> str:
    voice = evidence.voice
    if voice is None or voice.quality_score is None:
        return "Its score is poor, and it is used."
    uses = pluralize(voice.synthesis_count, "synthesis", "syntheses")
    return f"Its score is {format_score(voice.quality_score)}, and it has {uses}."


RULE = Rule(
    slug="poor",
    label="Poor quality",
    rank=40,
    severity=Severity.MEDIUM,
    remedy="Clone it again with better samples, or let its assistants speak with a better voice.",
    condition=lambda _: (
        f"voice.quality_score < {QualityTier.FAIR.low} AND voice.synthesis_count > 0 AND voice.status <> 'archived'"
    ),
    since="voice.created_at",
    fingerprint="CAST(voice.quality_score AS TEXT)",
    told=_told,
    hint="ix_queue_poor",
)
