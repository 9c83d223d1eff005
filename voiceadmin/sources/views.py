"""Pages of sources: the list, a new source, and what can be done with one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditFilters, ObjectKind, ObjectRef
from voiceadmin.config import COMMAND
from voiceadmin.errors import SourceRefused
from voiceadmin.history.queries import read_slot_histories
from voiceadmin.history.sparklines import Sparkline, draw_steps
from voiceadmin.history.types import SlotHistory
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.management.actions.removing import remove_source
from voiceadmin.operations.bulk import build_action_bar
from voiceadmin.organizations.queries import list_organization_choices
from voiceadmin.sources.actions.believing import accept_account, believe_list
from voiceadmin.sources.actions.managing import check_source, create_source, disable_source, enable_source, request_sync
from voiceadmin.sources.actions.permissions import allow_deletion, forbid_deletion
from voiceadmin.sources.actions.renewing import LATER, renew_few_verdicts
from voiceadmin.sources.forms import SourceForm
from voiceadmin.sources.provider_queries import ProviderReport, read_provider_report
from voiceadmin.sources.queries import (
    find_sync_process,
    get_run,
    get_source,
    list_missing_voices,
    list_runs,
    list_sources,
)
from voiceadmin.sources.reset_queries import count_unjudged_voices
from voiceadmin.sources.types import INTERRUPTED_AFTER, KeyTest, SourceRow
from voiceadmin.text import pluralize
from voiceadmin.triage.queries.items import list_queue_items
from voiceadmin.triage.types import TriageAction
from voiceadmin.web import access
from voiceadmin.web.access import current_settings, require_role, scope

bp = Blueprint("sources", __name__)

Page = Response | tuple[str, int]

MUTING = (TriageAction.ACKNOWLEDGE, TriageAction.SNOOZE)

LISTED_EVENTS = 20


@bp.get("/sources")
@require_role(Role.ADMIN)
def index() -> str:
    """List the sources."""
    options = {"is_platform_admin": scope() == EVERYTHING, "now": clock.now()}
    return render_template("sources/index.html", sources=list_sources(scope()), **options)


@bp.route("/sources/new", methods=["GET", "POST"])
@require_role(Role.ADMIN, recently_authenticated=True)
def new() -> Page:
    """Add a source, and test its key."""
    data = request.form if request.method == "POST" else None
    form = SourceForm(data, list_organization_choices(scope()), offer_platform=scope() == EVERYTHING)
    if data is None:
        return _render_form(form, 200)
    if not form.validate():
        return _render_form(form, 422)
    try:
        id = create_source(
            scope(), form.build_source(), current_settings(), by=access.requester().actor, now=clock.now()
        )
        test = check_source(scope(), id, current_settings(), by=access.requester().actor, now=clock.now())
    except SourceRefused as refused:
        return _render_form(form, 422, str(refused))
    _renew_verdicts(get_source(scope(), id))
    flash(f"The source “{form.name.data}” was added. {describe_test(test)}")
    return redirect(url_for("sources.show", source_id=id), 303)


def _render_form(form: SourceForm, status: int, message: str = "") -> Page:
    options = {"message": message, "stores_keys": bool(current_settings().encryption_keys)}
    return render_template("sources/new.html", form=form, **options), status


@bp.get("/sources/<id:source_id>")
@require_role(Role.ADMIN)
def show(source_id: int) -> str:
    """Show a source, its newest syncs, and the voices that it does not list any more."""
    source, now = get_source(scope(), source_id), clock.now()
    syncs = {"runs": list_runs(scope(), source_id), "missing": list_missing_voices(scope(), source_id)}
    process, report = find_sync_process(now=now), read_provider_report(source)
    slots = {"slot_histories": _chart_slots(source_id, report, now), "today": now.date()}
    verdicts = {"report": report, "unjudged": count_unjudged_voices(source)}
    options = syncs | slots | verdicts | _read_findings(source, now)
    return render_template("sources/source.html", source=source, process=process, now=now, **options)


def _read_findings(source: SourceRow, now: datetime) -> dict[str, Any]:
    """Return the findings of a source with its assignee, what can be done about them, and its newest events."""
    ref, requester = ObjectRef(ObjectKind.SOURCE, source.id), access.requester()
    (line,) = list_queue_items([ref], access.attention_thresholds(), now=now)
    timeline, more = list_activity(requester, AuditFilters(source=source.id))
    actions = MUTING if line.reasons else ()
    bar = build_action_bar(requester.scope(Role.OPERATOR))
    newest = {"timeline": timeline[:LISTED_EVENTS], "more": more or len(timeline) > LISTED_EVENTS}
    return {"line": line, "bar": bar, "actions": (*actions, TriageAction.ASSIGN, TriageAction.NOTE), **newest}


def _chart_slots(
    source_id: int, report: ProviderReport | None, now: datetime
) -> dict[str, tuple[SlotHistory, Sparkline]]:
    """Return the use of the slots over time with its chart, by kind."""
    read_at = {slot.kind.value: slot.read_at for slot in report.slots} if report else {}
    histories = read_slot_histories(source_id, read_at, now=now) if read_at else {}
    return {kind: (history, draw_steps(history.used, history.limit)) for kind, history in histories.items()}


@bp.get("/sources/<id:source_id>/runs/<id:run_id>")
@require_role(Role.ADMIN)
def show_run(source_id: int, run_id: int) -> str:
    """Show one sync of a source with its requests."""
    run = get_run(scope(), source_id, run_id)
    options = {"source": get_source(scope(), source_id), "interrupted_after": INTERRUPTED_AFTER, "now": clock.now()}
    return render_template("sources/run.html", run=run, **options)


@bp.post("/sources/<id:source_id>/test")
@require_role(Role.ADMIN, recently_authenticated=True)
def check(source_id: int) -> Response:
    """Test the key of a source."""
    test = check_source(scope(), source_id, current_settings(), by=access.requester().actor, now=clock.now())
    _renew_verdicts(get_source(scope(), source_id))  # the test may have found another account
    flash(describe_test(test))
    return _redirect_to_source(source_id)


@bp.post("/sources/<id:source_id>/sync")
@require_role(Role.ADMIN)
def sync(source_id: int) -> Response:
    """Let a source be synced next. The request does not wait for it."""
    name = request_sync(scope(), source_id, by=access.requester().actor, now=clock.now())
    if find_sync_process(now=clock.now()) is None:
        flash(f"The sync of “{name}” is noted, but no process syncs. Start one with “{COMMAND} sync --every 5m”.")
    else:
        flash(f"The sync of “{name}” begins within seconds. Load this page again to see its result.")
    return _redirect_to_source(source_id)


@bp.post("/sources/<id:source_id>/disable")
@require_role(Role.ADMIN, recently_authenticated=True)
def disable(source_id: int) -> Response:
    """Stop using a source."""
    source = get_source(scope(), source_id)
    name = disable_source(scope(), source_id, by=access.requester().actor, now=clock.now())
    _renew_verdicts(source)
    flash(f"The source “{name}” was disabled. Its voices stay.")
    return _redirect_to_source(source_id)


@bp.post("/sources/<id:source_id>/enable")
@require_role(Role.ADMIN, recently_authenticated=True)
def enable(source_id: int) -> Response:
    """Use a source again."""
    source = get_source(scope(), source_id)
    name = enable_source(scope(), source_id, by=access.requester().actor, now=clock.now())
    _renew_verdicts(source)
    flash(f"The source “{name}” was enabled.")
    return _redirect_to_source(source_id)


@bp.post("/sources/<id:source_id>/allow-deletion")
@require_role(Role.ADMIN, recently_authenticated=True)
def allow(source_id: int) -> Response:
    """Let clean-up plans delete voices at the provider."""
    name = allow_deletion(scope(), source_id, by=access.requester().actor, now=clock.now())
    flash(f"Voices may be deleted at the provider of “{name}” now. Each deletion is confirmed separately.")
    return _redirect_to_source(source_id)


@bp.post("/sources/<id:source_id>/forbid-deletion")
@require_role(Role.ADMIN, recently_authenticated=True)
def forbid(source_id: int) -> Response:
    """Let no more voices be deleted at the provider."""
    name = forbid_deletion(scope(), source_id, by=access.requester().actor, now=clock.now())
    flash(f"No voice may be deleted at the provider of “{name}” any more.")
    return _redirect_to_source(source_id)


@bp.post("/sources/<id:source_id>/remove")
@require_role(Role.ADMIN, recently_authenticated=True)
def remove(source_id: int) -> Response:
    """Remove a source."""
    source = get_source(scope(), source_id)
    name = remove_source(scope(), source_id, by=access.requester().actor, now=clock.now())
    is_renewed = _renew_verdicts(source)
    flash(f"The source “{name}” and its key were removed. Its voices stay.{'' if is_renewed else LATER}")
    return redirect(url_for("sources.index"), 303)


@bp.post("/sources/<id:source_id>/believe")
@require_role(Role.ADMIN, recently_authenticated=True)
def believe(source_id: int) -> Response:
    """Believe the list that the page has shown."""
    list_hash = request.form.get("list_hash", "")
    source = get_source(scope(), source_id)
    lacking = believe_list(scope(), source_id, list_hash, by=access.requester().actor, now=clock.now())
    _renew_verdicts(source)
    flash(f"The list is believed. The next sync looks {pluralize(lacking, 'voice')} up.")
    return _redirect_to_source(source_id)


@bp.post("/sources/<id:source_id>/accept-account")
@require_role(Role.ADMIN, recently_authenticated=True)
def accept(source_id: int) -> Response:
    """Accept that the key belongs to another account."""
    source = get_source(scope(), source_id)
    name = accept_account(scope(), source_id, by=access.requester().actor, now=clock.now())
    _renew_verdicts(source)
    flash(f"The account of “{name}” is accepted. The next sync reads its lists.")
    return _redirect_to_source(source_id)


def _renew_verdicts(source: SourceRow) -> bool:
    """Judge the voices of a source that has changed, unless there are many. Return whether they were judged."""
    return renew_few_verdicts((source.organization_id,), access.attention_thresholds(), now=clock.now())


def describe_test(test: KeyTest) -> str:
    """Return the result of a test as a sentence."""
    if test.works:
        return "The key works: it may list voices."
    reason = "The key may not list voices" if test.works is False else "The key could not be tested"
    return f"{reason}. {test.rights[0].message}"


def _redirect_to_source(source_id: int) -> Response:
    return redirect(url_for("sources.show", source_id=source_id), 303)
