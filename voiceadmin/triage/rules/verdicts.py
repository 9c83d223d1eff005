"""The parts of rules about verdicts: how a voice compares with its provider.

Only verdicts that are valid now and rest on current lists are findings. They are counted row by row: there are as many
rows as findings, and an index finds them by verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from voiceadmin.config import AttentionThresholds
from voiceadmin.database.dialect import forced_order_join
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_sql
from voiceadmin.text import format_age
from voiceadmin.triage.rules.rule import Evidence, Rule
from voiceadmin.voices.types.provider import provider_label
from voiceadmin.voices.types.verdicts import Certainty, Verdict
from voiceadmin.voices.verdicts import ARE_LISTS_CURRENT, IS_VALID

_OF_VOICE = "FROM voice_verdict AS judged WHERE judged.voice_id = voice.id"

SINCE = f"(SELECT judged.since {_OF_VOICE})"

# Mutes store this text: it must not change. It begins with what `build_description` shows.
FINGERPRINT = f"(SELECT judged.verdict || ' ' || judged.certainty || ' ' || CAST(judged.since AS TEXT) {_OF_VOICE})"


def _list_sql(verdicts: Iterable[Verdict]) -> str:
    values = ", ".join(f"'{verdict.value}'" for verdict in verdicts)
    return f"({values})"


def build_condition(verdicts: Iterable[Verdict]) -> str:
    """Return the condition that a voice has one of these verdicts now."""
    return (
        f"EXISTS (SELECT 1 FROM voice_verdict AS judged WHERE {IS_VALID}"
        f" AND judged.verdict IN {_list_sql(verdicts)} AND {ARE_LISTS_CURRENT})"
    )


def build_source(verdicts: Iterable[Verdict]) -> str:
    """Return the tables to read the voices with these verdicts from, see `Rule.source`."""
    return (
        "voice_verdict AS found {join} cloned_voice AS voice"
        f" ON voice.id = found.voice_id AND found.verdict IN {_list_sql(verdicts)}"
    )


def build_count(verdicts: tuple[Verdict, ...]) -> Callable[[Scope, AttentionThresholds], str]:
    """Return the function that returns the SQL of the number of findings, see `Rule.count`."""
    condition, source = build_condition(verdicts), build_source(verdicts)

    def count_sql(scope: Scope, _: AttentionThresholds) -> str:
        return (
            f"SELECT voice.provider, count(*) FROM {source.format(join=forced_order_join())}"
            f" WHERE {condition} AND {scope_sql(scope, 'voice.organization_id')} GROUP BY voice.provider"
        )

    return count_sql


def build_description(sentences: Mapping[Verdict, str]) -> Callable[[Evidence], str]:
    """Return the function that describes a finding.

    Args:
        sentences: by verdict, without a full stop; {provider} is the label of the provider.
    """

    def describe(evidence: Evidence) -> str:
        finding = evidence.finding
        verdict, certainty, *_ = finding.fingerprint.split(" ")
        sentence = sentences[Verdict(verdict)].format(provider=provider_label(finding.provider))
        since = "" if finding.since is None else f", {format_age(finding.since, evidence.now)}"
        return f"{sentence}: {Certainty(certainty).label[0].lower()}{Certainty(certainty).label[1:]}{since}."

    return describe


def build_verdict_rule(sentences: Mapping[Verdict, str], **parts: Any) -> Rule:
    """Return the rule that reports voices with these verdicts.

    Args:
        sentences: by verdict, see `build_description`.
        parts: slug, label, rank, severity and remedy of the rule.
    """
    verdicts = tuple(sentences)
    return Rule(
        condition=lambda _: build_condition(verdicts),
        since=SINCE,
        fingerprint=FINGERPRINT,
        describe=build_description(sentences),
        source=build_source(verdicts),
        count=build_count(verdicts),
        **parts,
    )
