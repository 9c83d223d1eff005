"""The triage queue: each voice, assistant and source that needs attention once, worst reason first. Found in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from voiceadmin.audit.types import ObjectRef
from voiceadmin.config import AttentionThresholds
from voiceadmin.database.batches import split_into_batches
from voiceadmin.database.dialect import fetch_all
from voiceadmin.database.types import parse_timestamp
from voiceadmin.identity import Scope
from voiceadmin.triage.queries.conditions import filter_parameters, has_no_worse, is_shown, match_filters
from voiceadmin.triage.queries.items import list_queue_items
from voiceadmin.triage.rules import RULES
from voiceadmin.triage.rules.rule import Rule
from voiceadmin.triage.types import Queue, QueueCursor, QueueFilters, QueueItem
from voiceadmin.voices.queries import is_small_scope


def list_queue(scope: Scope, filters: QueueFilters, thresholds: AttentionThresholds, *, now: datetime) -> Queue:
    """Return a page of the queue. Items with the same worst reason are ordered by age, oldest first."""
    search = _Search(scope, filters, thresholds, now)
    entries = list(search.find(filters.size + 1))  # one more than the page, to know whether another page follows
    items = list[QueueItem]()
    for batch in split_into_batches(entries[: filters.size]):
        items += list_queue_items([entry.ref for entry in batch], thresholds, now=now)
    return Queue(items, entries[filters.size - 1].cursor if len(entries) > filters.size else None)


def list_queue_refs(
    scope: Scope, filters: QueueFilters, thresholds: AttentionThresholds, *, now: datetime, limit: int
) -> Sequence[ObjectRef]:
    """Return the first `limit` objects of the queue. The page of the filters is ignored."""
    search = _Search(scope, filters.with_changes(), thresholds, now)
    return [entry.ref for entry in search.find(limit)]


class _Entry(NamedTuple):
    """A place in the queue. Its finding is read with the others of the object, which costs less than sorting it."""

    ref: ObjectRef
    cursor: QueueCursor


@dataclass(frozen=True, slots=True)
class _Search:
    """A search of the queue for findings that match filters."""

    scope: Scope
    filters: QueueFilters
    thresholds: AttentionThresholds
    now: datetime

    def find(self, limit: int) -> Iterator[_Entry]:
        """Yield up to `limit` entries in the order of the queue, one rule after the other."""
        is_small = is_small_scope(self.scope, self.filters.organization)
        worse: list[Rule] = []
        for rule in RULES:
            if self.filters.reasons and rule.slug not in self.filters.reasons:
                continue
            is_on_former_page = self.filters.after is not None and rule.rank < self.filters.after.rank
            if limit > 0 and not is_on_former_page:
                entries = self._find_by_rule(rule, worse, limit, is_small=is_small)
                limit -= len(entries)
                yield from entries
            worse.append(rule)

    def _find_by_rule(self, rule: Rule, worse: Sequence[Rule], limit: int, *, is_small: bool) -> list[_Entry]:
        filters = self.filters
        parameters = filter_parameters(self.scope, filters, self.thresholds, self.now) | {"limit": limit}
        source, conditions = match_filters(rule, self.scope, filters, is_small=is_small)
        conditions.append(rule.condition(self.thresholds) if filters.muted else is_shown(rule, self.thresholds))
        if filters.after is not None and filters.after.rank == rule.rank:
            conditions.append(_follows(rule, filters.after))
            parameters |= {"after_since": filters.after.since, "after_id": filters.after.id}
        rows = fetch_all(
            f"SELECT {rule.alias}.id, {rule.since} AS since FROM {source} WHERE {' AND '.join(conditions)}"
            f"{has_no_worse(worse, rule, self.thresholds, muted=filters.muted)}"
            f" ORDER BY since{' NULLS FIRST' if rule.has_unknown_since else ''}, {rule.alias}.id LIMIT :limit",
            parameters,
        )
        return [_build_entry(rule, *row) for row in rows]


def _build_entry(rule: Rule, id: int, since: Any) -> _Entry:
    return _Entry(ObjectRef(rule.kind, id), QueueCursor(rule.rank, parse_timestamp(since), id))


def _follows(rule: Rule, after: QueueCursor) -> str:
    """Return the condition that a finding follows a cursor in the order of the rule."""
    if after.since is None:
        return f"({rule.since} IS NOT NULL OR {rule.alias}.id > :after_id)"
    return f"({rule.since}, {rule.alias}.id) > (:after_since, :after_id)"
