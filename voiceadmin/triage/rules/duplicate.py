"""Two voices of one organization with the same id at the same provider."""

from __future__ import annotations

from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.provider import provider_label

_DUPLICATES = (
    "cloned_voice AS other WHERE other.organization_id = voice.organization_id"
    " AND other.provider = voice.provider AND other.provider_voice_id = voice.provider_voice_id"
    " AND other.id <> voice.id AND other.status <> 'archived'"
)


def _describe(evidence: Evidence) -> str:
    other, _, more = evidence.finding.fingerprint.partition("+")  # see RULE
    others = f" and {more} more have" if more != "0" else " has"
    return f"Voice {other}{others} the same ID at {provider_label(evidence.finding.provider)}."


RULE = Rule(
    slug="duplicate",
    label="Duplicate",
    rank=50,
    severity=Severity.MEDIUM,
    remedy="Archive all but one of these voices.",
    condition=lambda _: (
        f"voice.status <> 'archived' AND voice.provider_voice_id <> '' AND EXISTS (SELECT 1 FROM {_DUPLICATES})"
    ),
    since="voice.created_at",
    # The first of the other voices, and how many more there are.
    fingerprint=f"(SELECT CAST(min(other.id) AS TEXT) || '+' || CAST(count(*) - 1 AS TEXT) FROM {_DUPLICATES})",
    describe=_describe,
    source=(
        "shared_provider_voice_ref AS reference {join} cloned_voice AS voice"
        " ON voice.organization_id = reference.organization_id AND voice.provider = reference.provider"
        " AND voice.provider_voice_id = reference.provider_voice_id"
    ),
)
