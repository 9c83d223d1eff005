"""Find all findings of given voices, assistants and sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.dialect import fetch_all
from voiceadmin.database.types import parse_timestamp
from voiceadmin.triage.rules import RULES, RULES_BY_SLUG
from voiceadmin.triage.rules.rule import rule_parameters
from voiceadmin.triage.types import Finding


def find_findings(
    refs: Iterable[ObjectRef], thresholds: AttentionThresholds, *, now: datetime
) -> dict[ObjectRef, list[Finding]]:
    """Return all findings about each object, worst first, muted ones included.

    The caller has checked that the requester may see these objects.
    """
    findings: dict[ObjectRef, list[Finding]] = {ref: [] for ref in refs}
    for kind in dict.fromkeys(rule.kind for rule in RULES):
        ids = [ref.id for ref in findings if ref.kind is kind]
        for batch in split_into_batches(ids):
            for finding in _find_by_id(kind, batch, thresholds, now):
                findings[finding.ref].append(finding)
    return findings


def _find_by_id(kind: ObjectKind, ids: Sequence[int], thresholds: AttentionThresholds, now: datetime) -> list[Finding]:
    selects = (
        f"SELECT '{rule.slug}', {rule.alias}.id, {rule.alias}.organization_id, {rule.provider}, {rule.since},"
        f" {rule.fingerprint} FROM {rule.table} WHERE {rule.alias}.id IN :ids AND {rule.condition(thresholds)}"
        for rule in RULES
        if rule.kind is kind
    )
    rows = fetch_all(" UNION ALL ".join(selects), rule_parameters(thresholds, now) | {"ids": list(ids)})
    findings = (
        Finding(reason, kind, id, organization_id, provider, parse_timestamp(since), fingerprint)
        for reason, id, organization_id, provider, since, fingerprint in rows
    )
    return sorted(findings, key=lambda finding: RULES_BY_SLUG[finding.reason].rank)
