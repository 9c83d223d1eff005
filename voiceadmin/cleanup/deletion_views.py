"""Pages of deletions at providers: confirm one, check what is not confirmed, cancel, and the results."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.cleanup.actions.deletion_requests import cancel_deletion, request_check, request_deletion
from voiceadmin.cleanup.forms import ConfirmDeletionForm, DeletionItemsForm
from voiceadmin.cleanup.queries.deletions import (
    ITEMS_PER_PAGE,
    check_voices,
    count_deletion_states,
    list_deletion_items,
    list_open_requests,
)
from voiceadmin.cleanup.queries.plans import get_plan, is_plan_covered
from voiceadmin.cleanup.types.deletions import ProviderDeletions, summarize
from voiceadmin.config import COMMAND
from voiceadmin.identity import Role
from voiceadmin.pagination import Page
from voiceadmin.sources.queries import find_sync_process
from voiceadmin.text import pluralize
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope

bp = Blueprint("deletions", __name__)

Answer = str | tuple[str, int] | Response


@bp.get("/clean-up/plans/<id:plan_id>/deletions")
@require_role(Role.VIEWER)
def show(plan_id: int) -> Answer:
    """Show the result of each voice whose deletion was requested."""
    now, plan = clock.now(), get_plan(scope(), plan_id, now=clock.now())
    form, states = DeletionItemsForm(request.args), count_deletion_states(plan_id)
    requests = list_open_requests(now=now, plan_id=plan_id)
    context = {
        "plan": plan,
        "form": form,
        "states": states,
        "requests": requests,
        "process": find_sync_process(now=now),
        "may_execute": is_plan_covered(access.requester().scope(Role.ADMIN), plan_id),
        "now": now,
    }
    if not form.validate():
        return render_template("cleanup/deletions.html", items=None, **context), 422
    state, page_number = form.state_value(), form.page.data or 1
    total = sum(states.values()) if state is None else states.get(state, 0)
    items = Page(list_deletion_items(plan_id, state, page_number), total, page_number, ITEMS_PER_PAGE)
    return render_template("cleanup/deletions.html", items=items, **context)


@bp.route("/clean-up/plans/<id:plan_id>/deletions/new", methods=["GET", "POST"])
@require_role(Role.ADMIN, recently_authenticated=True)
def new(plan_id: int) -> Answer:
    """Confirm the deletion of voices at a provider by typing their number."""
    now, plan = clock.now(), get_plan(scope(), plan_id, now=clock.now())
    one, is_again = _find_provider(plan_id, now), request.values.get("again") == "on"
    count = 0 if one is None or plan.pending else one.repeatable if is_again else one.deletable
    data = request.form if request.method == "POST" else None
    form = ConfirmDeletionForm(data, count)
    is_repeated = data is not None and one is not None and _is_requested(plan_id, one.provider, now)
    if one is None or data is None or not (is_repeated or form.validate()):
        context = {"plan": plan, "form": form, "one": one, "count": count, "is_again": is_again}
        return render_template("cleanup/delete.html", **context), 200 if data is None else 422 if count else 409
    by = access.requester().actor
    request_deletion(scope(), plan_id, one.provider, form.count.data or 0, is_again=is_again, by=by, now=now)
    _flash_requested(plan_id, now)
    return redirect(url_for("deletions.show", plan_id=plan_id), 303)


def _find_provider(plan_id: int, now: datetime) -> ProviderDeletions | None:
    """Return the provider of the request with its numbers, None if the plan has archived no voice there."""
    given = request.values.get("provider", "")
    return next((one for one in summarize(check_voices(plan_id, now=now)) if one.provider == given), None)


def _is_requested(plan_id: int, provider: str, now: datetime) -> bool:
    """Return whether a deletion is open already, as when a form is sent twice."""
    return any(one.provider == provider for one in list_open_requests(now=now, plan_id=plan_id))


@bp.post("/clean-up/plans/<id:plan_id>/deletions/check")
@require_role(Role.ADMIN, recently_authenticated=True)
def check(plan_id: int) -> Answer:
    """Let the voices whose deletion is not confirmed be looked up again."""
    now = clock.now()
    get_plan(scope(), plan_id, now=now)
    one = _find_provider(plan_id, now)
    provider = "" if one is None else one.provider
    request_check(scope(), plan_id, provider, by=access.requester().actor, now=now)
    _flash_requested(plan_id, now)
    return redirect(url_for("deletions.show", plan_id=plan_id), 303)


@bp.post("/clean-up/plans/<id:plan_id>/deletions/cancel")
@require_role(Role.ADMIN)
def cancel(plan_id: int) -> Answer:
    """End the deletion of a plan before the voices that are left."""
    count = cancel_deletion(scope(), plan_id, by=access.requester().actor, now=clock.now())
    flash(f"The deletion was cancelled. {pluralize(count, 'voice was', 'voices were')} not processed.")
    return redirect(url_for("deletions.show", plan_id=plan_id), 303)


def _flash_requested(plan_id: int, now: datetime) -> None:
    if find_sync_process(now=now) is None:
        commands = f"“{COMMAND} sync --every 5m”, or run “{COMMAND} clean-up delete {plan_id}”"
        flash(f"The request is noted, but no process carries it out. Start one with {commands}.")
    else:
        flash("The request is carried out within seconds. Load this page again to see the results.")
