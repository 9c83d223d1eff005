"""Two voices of one organization with the same id at the same provider."""

from __future__ import annotations

from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.provider import provider_label

_TWINS = """cloned_voice AS twin WHERE twin.organization_id = voice.organization_id
    AND twin.provider = voice.provider AND twin.provider_voice_id = voice.provider_voice_id
    AND twin.id <> voice.id AND twin.status <> 'archived'"""


def _told(evidence: Evidence) -> str:
    other, _, more = evidence.finding.fingerprint.partition("+")
    others = f" and {more} more have" if more != "0" else " has"
    return f"Voice {other}{others} the same id at {provider_label(evidence.finding.provider)}."


RULE = Rule(
    slug="duplicate",
    label="Duplicate",
    rank=50,
    severity=Severity.MEDIUM,
    remedy="Archive all but one of them.",
    condition=lambda _: (
        f"voice.status <> 'archived' AND voice.provider_voice_id <> '' AND EXISTS (SELECT 1 FROM {_TWINS})"
    ),
    since="voice.created_at",
    # The first of the others, and how many there are beside it.
    fingerprint=f"(SELECT CAST(min(twin.id) AS TEXT) || '+' || CAST(count(*) - 1 AS TEXT) FROM {_TWINS})",
    told=_told,
    source="""shared_provider_voice_ref AS place {join} cloned_voice AS voice ON voice.organization_id = place.organization_id
        AND voice.provider = place.provider AND voice.provider_voice_id = place.provider_voice_id""",
)
