"""Who did what: the audit trail as a page and as a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, render_template, request, stream_with_context, url_for

from voiceadmin import access, clock
from voiceadmin.access import needs
from voiceadmin.actions.audit import note
from voiceadmin.forms.activity import ActivityFilterForm, activity_arguments
from voiceadmin.people import AuditFilters, Thing
from voiceadmin.queries.activity import activity_file, list_activity
from voiceadmin.vocabulary import AuditWord, ExportFormat, ObjectKind, Role

bp = Blueprint("activity", __name__)

TYPES = {ExportFormat.CSV: "text/csv; charset=utf-8", ExportFormat.NDJSON: "application/x-ndjson"}


@bp.get("/activity")
@needs(Role.VIEWER)
def index() -> tuple[str, int]:
    """What happened, the newest first."""
    form = ActivityFilterForm(request.args)
    if not form.validate():
        return render_template("activity/index.html", form=form, filters=None), 422
    filters = form.filters()
    here = url_for("activity.index")
    lines, more = list_activity(access.visitor(), filters)
    return render_template(
        "activity/index.html",
        form=form,
        filters=filters,
        lines=lines,
        older=_address(here, replace(filters, older_than=lines[-1].id)) if more else None,
        newest=_address(here, replace(filters, older_than=None)) if filters.older_than else None,
        files={format: _address(url_for("activity.export", format=format.value), filters) for format in TYPES},
        now=clock.now(),
    ), 200


@bp.get("/activity.<format>")
@needs(Role.VIEWER)
def export(format: str) -> Response | tuple[str, int]:
    """The same lines, all of them, as a file; that too goes into the audit trail."""
    if format not in set(TYPES):
        abort(404)
    wanted = ExportFormat(format)
    form = ActivityFilterForm(request.args)
    if not form.validate():
        return render_template("activity/index.html", form=form, filters=None), 422
    who, filters, now = access.visitor(), form.filters(), clock.now()
    note(
        AuditWord.ACTIVITY_EXPORTED,
        Thing(ObjectKind.STORE, None, "activity"),
        by=who.actor,
        now=now,
        after={"format": wanted.value, "filters": activity_arguments(filters)},
    )

    def pieces() -> Iterator[str]:
        yield from activity_file(who, filters, wanted)

    response = Response(stream_with_context(pieces()), mimetype=TYPES[wanted].partition(";")[0])
    response.headers["Content-Disposition"] = f'attachment; filename="activity-{now:%Y-%m-%d}.{wanted.value}"'
    return response


def _address(path: str, filters: AuditFilters) -> str:
    arguments = urlencode(activity_arguments(filters), doseq=True)
    return path + ("?" + arguments if arguments else "")
