"""The parts of a rule, and the parameters that conditions can name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from voiceadmin.audit.types import ObjectKind
from voiceadmin.config import AttentionThresholds
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_sql
from voiceadmin.sources.types import SourceKind
from voiceadmin.triage.types import Finding, QueueSource, Severity
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.verdicts import MAX_LIST_AGE

VOICES = "cloned_voice AS voice"


ASSISTANTS = "assistant"


SOURCES = "source"


PLATFORM_KINDS = ", ".join(f"'{kind.value}'" for kind in SourceKind if kind.is_platform)  # of sources, in SQL


# Of the objects of each kind: their table with its alias, and their provider.
_TABLES = {ObjectKind.VOICE: VOICES, ObjectKind.ASSISTANT: ASSISTANTS, ObjectKind.SOURCE: SOURCES}
_PROVIDERS = {
    ObjectKind.VOICE: "voice.provider",
    ObjectKind.ASSISTANT: "assistant.tts_provider",
    ObjectKind.SOURCE: f"CASE WHEN source.kind IN ({PLATFORM_KINDS}) THEN '' ELSE source.kind END",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """The data for the description of a finding.

    Attributes:
        voice: None if it no longer exists, and for a source.
        source: None for others.
    """

    finding: Finding
    voice: VoiceRow | None
    thresholds: AttentionThresholds
    now: datetime
    source: QueueSource | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One reason why a voice, an assistant or a source needs attention.

    Attributes:
        slug: in URLs and JSON.
        label: on pages.
        rank: the position in the queue; the smallest is the worst.
        remedy: the recommended action, one or two sentences.
        condition: SQL about `voice`, `assistant` or `source`; it may name the parameters of `rule_parameters`.
        since: SQL of when the finding began, NULL if that is unknown.
        fingerprint: SQL of a text that stays the same as long as it is the same occurrence.
        describe: returns the evidence as a sentence.
        count: returns SQL of the number of all findings in a scope, muted ones included: rows of a provider and a
            number, to be added. It reads totals and not each voice, or only rows that are findings.
        kind: what the rule is about.
        source: the tables to read all findings from. `{join}` joins what follows by lookup, row by row.
        hint: the index of SQLite that has the findings in the order of `since`.
        has_unknown_since: whether `since` can be NULL.
    """

    slug: str
    label: str
    rank: int
    severity: Severity
    remedy: str
    condition: Callable[[AttentionThresholds], str]
    since: str
    fingerprint: str
    describe: Callable[[Evidence], str]
    count: Callable[[Scope, AttentionThresholds], str]
    kind: ObjectKind = ObjectKind.VOICE
    source: str = VOICES
    hint: str = ""
    has_unknown_since: bool = False

    @property
    def alias(self) -> str:
        """The name of the object in SQL."""
        return self.kind.value

    @property
    def table(self) -> str:
        """The table of the objects in SQL, with its alias."""
        return _TABLES[self.kind]

    @property
    def order_by(self) -> str:
        """The order of the findings in SQL: those with an unknown start, then the oldest first."""
        # Only where it is needed: PostgreSQL would not read an index in this order.
        nulls_first = " NULLS FIRST" if self.has_unknown_since else ""
        return f"{self.since}{nulls_first}, {self.alias}.id"

    @property
    def provider(self) -> str:
        """The provider of the object in SQL; an empty text for a source that lists voices of the platform."""
        return _PROVIDERS[self.kind]

    @property
    def is_mute_of_finding(self) -> str:
        """The condition that a row of `mute` is about this object and this reason."""
        return (
            f"mute.object_kind = '{self.kind.value}' AND mute.object_id = {self.alias}.id"
            f" AND mute.reason = '{self.slug}'"
        )

    @property
    def is_mute_in_force(self) -> str:
        """The condition that such a row is about the same occurrence and has not ended."""
        return f"mute.fingerprint = {self.fingerprint} AND (mute.until IS NULL OR mute.until > :now)"


def build_source_rule(condition: str, **parts: Any) -> Rule:
    """Return a rule about enabled sources. Each page reads all sources of its scope, of which there are few."""
    is_found = f"source.disabled_at IS NULL AND {condition}"
    provider = _PROVIDERS[ObjectKind.SOURCE]
    return Rule(
        kind=ObjectKind.SOURCE,
        source=SOURCES,
        condition=lambda _: is_found,
        count=lambda scope, _: (
            f"SELECT {provider}, count(*) FROM source"
            f" WHERE {is_found} AND {scope_sql(scope, 'source.organization_id')} GROUP BY {provider}"
        ),
        **parts,
    )


def rule_parameters(thresholds: AttentionThresholds, now: datetime) -> dict[str, Any]:
    """Return all parameters that conditions of rules can name."""
    timeouts = {
        f"started_before_{index}": now - timeout for index, (_, timeout) in enumerate(thresholds.cloning_timeouts)
    }
    providers = {f"provider_{index}": provider for index, (provider, _) in enumerate(thresholds.cloning_timeouts)}
    shortest, longest = thresholds.shortest_and_longest_timeout
    return {
        "now": now,
        "lists_before": now - MAX_LIST_AGE,
        **_idle_parameters("unused", now - thresholds.unused),
        **_idle_parameters("young", now - thresholds.minimum_age),
        "started_before": now - thresholds.other,
        "started_before_shortest": now - shortest,
        "started_before_longest": now - longest,
        **timeouts,
        **providers,
    }


def _idle_parameters(name: str, before: datetime) -> dict[str, Any]:
    """Return a threshold with its UTC day, as a text and as the time at which that day began."""
    start = before.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return {f"{name}_before": before, f"{name}_day": start.date().isoformat(), f"{name}_day_start": start}
