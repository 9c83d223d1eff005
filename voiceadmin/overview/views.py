"""The overview page: findings by reason, and voices by provider and status."""

from __future__ import annotations

from flask import Blueprint, render_template

from voiceadmin import clock
from voiceadmin.identity import Role
from voiceadmin.overview.queries import OverviewStats, get_overview_stats
from voiceadmin.triage.counts import summary
from voiceadmin.triage.queries.queue import MANY
from voiceadmin.triage.rules import RULES
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.stats_cache import CachedStats, get_stats_cache

bp = Blueprint("overview", __name__)


@bp.get("/")
@require_role(Role.VIEWER)
def home() -> str:
    """What needs a person by reason, and the voices in figures."""
    where, now = scope(), clock.now()
    summed = summary()
    standing: CachedStats[OverviewStats] = get_stats_cache().get(
        ("standing", where), lambda: get_overview_stats(where, now=now), now=now
    )
    return render_template(
        "overview/index.html",
        summed=summed,
        rules=RULES,
        many=MANY,
        standing=standing.stats,
        now=now,
    )
