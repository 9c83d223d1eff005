"""Cached counts of findings, for the pages of several features and the header."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from voiceadmin import clock
from voiceadmin.identity import Role
from voiceadmin.triage.queries.queue import MANY, count_queue, count_reasons, summarize
from voiceadmin.triage.types import QueueFilters, Summary
from voiceadmin.web import access
from voiceadmin.web.stats_cache import CachedStats, get_stats_cache


def init_app(app: Flask) -> None:
    """Let the head of every page tell how many need a person."""
    app.jinja_env.globals.update(waiting=waiting)


def summary() -> CachedStats[Summary]:
    """What needs a person of all that the requester may see, counted at most a minute ago."""
    where, limits, now = access.requester().scope(Role.VIEWER), access.attention_thresholds(), clock.now()

    def count() -> Summary:
        summed = summarize(where, limits, now=now)
        get_stats_cache().put(("waiting", where), summed.refs, now=now)  # so that the head says the same as the page
        return summed

    return get_stats_cache().get(("summary", where), count, now=now)


def counts(filters: QueueFilters) -> Mapping[str, int]:
    """How many there are of each reason under these filters, whichever reasons they name; at most a minute old."""
    where, limits, now = access.requester().scope(Role.VIEWER), access.attention_thresholds(), clock.now()
    wide = filters.with_changes(reasons=(), size=QueueFilters().size)
    if wide == QueueFilters():
        return summary().stats.counts
    return (
        get_stats_cache()
        .get(("reasons", where, wide), lambda: count_reasons(where, wide, limits, now=now), now=now)
        .stats
    )


def waiting() -> str:
    """How many voices and assistants need a person, as the head of a page has it: "", "7" or "99+"."""
    if access.requester().highest < Role.VIEWER:
        return ""
    where, limits, now = access.requester().scope(Role.VIEWER), access.attention_thresholds(), clock.now()

    def count() -> int:
        return count_queue(where, limits, now=now)

    number = get_stats_cache().get(("waiting", where), count, now=now, fresh=False).stats
    return "" if not number else f"{MANY - 1}+" if number >= MANY else str(number)
