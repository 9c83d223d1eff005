"""Count findings, and the voices, assistants and sources that need attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from voiceadmin.triage.rules.rule import Rule, rule_parameters
from voiceadmin.triage.types import ANY_ASSIGNEE, UNASSIGNED, AttentionSummary, QueueFilters
from voiceadmin.voices.queries import is_small_scope

COUNT_LIMIT = 100  # pages show "99+" from here on, so that the database can stop counting


def count_queue(
    scope: Scope,
    thresholds: AttentionThresholds,
    *,
    now: datetime,
    limit: int = COUNT_LIMIT,
    reason_counts: Mapping[str, int] | None = None,
) -> int:
    """Return how many voices, assistants and sources need attention; `limit` means that many or more.

    Args:
        reason_counts: the findings of the scope by reason if they are known. Findings are read then only if fewer
            than `limit` have the same reason.
    """
    counts = dict.fromkeys((rule.slug for rule in RULES), 1) if reason_counts is None else reason_counts
    if not any(counts.values()):
        return 0
    if max(counts.values()) >= limit:
        return limit
    is_small, found = is_small_scope(scope), 0
    parameters = {**rule_parameters(thresholds, now), **scope_parameters(scope)}
    # One statement for each reason: the first two or three are usually enough, and PostgreSQL plans a small one faster.
    for index, rule in enumerate(RULES):
        if counts[rule.slug] and found < limit:
            select = (
                f"SELECT 1 FROM {source_sql(rule, is_small=is_small)} WHERE {is_shown(rule, thresholds)}"
                f"{has_no_worse(RULES[:index], rule, thresholds)} AND {in_scope(rule, scope)} LIMIT :limit"
            )
            rows = fetch_all(f"SELECT count(*) FROM ({select}) AS found", parameters | {"limit": limit - found})
            found += int(rows[0][0])
    return found


def count_reasons(
    scope: Scope, filters: QueueFilters, thresholds: AttentionThresholds, *, now: datetime
) -> dict[str, int]:
    """Return the number of findings of each reason, worst first. An object with two reasons counts under both.

    The reasons and the page of the filters are not considered.
    """
    selected = scope.narrow(filters.organization)
    selects = [select for rule in RULES for select in _select_counts(rule, selected, filters, thresholds)]
    counts = dict.fromkeys((rule.slug for rule in RULES), 0)
    rows = fetch_all(" UNION ALL ".join(selects), filter_parameters(selected, filters, thresholds, now))
    for reason, provider, count in rows:
        if not filters.providers or provider in filters.providers:
            counts[reason] += int(count)
    return counts


def _select_counts(rule: Rule, scope: Scope, filters: QueueFilters, thresholds: AttentionThresholds) -> Iterator[str]:
    """Yield SELECTs of reason, provider and number, to be added.

    The number of all findings comes from totals. The few muted and assigned findings are counted one by one and
    subtracted.
    """
    if filters.muted:
        yield _count_matches(rule, scope, filters, thresholds)
        return
    if filters.assignee in ("", UNASSIGNED):
        yield f"SELECT '{rule.slug}', part.* FROM ({rule.count(scope, thresholds)}) AS part"
    else:
        yield _count_matches(rule, scope, filters, thresholds)
    if filters.assignee == UNASSIGNED:
        yield _count_matches(rule, scope, replace(filters, assignee=ANY_ASSIGNEE), thresholds, sign="-")
    yield _count_matches(rule, scope, replace(filters, muted=True), thresholds, sign="-")


def _count_matches(
    rule: Rule, scope: Scope, filters: QueueFilters, thresholds: AttentionThresholds, sign: str = ""
) -> str:
    """Return a SELECT that counts findings that match filters by reading each."""
    source, conditions = match_filters(rule, scope, filters, is_small=False)
    return (
        f"SELECT '{rule.slug}', {rule.provider}, {sign}count(*) FROM {source}"
        f" WHERE {' AND '.join([rule.condition(thresholds), *conditions])} GROUP BY {rule.provider}"
    )


def summarize(scope: Scope, thresholds: AttentionThresholds, *, now: datetime) -> AttentionSummary:
    """Return the number of findings of each reason and the age of the oldest, without muted ones."""
    counts = count_reasons(scope, QueueFilters(), thresholds, now=now)
    oldest = _find_oldest(scope, [rule for rule in RULES if counts[rule.slug]], thresholds, now)
    return AttentionSummary(counts, oldest, count_queue(scope, thresholds, now=now, reason_counts=counts))


def _find_oldest(
    scope: Scope, rules: Sequence[Rule], thresholds: AttentionThresholds, now: datetime
) -> dict[str, datetime | None]:
    """Return when the oldest finding of each reason began. rules: those that have a finding."""
    is_small = is_small_scope(scope)
    selects = [
        f"SELECT * FROM (SELECT '{rule.slug}', {rule.since} FROM {source_sql(rule, is_small=is_small)}"
        f" WHERE {is_shown(rule, thresholds)} AND {in_scope(rule, scope)}"
        f" ORDER BY {rule.order_by} LIMIT 1) AS {rule.slug.replace('-', '_')}"
        for rule in rules
    ]
    parameters = {**rule_parameters(thresholds, now), **scope_parameters(scope)}
    oldest: dict[str, datetime | None] = dict.fromkeys((rule.slug for rule in RULES), None)
    for reason, since in fetch_all(" UNION ALL ".join(selects), parameters) if selects else ():
        oldest[reason] = parse_timestamp(since)
    return oldest
