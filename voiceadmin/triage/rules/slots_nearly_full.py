"""A source that uses at least 90 % of its slots of a kind."""

from __future__ import annotations

from voiceadmin.text import format_age
from voiceadmin.triage.rules.rule import Evidence, build_source_rule
from voiceadmin.triage.types import QueueSlots, Severity
from voiceadmin.voices.types.provider import provider_label

_SLOTS = "slot_use AS slot WHERE slot.source_id = source.id AND slot.nearly_full_since IS NOT NULL"


def _describe(evidence: Evidence) -> str:
    slots = () if evidence.source is None else evidence.source.slots
    return " ".join(_describe_slots(row, evidence) for row in slots) or "Nearly all slots are used."


def _describe_slots(slots: QueueSlots, evidence: Evidence) -> str:
    by = "counted from the lists" if slots.is_counted else f"told by {provider_label(evidence.finding.provider)}"
    age = format_age(slots.read_at, evidence.now)
    return f"{slots.kind.label}: {slots.used:,} of {slots.limit:,} slots are used, {by} {age}."


RULE = build_source_rule(
    slug="slots-nearly-full",
    label="Slots nearly full",
    rank=45,
    severity=Severity.MEDIUM,
    remedy="Delete voices at the provider that are not needed, or get more slots. Cloning fails when none is free.",
    condition=f"source.account_changed_at IS NULL AND EXISTS (SELECT 1 FROM {_SLOTS})",
    since=f"(SELECT min(slot.nearly_full_since) FROM {_SLOTS})",
    # Another kind that becomes nearly full is a new occurrence.
    fingerprint=f"(SELECT CAST(max(slot.nearly_full_since) AS TEXT) FROM {_SLOTS})",
    describe=_describe,
)
