"""An assistant that is set to a voice which cannot speak: callers hear it, so nothing is worse."""

from __future__ import annotations

from voiceadmin.audit.types import ObjectKind
from voiceadmin.triage.rules.rule import ASSISTANTS, Evidence, Rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.provider import provider_label

_AT_PLACE = """organization_id = assistant.organization_id AND provider = assistant.tts_provider
    AND provider_voice_id = assistant.tts_voice_id"""


# When the last of the voices there ceased to be ready; null where none is there any more.
_SINCE = f"(SELECT max(coalesce(archived_at, status_changed_at)) FROM cloned_voice WHERE {_AT_PLACE})"


def _told(evidence: Evidence) -> str:
    voice, provider = evidence.voice, provider_label(evidence.finding.provider)
    if voice is None:
        return f"It is set to a cloned voice at {provider} that is gone."
    return f"It is set to “{voice.name}” at {provider}, which is {voice.status.label.lower()}."


RULE = Rule(
    slug="assistant-unready",
    label="Assistant without its voice",
    rank=10,
    severity=Severity.CRITICAL,
    remedy="Set the assistant to a ready voice, or get this one ready again.",
    kind=ObjectKind.ASSISTANT,
    source=ASSISTANTS,
    # An id that never was a cloned voice here is a stock voice, or one that upstream does not list: no alarm.
    condition=lambda _: (
        "assistant.tts_provider <> '' AND assistant.tts_voice_id <> ''"
        f" AND NOT EXISTS (SELECT 1 FROM cloned_voice WHERE {_AT_PLACE} AND status = 'ready')"
        f" AND (EXISTS (SELECT 1 FROM cloned_voice WHERE {_AT_PLACE})"
        f" OR EXISTS (SELECT 1 FROM former_provider_voice_ref WHERE {_AT_PLACE}))"
    ),
    since=f"coalesce({_SINCE}, :unknown)",
    fingerprint=f"assistant.tts_provider || ' ' || assistant.tts_voice_id || ' ' || coalesce(CAST({_SINCE} AS TEXT), 'gone')",
    told=_told,
)
