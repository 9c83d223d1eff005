"""A source whose key belongs to another account than before."""

from __future__ import annotations

from voiceadmin.triage.rules.rule import build_source_rule
from voiceadmin.triage.types import Severity

RULE = build_source_rule(
    slug="account-changed",
    label="Account changed",
    rank=16,
    severity=Severity.HIGH,
    remedy="Open the source. Give it its former key, or accept the new account.",
    condition="source.account_changed_at IS NOT NULL",
    since="source.account_changed_at",
    fingerprint="CAST(source.account_changed_at AS TEXT)",
    describe=lambda _: "The key belongs to another account than before. Nothing is concluded from its lists.",
)
