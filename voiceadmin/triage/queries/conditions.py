"""SQL of the rules: where to read the objects of a rule from, and the conditions for its findings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from voiceadmin.config import AttentionThresholds
from voiceadmin.database.dialect import forced_order_join, index_hint
from voiceadmin.identity import Scope
from voiceadmin.organizations.queries import scope_parameters, scope_sql
from voiceadmin.triage.rules.rule import Rule, rule_parameters
from voiceadmin.triage.types import ANY_ASSIGNEE, UNASSIGNED, QueueFilters


def source_sql(rule: Rule, *, is_small: bool) -> str:
    """Return the tables to read all findings of a rule from.

    Args:
        rule: the rule.
        is_small: whether the scope has few voices. Reading them is then faster than the index of the rule, which
            spans all organizations.
    """
    if is_small:
        return rule.table
    return rule.source.format(join=forced_order_join()) + (index_hint(rule.hint) if rule.hint else "")


def in_scope(rule: Rule, scope: Scope) -> str:
    """Return the condition that an object is in a scope."""
    return scope_sql(scope, f"{rule.alias}.organization_id")


def is_shown(rule: Rule, thresholds: AttentionThresholds) -> str:
    """Return the condition that a rule applies and that its finding is not muted."""
    return f"{rule.condition(thresholds)} AND NOT {is_muted(rule)}"


def has_no_worse(worse: Iterable[Rule], rule: Rule, thresholds: AttentionThresholds, *, muted: bool = False) -> str:
    """Return the condition, beginning with AND, that the queue does not list the same object for a worse reason.

    Args:
        worse: the rules before this one.
        rule: the rule.
        thresholds: of the rules.
        muted: whether the queue lists the muted findings instead of the others.
    """
    conditions = (
        f"{other.condition(thresholds)} AND {is_muted(other)}" if muted else is_shown(other, thresholds)
        for other in worse
        if other.kind is rule.kind
    )
    return "".join(f" AND NOT coalesce({condition}, FALSE)" for condition in conditions)


def is_muted(rule: Rule) -> str:
    """Return the condition that the finding of a rule is acknowledged or snoozed."""
    return f"EXISTS (SELECT 1 FROM mute WHERE {rule.is_mute_of_finding} AND {rule.is_mute_in_force})"


def match_filters(rule: Rule, scope: Scope, filters: QueueFilters, *, is_small: bool) -> tuple[str, list[str]]:
    """Return the tables to read objects from, and conditions besides that of the rule. Reasons are not considered."""
    source, conditions = source_sql(rule, is_small=is_small), list[str]()
    is_assigned = f"own.object_kind = '{rule.kind.value}' AND own.object_id = {rule.alias}.id"
    if filters.muted:
        source = f"mute {forced_order_join()} {rule.table} ON {rule.is_mute_of_finding}"
        conditions.append(rule.is_mute_in_force)
    elif filters.assignee not in ("", UNASSIGNED):
        source = f"assignment AS own {forced_order_join()} {rule.table} ON {is_assigned}"
    if scope.organizations is not None:
        conditions.append(in_scope(rule, scope))
    if filters.organization is not None:
        conditions.append(f"{rule.alias}.organization_id = :organization")
    if filters.providers:
        conditions.append(f"{rule.provider} IN :providers")
    if filters.assignee == UNASSIGNED:
        conditions.append(f"NOT EXISTS (SELECT 1 FROM assignment AS own WHERE {is_assigned})")
    elif filters.assignee not in ("", ANY_ASSIGNEE):
        conditions.append(
            f"EXISTS (SELECT 1 FROM assignment AS own WHERE {is_assigned} AND own.account_id = :assignee)"
        )
    return source, conditions


def filter_parameters(
    scope: Scope, filters: QueueFilters, thresholds: AttentionThresholds, now: datetime
) -> dict[str, Any]:
    """Return the parameters that `match_filters` and the conditions of rules name."""
    return {
        **rule_parameters(thresholds, now),
        **scope_parameters(scope),
        "organization": filters.organization,
        "providers": list(filters.providers),
        "assignee": None if filters.assignee in ("", UNASSIGNED) else int(filters.assignee),
    }
