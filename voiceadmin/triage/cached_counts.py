"""Cached counts of findings, for the pages of several features and the header."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from voiceadmin import clock
from voiceadmin.identity import Role
from voiceadmin.triage.queries.counts import COUNT_LIMIT, count_queue, count_reasons, summarize
from voiceadmin.triage.types import AttentionSummary, QueueFilters
from voiceadmin.web import access
from voiceadmin.web.stats_cache import CachedStats, get_stats_cache


def init_app(app: Flask) -> None:
    """Make the count in the header available to templates."""
    app.jinja_env.globals.update(format_queue_count=format_queue_count)


def get_summary() -> CachedStats[AttentionSummary]:
    """Return the summary of all that the requester may see, at most a minute old."""
    scope, thresholds, now = access.requester().scope(Role.VIEWER), access.attention_thresholds(), clock.now()

    def count() -> AttentionSummary:
        summary = summarize(scope, thresholds, now=now)
        get_stats_cache().put(
            ("queue", scope), summary.object_count, now=now
        )  # so that the header shows the same count
        return summary

    return get_stats_cache().get(("summary", scope), count, now=now)


def get_reason_counts(filters: QueueFilters) -> Mapping[str, int]:
    """Return the number of findings of each reason, at most a minute old. The reasons of the filters are ignored."""
    scope, thresholds, now = access.requester().scope(Role.VIEWER), access.attention_thresholds(), clock.now()
    all_reasons = filters.with_changes(reasons=(), size=QueueFilters().size)
    if all_reasons == QueueFilters():
        return get_summary().stats.counts

    def count() -> Mapping[str, int]:
        return count_reasons(scope, all_reasons, thresholds, now=now)

    return get_stats_cache().get(("reasons", scope, all_reasons), count, now=now).stats


def format_queue_count() -> str:
    """Return how many voices and assistants need attention, for the header: "", "7" or "99+"."""
    if access.requester().highest < Role.VIEWER:
        return ""
    scope, thresholds, now = access.requester().scope(Role.VIEWER), access.attention_thresholds(), clock.now()

    def count() -> int:
        return count_queue(scope, thresholds, now=now)

    queue_count = get_stats_cache().get(("queue", scope), count, now=now, fresh=False).stats
    if queue_count >= COUNT_LIMIT:
        return f"{COUNT_LIMIT - 1}+"
    return str(queue_count) if queue_count else ""
