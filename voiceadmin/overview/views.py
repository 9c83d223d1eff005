"""The overview page: findings by reason, and voices by provider and status."""

from __future__ import annotations

from flask import Blueprint, render_template

from voiceadmin import clock
from voiceadmin.identity import Role
from voiceadmin.overview.queries import get_overview_stats
from voiceadmin.overview.types import OverviewStats
from voiceadmin.triage.cached_counts import get_summary
from voiceadmin.triage.queries.counts import COUNT_LIMIT
from voiceadmin.triage.rules import RULES
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.stats_cache import CachedStats, get_stats_cache

bp = Blueprint("overview", __name__)


@bp.get("/")
@require_role(Role.VIEWER)
def home() -> str:
    """Show the findings by reason and the statistics of the voices."""
    own_scope, now = scope(), clock.now()
    stats: CachedStats[OverviewStats] = get_stats_cache().get(
        ("overview", own_scope), lambda: get_overview_stats(own_scope, now=now), now=now
    )
    return render_template(
        "overview/index.html",
        summary=get_summary(),
        rules=RULES,
        many=COUNT_LIMIT,
        stats=stats.stats,
        now=now,
    )
