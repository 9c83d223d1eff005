"""A source whose newest list lacks so many voices that it is not believed until a person decides."""

from __future__ import annotations

from voiceadmin.sources.breaker import WITHHELD
from voiceadmin.triage.rules.rule import Evidence, build_source_rule
from voiceadmin.triage.types import Severity

# Lists that are not believed because of their account withhold nothing: '{}'.
IS_WITHHELD = (
    "EXISTS (SELECT 1 FROM provider_listing AS listing WHERE listing.source_id = source.id"
    " AND listing.withheld <> '' AND listing.withheld <> '{}')"
)


def _describe(evidence: Evidence) -> str:
    message = "" if evidence.source is None else evidence.source.failure.partition(f": {WITHHELD}")[0]
    lacking = f"Missing at once: {message}." if message else "Too many voices are missing at once."
    return f"{lacking} A person must decide whether to believe the list."


RULE = build_source_rule(
    slug="list-withheld",
    label="List not believed",
    rank=18,
    severity=Severity.HIGH,
    remedy=(
        "Open the source and look at what the list lacks. If these voices were deleted, select Believe this list;"
        " otherwise correct the key or the workspace."
    ),
    condition=f"source.account_changed_at IS NULL AND source.failing_since IS NOT NULL AND {IS_WITHHELD}",
    since="source.failing_since",
    fingerprint="CAST(source.failing_since AS TEXT)",
    describe=_describe,
)
