"""What a reason consists of, and what all of them can compare with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from voiceadmin.audit.types import ObjectKind
from voiceadmin.config import AttentionThresholds
from voiceadmin.triage.types import Finding, Severity
from voiceadmin.voices.types.rows import VoiceRow

UNKNOWN = datetime(1, 1, 1, tzinfo=UTC)  # stands for a beginning that nobody knows, before all others


VOICES = "cloned_voice AS voice"


ASSISTANTS = "assistant"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a sentence about a finding is made of. voice: None where it is gone."""

    finding: Finding
    voice: VoiceRow | None
    limits: AttentionThresholds
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One reason.

    slug: in addresses and JSON. label: for people. rank: its place in the
    queue, the worst is first. remedy: what mends it. condition: SQL about `voice`, or
    about `assistant` if that is the kind; it may name the values of `values`. since, fingerprint: SQL
    of when it began, and of what stays the same as long as it is the same
    reason. source: the tables to read all of them from; `{join}` in it looks up what
    follows for each row of what precedes. hint: the index of SQLite that has them in
    the order of `since`. told: the sentence with its figures.
    """

    slug: str
    label: str
    rank: int
    severity: Severity
    remedy: str
    condition: Callable[[AttentionThresholds], str]
    since: str
    fingerprint: str
    told: Callable[[Evidence], str]
    kind: ObjectKind = ObjectKind.VOICE
    source: str = VOICES
    hint: str = ""

    @property
    def ref(self) -> str:
        """The name in SQL of what it is about."""
        return self.kind.value

    @property
    def table(self) -> str:
        """The table in SQL of what it is about."""
        return VOICES if self.kind is ObjectKind.VOICE else ASSISTANTS

    @property
    def provider(self) -> str:
        """The provider in SQL."""
        return "voice.provider" if self.kind is ObjectKind.VOICE else "assistant.tts_provider"

    @property
    def quiet(self) -> str:
        """The condition that a row of `quiet` is about it."""
        return (
            f"mute.object_kind = '{self.kind.value}' AND mute.object_id = {self.ref}.id AND mute.reason = '{self.slug}'"
        )

    @property
    def same(self) -> str:
        """The condition that such a row is about this very reason, and that its time is not over."""
        return f"mute.fingerprint = {self.fingerprint} AND (mute.until IS NULL OR mute.until > :now)"


def values(limits: AttentionThresholds, now: datetime) -> dict[str, Any]:
    """Whatever a condition may name."""
    cloning_timeouts = {f"budget{number}": now - span for number, (_, span) in enumerate(limits.cloning_timeouts)}
    providers = {f"provider{number}": provider for number, (provider, _) in enumerate(limits.cloning_timeouts)}
    return {
        "now": now,
        "unused_before": now - limits.unused,
        "young_after": now - limits.minimum_age,
        "other_budget": now - limits.other,
        "unknown": UNKNOWN,
        **cloning_timeouts,
        **providers,
    }
