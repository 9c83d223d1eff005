"""A source through which deletions were sent to the provider whose result is not known."""

from __future__ import annotations

from voiceadmin.text import pluralize
from voiceadmin.triage.rules.rule import Evidence, build_source_rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.provider import provider_label

# A voice that a person has marked as deleted at its provider is decided.
UNCONFIRMED = (
    "deletion_item AS item WHERE item.source_id = source.id AND item.state = 'unconfirmed'"
    " AND NOT EXISTS (SELECT 1 FROM clean_up_item AS planned JOIN provider_deletion AS marked"
    " ON marked.voice_id = planned.voice_id AND marked.provider_voice_id = item.provider_voice_id"
    " WHERE planned.plan_id = item.plan_id AND planned.position = item.position)"
)


def _describe(evidence: Evidence) -> str:
    count = 0 if evidence.source is None else evidence.source.unconfirmed_count
    deletions = pluralize(count, "deletion") if count else "Deletions"
    are = "is" if count == 1 else "are"
    return f"{deletions} at {provider_label(evidence.finding.provider)} {are} not confirmed."


RULE = build_source_rule(
    slug="deletion-unconfirmed",
    label="Deletion not confirmed",
    rank=42,
    severity=Severity.MEDIUM,
    remedy="Open Clean-up, and select Check again: the voices may still exist and cost money.",
    condition=f"EXISTS (SELECT 1 FROM {UNCONFIRMED})",
    since=f"(SELECT min(item.sent_at) FROM {UNCONFIRMED})",
    # Another deletion that is not confirmed is a new occurrence.
    fingerprint=f"(SELECT CAST(max(item.sent_at) AS TEXT) FROM {UNCONFIRMED})",
    describe=_describe,
)
