"""SQL conditions on `cloned_voice AS voice` that candidates and rechecks share."""

from __future__ import annotations

from voiceadmin.cleanup.types.candidates import CLEAN_UP_REASONS
from voiceadmin.config import AttentionThresholds
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_sql
from voiceadmin.triage.queries.conditions import is_shown
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.triage.rules.rule import Rule
from voiceadmin.triage.rules.verdicts import build_condition
from voiceadmin.voices.types.verdicts import Verdict

CLEAN_UP_RULES = tuple(RULES_BY_SLUG[slug] for slug in CLEAN_UP_REASONS)


def same_reference(table: str, provider: str, provider_voice_id: str) -> str:
    """Return the condition that a row refers to the same voice at the provider. An empty id refers to no voice."""
    return (
        f"{table}.organization_id = voice.organization_id AND {table}.{provider} = voice.provider"
        f" AND {table}.{provider_voice_id} = voice.provider_voice_id AND voice.provider_voice_id <> ''"
    )


USED_BY_ASSISTANT = same_reference("assistant", "tts_provider", "tts_voice_id")
# A candidate is not archived, so that a second voice with its reference makes two.
IN_DUPLICATE_REFERENCES = f"shared.voices > 1 AND {same_reference('shared', 'provider', 'provider_voice_id')}"
IS_IN_USE = f"EXISTS (SELECT 1 FROM assistant WHERE {USED_BY_ASSISTANT})"
SHARES_REFERENCE = f"EXISTS (SELECT 1 FROM shared_provider_voice_ref AS shared WHERE {IN_DUPLICATE_REFERENCES})"

# Deleting it would free nothing. Only while the lists of the provider are current.
IS_MISSING = build_condition([Verdict.MISSING])
MISSING_VOICES = (
    "voice_verdict AS found CROSS JOIN cloned_voice AS voice"
    f" WHERE found.verdict = 'missing' AND voice.id = found.voice_id AND {IS_MISSING}"
)


def is_candidate(rule: Rule, thresholds: AttentionThresholds) -> str:
    """Return the condition that a plan can archive a voice for the reason of a rule."""
    return f"{is_shown(rule, thresholds)} AND NOT {IS_IN_USE} AND NOT {SHARES_REFERENCE} AND NOT {IS_MISSING}"


def in_scope(scope: Scope) -> str:
    """Return the condition that a voice is in a scope, for the parameters of `scope_parameters`."""
    return scope_sql(scope, "voice.organization_id")
