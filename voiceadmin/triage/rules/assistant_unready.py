"""An assistant whose cloned voice is not ready. It is the worst reason, because callers notice it."""

from __future__ import annotations

from voiceadmin.audit.types import ObjectKind
from voiceadmin.database.dialect import index_hint
from voiceadmin.organizations.queries import scope_sql
from voiceadmin.triage.rules.rule import ASSISTANTS, Evidence, Rule
from voiceadmin.triage.types import Severity
from voiceadmin.voices.types.provider import provider_label


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
    condition=lambda _: "assistant.is_unready",
    hint="ix_assistant_unready_since",
    count=lambda scope, _: (
        f"SELECT tts_provider, count(*) FROM assistant{index_hint('ix_assistant_unready')}"
        f" WHERE is_unready AND {scope_sql(scope, 'organization_id')} GROUP BY tts_provider"
    ),
    since="assistant.unready_since",
    has_unknown_since=True,
    # Mutes store this text: it must not change.
    fingerprint=(
        "assistant.tts_provider || ' ' || assistant.tts_voice_id"
        " || ' ' || coalesce(CAST(assistant.unready_since AS TEXT), 'gone')"
    ),
    describe=_describe,
)
