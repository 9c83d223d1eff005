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
from voiceadmin.voices.usage import IS_NAMED, IS_USED

CLEAN_UP_RULES = tuple(RULES_BY_SLUG[slug] for slug in CLEAN_UP_REASONS)


# A candidate is not archived, so that a second voice with its reference makes two.
IN_DUPLICATE_REFERENCES = (
    "shared.voices > 1 AND shared.organization_id = voice.organization_id AND shared.provider = voice.provider"
    " AND shared.provider_voice_id = voice.provider_voice_id AND voice.provider_voice_id <> ''"
)
SHARES_REFERENCE = f"EXISTS (SELECT 1 FROM shared_provider_voice_ref AS shared WHERE {IN_DUPLICATE_REFERENCES})"

# Deleting it would free nothing. Only while the lists of the provider are current.
IS_MISSING = build_condition([Verdict.MISSING])
MISSING_VOICES = (
    "voice_verdict AS found CROSS JOIN cloned_voice AS voice"
    f" WHERE found.verdict = 'missing' AND voice.id = found.voice_id AND {IS_MISSING}"
)


def is_candidate(rule: Rule, thresholds: AttentionThresholds) -> str:
    """Return the condition that a plan can archive a voice for the reason of a rule."""
    excluded = (IS_USED, IS_NAMED, SHARES_REFERENCE, IS_MISSING)
    return " AND ".join([is_shown(rule, thresholds), *(f"NOT {condition}" for condition in excluded)])


def in_scope(scope: Scope) -> str:
    """Return the condition that a voice is in a scope, for the parameters of `scope_parameters`."""
    return scope_sql(scope, "voice.organization_id")
