"""Who did what: the audit trail as a page and as a file."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request, url_for

from voiceadmin import clock
from voiceadmin.activity.forms import ActivityFilterForm, activity_arguments
from voiceadmin.activity.queries import export_activity, list_activity
from voiceadmin.audit.types import AuditEventType, AuditFilters, AuditTarget, ObjectKind
from voiceadmin.identity import Role
from voiceadmin.web import access
from voiceadmin.web.access import require_role
from voiceadmin.web.downloads import parse_export_format, stream_export

bp = Blueprint("activity", __name__)


@bp.get("/activity")
@require_role(Role.VIEWER)
def index() -> tuple[str, int]:
    """What happened, the newest first."""
    form = ActivityFilterForm(request.args)
    if not form.validate():
        return render_template("activity/index.html", form=form, filters=None), 422
    filters = form.filters()
    here = url_for("activity.index")
    lines, more = list_activity(access.requester(), filters)
    return render_template(
        "activity/index.html",
        form=form,
        filters=filters,
        lines=lines,
        older=_address(here, replace(filters, older_than=lines[-1].id)) if more else None,
        newest=_address(here, replace(filters, older_than=None)) if filters.older_than else None,
        operates=access.requester().scope(Role.OPERATOR),
        address=_address(here, filters),
        now=clock.now(),
    ), 200


@bp.get("/activity.<format>")
@require_role(Role.VIEWER)
def export(format: str) -> Response | tuple[str, int]:
    """The same lines, all of them, as a file; that too goes into the audit trail."""
    wanted = parse_export_format(format)
    form = ActivityFilterForm(request.args)
    if not form.validate():
        return render_template("activity/index.html", form=form, filters=None), 422
    who, filters, now = access.requester(), form.filters(), clock.now()
    return stream_export(
        "activity",
        wanted,
        lambda: export_activity(who, filters, wanted),
        event_type=AuditEventType.ACTIVITY_EXPORTED,
        target=AuditTarget(ObjectKind.DATABASE, None, "activity"),
        filters=activity_arguments(filters),
        organizations=[None],
        now=now,
    )


def _address(path: str, filters: AuditFilters) -> str:
    arguments = urlencode(activity_arguments(filters), doseq=True)
    return path + ("?" + arguments if arguments else "")
