"""SQL conditions on `cloned_voice AS voice` that candidates and rechecks share."""

from __future__ import annotations

from voiceadmin.cleanup.types.candidates import CLEAN_UP_REASONS
from voiceadmin.database.dialect import index_hint
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_sql
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.triage.rules.rule import Rule

CLEAN_UP_RULES = tuple(RULES_BY_SLUG[slug] for slug in CLEAN_UP_REASONS)


def _same_reference(table: str, provider: str, provider_voice_id: str) -> str:
    """Return the condition that a row refers to the same voice at the provider. An empty id refers to no voice."""
    return (
        f"{table}.organization_id = voice.organization_id AND {table}.{provider} = voice.provider"
        f" AND {table}.{provider_voice_id} = voice.provider_voice_id AND voice.provider_voice_id <> ''"
    )


USED_BY_ASSISTANT = _same_reference("assistant", "tts_provider", "tts_voice_id")
IN_SHARED_REFERENCES = _same_reference("reference", "provider", "provider_voice_id")
_SAME_AS_OTHER = _same_reference("other", "provider", "provider_voice_id")
IS_IN_USE = f"EXISTS (SELECT 1 FROM assistant WHERE {USED_BY_ASSISTANT})"
SHARES_REFERENCE = (
    "EXISTS (SELECT 1 FROM cloned_voice AS other"
    f" WHERE {_SAME_AS_OTHER} AND other.id <> voice.id AND other.status <> 'archived')"
)


def is_muted(rule: Rule) -> str:
    """Return the condition that the finding of a rule is acknowledged or snoozed."""
    return f"EXISTS (SELECT 1 FROM mute WHERE {rule.is_mute_of_finding} AND {rule.is_mute_in_force})"


def voices_of_rule(rule: Rule, *, is_small_scope: bool) -> str:
    """Return the table to read the voices of a rule from.

    A large scope is read by the rule's partial index; a small one by the organization's index, because the partial
    index spans all organizations.
    """
    return rule.table + ("" if is_small_scope else index_hint(rule.hint))


def in_scope(scope: Scope) -> str:
    """Return the condition that a voice is in a scope, for the parameters of `scope_parameters`."""
    return scope_sql(scope, "voice.organization_id")
