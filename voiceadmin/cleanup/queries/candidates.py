"""Select the voices that a plan can archive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy.sql.selectable import TextualSelect

from voiceadmin.audit.types import ObjectKind, ObjectRef
from voiceadmin.cleanup.models import CleanUpItem
from voiceadmin.cleanup.queries.conditions import in_scope, is_candidate
from voiceadmin.cleanup.types.candidates import Candidate, CleanUpFilters
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.base import db
from voiceadmin.database.dialect import bind_parameters, fetch_all
from voiceadmin.database.types import UtcTime
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import list_organizations, scope_parameters
from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.text import MAX_ID, format_iso8601
from voiceadmin.triage.queries.conditions import source_sql
from voiceadmin.triage.queries.items import list_queue_items
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.triage.rules.rule import Evidence, Rule, rule_parameters
from voiceadmin.triage.types import Finding
from voiceadmin.voices.json_body import FIELDS
from voiceadmin.voices.queries import is_small_scope
from voiceadmin.voices.types.rows import VoiceRow
from voiceadmin.voices.types.status import VoiceStatus

ITEM_COLUMNS = (
    "plan_id",
    "position",
    "voice_id",
    "organization_id",
    "provider",
    "reason",
    "fingerprint",
    "since",
    "json_body",
    "state",
    "skip_reason",
)
CANDIDATE_FIELDS = ("reason", "evidence", "organization_id", "organization", *FIELDS, "counted_at")


def list_candidates(
    scope: Scope, filters: CleanUpFilters, thresholds: AttentionThresholds, *, now: datetime, limit: int
) -> list[Candidate]:
    """Return the first voices of a plan with these filters."""
    rows = fetch_all(
        _select_candidates(scope, filters, thresholds, limit=limit), _parameters(scope, filters, thresholds, now)
    )
    reasons = {row.voice_id: row.reason for row in rows}
    lines = list_queue_items([ObjectRef(ObjectKind.VOICE, id) for id in reasons], thresholds, now=now)
    return [
        Candidate(line.voice, line.organization_id, line.organization_name or "", detail.evidence)
        for line in lines
        if line.voice is not None and line.organization_id is not None
        for detail in line.reasons
        if detail.finding.reason == reasons[line.ref.id]
    ]


def export_candidates(
    scope: Scope, filters: CleanUpFilters, thresholds: AttentionThresholds, format: ExportFormat, *, now: datetime
) -> Iterator[str]:
    """Yield the text of a file of all candidates, in the order of plans."""
    names = list_organizations(scope)
    statement, parameters = bind_parameters(
        _select_candidates(scope, filters, thresholds, limit=MAX_ID), _parameters(scope, filters, thresholds, now)
    )
    rows = db.session.execute(statement.columns(since=UtcTime), parameters, execution_options={"yield_per": 1000})
    records = (
        {
            "reason": row.reason,
            "evidence": describe_evidence(row, parse_stored_voice(row.json_body), thresholds, now),
            "organization_id": row.organization_id,
            "organization": names.get(row.organization_id),
            **json.loads(row.json_body),
            "counted_at": format_iso8601(now),
        }
        for row in rows
    )
    return format_records(CANDIDATE_FIELDS, records, format)


def select_items(
    plan_id: int,
    scope: Scope,
    filters: CleanUpFilters,
    thresholds: AttentionThresholds,
    *,
    now: datetime,
    limit: int,
) -> tuple[TextualSelect, dict[str, Any]]:
    """Return a SELECT of the candidates as the ITEM_COLUMNS of a plan, and its parameters."""
    candidates = _select_candidates(scope, filters, thresholds, limit=limit)
    sql = (
        "SELECT CAST(:plan AS bigint) AS plan_id, row_number() OVER (ORDER BY rank, since, voice_id) AS position,"
        " voice_id, organization_id, provider, reason, fingerprint, since, json_body,"
        f" 'pending' AS state, '' AS skip_reason FROM ({candidates}) AS candidate"
    )
    statement, parameters = bind_parameters(sql, _parameters(scope, filters, thresholds, now) | {"plan": plan_id})
    return statement.columns(*(getattr(CleanUpItem, name) for name in ITEM_COLUMNS)), parameters


def parse_stored_voice(json_body: str) -> VoiceRow:
    """Return a voice from the JSON that the database wrote; it needs no validation."""
    facts = json.loads(json_body)
    times = {name: facts[name] and datetime.fromisoformat(facts[name]) for name in ("created_at", "last_used_at")}
    return VoiceRow(**(facts | times | {"status": VoiceStatus(facts["status"])}))


def describe_evidence(item: Any, voice: VoiceRow, thresholds: AttentionThresholds, now: datetime) -> str:
    """Return the sentence that explains why a candidate or an item of a plan can be archived."""
    finding = Finding(
        item.reason,
        ObjectKind.VOICE,
        item.voice_id,
        item.organization_id,
        item.provider,
        item.since,
        item.fingerprint,
    )
    return RULES_BY_SLUG[item.reason].describe(Evidence(finding, voice, thresholds, now))


def _select_candidates(scope: Scope, filters: CleanUpFilters, thresholds: AttentionThresholds, *, limit: int) -> str:
    """Return SQL of the candidates, in the order of plans."""
    conditions = [in_scope(scope)]
    if filters.organization is not None:
        conditions.append("voice.organization_id = :organization")
    if filters.providers:
        conditions.append("voice.provider IN :providers")
    is_small = is_small_scope(scope, filters.organization)
    parts = (
        f"SELECT * FROM ({_select_of_rule(rank, RULES_BY_SLUG[slug], thresholds, conditions, is_small=is_small)}"
        f" ORDER BY since, voice_id LIMIT {limit:d}) AS part{rank}"
        for rank, slug in enumerate(filters.selected_reasons)
    )
    return f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS candidate ORDER BY rank, since, voice_id LIMIT {limit:d}"


def _select_of_rule(
    rank: int, rule: Rule, thresholds: AttentionThresholds, conditions: list[str], *, is_small: bool
) -> str:
    return (
        f"SELECT {rank} AS rank, voice.id AS voice_id, voice.organization_id AS organization_id,"
        f" voice.provider AS provider, '{rule.slug}' AS reason, {rule.fingerprint} AS fingerprint,"
        f" {rule.since} AS since, voice.json_body AS json_body"
        f" FROM {source_sql(rule, is_small=is_small)}"
        f" WHERE {is_candidate(rule, thresholds)} AND {' AND '.join(conditions)}"
    )


def _parameters(
    scope: Scope, filters: CleanUpFilters, thresholds: AttentionThresholds, now: datetime
) -> dict[str, Any]:
    selected = {"organization": filters.organization, "providers": list(filters.providers)}
    return rule_parameters(thresholds, now) | scope_parameters(scope) | selected
