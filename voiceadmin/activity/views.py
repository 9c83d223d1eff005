"""The audit log as a page and as a file."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request, url_for

from voiceadmin import clock
from voiceadmin.activity.changes import describe_changes
from voiceadmin.activity.forms import ActivityFilterForm, activity_arguments
from voiceadmin.activity.queries import export_activity, list_activity
from voiceadmin.activity.sentences import describe_event, describe_object
from voiceadmin.audit.types import AuditEventType, AuditFilters, AuditTarget, ObjectKind
from voiceadmin.identity import Role
from voiceadmin.web import access
from voiceadmin.web.access import require_role
from voiceadmin.web.downloads import list_audited_organizations, parse_export_format, stream_export

bp = Blueprint("activity", __name__)
bp.add_app_template_filter(describe_changes, "list_changes")
bp.add_app_template_filter(describe_event)
bp.add_app_template_filter(describe_object)


@bp.get("/activity")
@require_role(Role.VIEWER)
def index() -> tuple[str, int]:
    """List the audit events that the requester may read, newest first."""
    form = ActivityFilterForm(request.args)
    if not form.validate():
        return render_template("activity/index.html", form=form, filters=None), 422
    filters = form.filters()
    path = url_for("activity.index")
    events, has_older = list_activity(access.requester(), filters)
    return render_template(
        "activity/index.html",
        form=form,
        filters=filters,
        events=events,
        older=_address(path, replace(filters, older_than=events[-1].id)) if has_older else None,
        newest=_address(path, replace(filters, older_than=None)) if filters.older_than else None,
        operates=access.requester().scope(Role.OPERATOR),
        address=_address(path, filters),
        now=clock.now(),
    ), 200


@bp.get("/activity.<format>")
@require_role(Role.VIEWER)
def export(format: str) -> Response | tuple[str, int]:
    """Download all audit events that match the filters. Records an audit event itself."""
    file_format = parse_export_format(format)
    form = ActivityFilterForm(request.args)
    if not form.validate():
        return render_template("activity/index.html", form=form, filters=None), 422
    requester, filters = access.requester(), form.filters()
    return stream_export(
        "activity",
        file_format,
        lambda: export_activity(requester, filters, file_format),
        event_type=AuditEventType.ACTIVITY_EXPORTED,
        target=AuditTarget(ObjectKind.DATABASE, None, "activity"),
        filters=activity_arguments(filters),
        organizations=list_audited_organizations(requester.scope(Role.VIEWER)),
        now=clock.now(),
    )


def _address(path: str, filters: AuditFilters) -> str:
    arguments = urlencode(activity_arguments(filters), doseq=True)
    return path + ("?" + arguments if arguments else "")
