"""Two voices of one organization with the same id at the same provider."""

from __future__ import annotations

from voiceadmin.organizations.queries import scope_sql
from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.provider import provider_label

_DUPLICATES = (
    "cloned_voice AS other WHERE other.organization_id = voice.organization_id"
    " AND other.provider = voice.provider AND other.provider_voice_id = voice.provider_voice_id"
    " AND other.id <> voice.id AND other.status <> 'archived'"
)


_IS_SHARED = (
    "shared.organization_id = voice.organization_id AND shared.provider = voice.provider"
    " AND shared.provider_voice_id = voice.provider_voice_id"
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
        "voice.status <> 'archived' AND EXISTS (SELECT 1 FROM shared_provider_voice_ref AS shared"
        f" WHERE shared.voices > 1 AND {_IS_SHARED})"
    ),
    since="voice.created_at",
    # The first of the other voices, and how many more there are.
    fingerprint=f"(SELECT CAST(min(other.id) AS TEXT) || '+' || CAST(count(*) - 1 AS TEXT) FROM {_DUPLICATES})",
    describe=_describe,
    source=f"shared_provider_voice_ref AS shared {{join}} cloned_voice AS voice ON shared.voices > 1 AND {_IS_SHARED}",
    count=lambda scope, _: (
        "SELECT provider, sum(voices) FROM shared_provider_voice_ref"
        f" WHERE voices > 1 AND {scope_sql(scope, 'organization_id')} GROUP BY provider"
    ),
)
