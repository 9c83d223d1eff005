"""Counts of findings for the pages of several features and the header, computed at most once in a request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Flask, g

from voiceadmin import clock
from voiceadmin.identity import EVERYTHING, Role, Scope
from voiceadmin.triage.queries.counts import COUNT_LIMIT, count_queue, count_reasons, summarize
from voiceadmin.triage.types import AttentionSummary, QueueFilters
from voiceadmin.web import access


def init_app(app: Flask) -> None:
    """Make the count in the header available to templates."""
    app.jinja_env.globals.update(format_queue_count=format_queue_count)


def get_summary(now: datetime) -> AttentionSummary:
    """Return the summary of all that the requester may see."""
    g.counted_at = now
    scope, thresholds, _ = _requested()
    summary = summarize(scope, thresholds, now=now)
    g.queue_count = summary.object_count
    return summary


def get_reason_counts(filters: QueueFilters, now: datetime) -> Mapping[str, int]:
    """Return the number of findings of each reason. The reasons and the page of the filters are ignored."""
    g.counted_at = now
    scope, thresholds, _ = _requested()
    all_reasons = filters.with_changes(reasons=(), size=QueueFilters().size)
    counts: dict[QueueFilters, Mapping[str, int]] = g.setdefault("reason_counts", {})
    if all_reasons not in counts:
        counts[all_reasons] = count_reasons(scope, all_reasons, thresholds, now=now)
    return counts[all_reasons]


def get_queue_count() -> int:
    """Return how many voices, assistants and sources need attention; COUNT_LIMIT means that many or more."""
    if "queue_count" not in g:
        scope, thresholds, now = _requested()
        # Of all organizations, the first findings are found faster than the totals are added up.
        counts = None if scope == EVERYTHING else get_reason_counts(QueueFilters(), now)
        g.queue_count = count_queue(scope, thresholds, now=now, reason_counts=counts)
    count: int = g.queue_count
    return count


def format_queue_count() -> str:
    """Return how many voices, assistants and sources need attention, for the header: "", "7" or "99+"."""
    if access.requester().highest < Role.VIEWER:
        return ""
    queue_count = get_queue_count()
    if queue_count >= COUNT_LIMIT:
        return f"{COUNT_LIMIT - 1}+"
    return str(queue_count) if queue_count else ""


def _requested() -> tuple[Scope, Any, datetime]:
    return access.requester().scope(Role.VIEWER), access.attention_thresholds(), _now()


def _now() -> datetime:
    """Return the time of the counts of this request, so that all counts of a page are of the same time."""
    if "counted_at" not in g:
        g.counted_at = clock.now()
    now: datetime = g.counted_at
    return now
