"""Count findings, and the voices and assistants that need attention."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from voiceadmin.config import AttentionThresholds
from voiceadmin.database.dialect import fetch_all
from voiceadmin.database.types import parse_timestamp
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_parameters
from voiceadmin.triage.queries.conditions import (
    filter_parameters,
    has_no_worse,
    in_scope,
    is_shown,
    match_filters,
    source_sql,
)
from voiceadmin.triage.rules import RULES
from voiceadmin.triage.rules.rule import rule_parameters
from voiceadmin.triage.types import AttentionSummary, QueueFilters
from voiceadmin.voices.queries import is_small_scope

COUNT_LIMIT = 100  # pages show "99+" from here on, so that the database can stop counting


def count_queue(scope: Scope, thresholds: AttentionThresholds, *, now: datetime, limit: int = COUNT_LIMIT) -> int:
    """Return how many voices and assistants need attention; `limit` means that many or more."""
    is_small = is_small_scope(scope)
    selects = (
        f"SELECT 1 FROM {source_sql(rule, is_small=is_small)} WHERE {is_shown(rule, thresholds)}"
        f"{has_no_worse(RULES[:index], rule, thresholds)} AND {in_scope(rule, scope)}"
        for index, rule in enumerate(RULES)
    )
    parameters = {**rule_parameters(thresholds, now), **scope_parameters(scope), "limit": limit}
    rows = fetch_all(f"SELECT count(*) FROM ({' UNION ALL '.join(selects)} LIMIT :limit) AS found", parameters)
    return int(rows[0][0])


def count_reasons(
    scope: Scope, filters: QueueFilters, thresholds: AttentionThresholds, *, now: datetime
) -> dict[str, int]:
    """Return the number of findings of each reason, worst first. An object with two reasons counts under both.

    The reasons and the page of the filters are not considered.
    """
    is_small = is_small_scope(scope, filters.organization)
    # All findings minus the muted ones, because looking up each finding in the table of mutes would be slower: there
    # are few mutes.
    parts = [("count(*)", filters)]
    if not filters.muted:
        parts.append(("-count(*)", replace(filters, muted=True)))
    selects = (
        f"SELECT '{rule.slug}', {count} FROM {source} WHERE {' AND '.join([rule.condition(thresholds), *conditions])}"
        for rule in RULES
        for count, part in parts
        for source, conditions in (match_filters(rule, scope, part, is_small=is_small),)
    )
    counts = dict.fromkeys((rule.slug for rule in RULES), 0)
    for reason, count in fetch_all(" UNION ALL ".join(selects), filter_parameters(scope, filters, thresholds, now)):
        counts[reason] += count
    return counts


def summarize(scope: Scope, thresholds: AttentionThresholds, *, now: datetime) -> AttentionSummary:
    """Return the number of findings of each reason and the age of the oldest, without muted ones."""
    return AttentionSummary(
        counts=count_reasons(scope, QueueFilters(), thresholds, now=now),
        oldest=_find_oldest(scope, thresholds, now),
        object_count=count_queue(scope, thresholds, now=now),
    )


def _find_oldest(scope: Scope, thresholds: AttentionThresholds, now: datetime) -> dict[str, datetime | None]:
    is_small = is_small_scope(scope)
    selects = (
        f"SELECT * FROM (SELECT '{rule.slug}', {rule.since} FROM {source_sql(rule, is_small=is_small)}"
        f" WHERE {is_shown(rule, thresholds)} AND {in_scope(rule, scope)}"
        f" ORDER BY {rule.order_by} LIMIT 1) AS {rule.slug.replace('-', '_')}"
        for rule in RULES
    )
    parameters = {**rule_parameters(thresholds, now), **scope_parameters(scope)}
    oldest: dict[str, datetime | None] = dict.fromkeys((rule.slug for rule in RULES), None)
    for reason, since in fetch_all(" UNION ALL ".join(selects), parameters):
        oldest[reason] = parse_timestamp(since)
    return oldest
