"""An assistant whose cloned voice is not ready. It is the worst reason, because callers notice it."""

from __future__ import annotations

from voiceadmin.audit.types import ObjectKind
from voiceadmin.triage.rules.rule import ASSISTANTS, Evidence, Rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.provider import provider_label

_HAS_REFERENCE = (
    "organization_id = assistant.organization_id AND provider = assistant.tts_provider"
    " AND provider_voice_id = assistant.tts_voice_id"
)


# When the last voice with this reference stopped being ready; NULL if none exists.
_SINCE = f"(SELECT max(coalesce(archived_at, status_changed_at)) FROM cloned_voice WHERE {_HAS_REFERENCE})"


def _describe(evidence: Evidence) -> str:
    voice, provider = evidence.voice, provider_label(evidence.finding.provider)
    if voice is None:
        return f"Set to a cloned voice at {provider} that no longer exists."
    return f"Set to “{voice.name}” at {provider}, which is {voice.status.label.lower()}."


RULE = Rule(
    slug="assistant-unready",
    label="Assistant without a ready voice",
    rank=10,
    severity=Severity.CRITICAL,
    remedy="Set the assistant to a ready voice in the platform, or make this voice ready again.",
    kind=ObjectKind.ASSISTANT,
    source=ASSISTANTS,
    # An id that was never a cloned voice here is a stock voice, or one that upstream does not list: not a finding.
    condition=lambda _: (
        "assistant.tts_provider <> '' AND assistant.tts_voice_id <> ''"
        f" AND NOT EXISTS (SELECT 1 FROM cloned_voice WHERE {_HAS_REFERENCE} AND status = 'ready')"
        f" AND (EXISTS (SELECT 1 FROM cloned_voice WHERE {_HAS_REFERENCE})"
        f" OR EXISTS (SELECT 1 FROM former_provider_voice_ref WHERE {_HAS_REFERENCE}))"
    ),
    since=_SINCE,
    has_unknown_since=True,
    fingerprint=(
        f"assistant.tts_provider || ' ' || assistant.tts_voice_id || ' ' || coalesce(CAST({_SINCE} AS TEXT), 'gone')"
    ),
    describe=_describe,
)
