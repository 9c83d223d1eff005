"""The overview page: findings by reason, and voices by provider and status."""

from __future__ import annotations

from flask import Blueprint, render_template

from voiceadmin import clock
from voiceadmin.identity import NOTHING, Role
from voiceadmin.overview.queries import get_overview_stats
from voiceadmin.triage.counting import get_summary
from voiceadmin.triage.queries.counts import COUNT_LIMIT
from voiceadmin.triage.rules import RULES
from voiceadmin.voices.types.verdicts import MAX_LIST_AGE
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope

bp = Blueprint("overview", __name__)


@bp.get("/")
@require_role(Role.VIEWER)
def home() -> str:
    """Show the findings by reason and the statistics of the voices."""
    now, managed = clock.now(), access.requester().scope(Role.ADMIN)
    return render_template(
        "overview/index.html",
        summary=get_summary(now),
        rules=RULES,
        many=COUNT_LIMIT,
        stats=get_overview_stats(scope(), now=now),
        lists_before=now - MAX_LIST_AGE,
        managed=managed,
        may_connect=managed != NOTHING,
        now=now,
    )
