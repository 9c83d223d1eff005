"""A source that lists voices of ours that take slots, although no voice of any organization names them."""

from __future__ import annotations

from voiceadmin.text import format_age, pluralize
from voiceadmin.triage.rules.rule import Evidence, build_source_rule
from voiceadmin.triage.types import Severity


def _describe(evidence: Evidence) -> str:
    source = evidence.source
    if source is None or source.read_at is None:
        return "Voices that no organization names take slots."
    voices = pluralize(source.orphan_count or 0, "voice")
    verb = "takes a slot" if source.orphan_count == 1 else "take slots"
    return f"{voices} that no organization names {verb}, as of {format_age(source.read_at, evidence.now)}."


RULE = build_source_rule(
    slug="orphans",
    label="Orphans",
    rank=65,
    severity=Severity.LOW,
    remedy="Open the source to see these voices. Delete those at the provider that are not needed.",
    condition="source.account_changed_at IS NULL AND source.orphan_count > 0",
    since="source.orphans_since",
    # Another number of orphans is a new occurrence.
    fingerprint="CAST(source.orphan_count AS TEXT) || ' ' || CAST(source.orphans_since AS TEXT)",
    describe=_describe,
)
