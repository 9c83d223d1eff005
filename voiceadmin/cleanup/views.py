"""Pages of clean-up: candidates and their savings, plans, and prices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from voiceadmin import clock
from voiceadmin.audit.types import AuditTarget, ObjectKind
from voiceadmin.cleanup.actions.plans import confirm_plan, create_plan, resume_plan, retry_failed_items, undo_plan
from voiceadmin.cleanup.actions.prices import set_price
from voiceadmin.cleanup.forms import (
    CandidateFilterForm,
    ConfirmPlanForm,
    CreatePlanForm,
    PlanItemsForm,
    PriceForm,
    clean_up_arguments,
    price_form_data,
)
from voiceadmin.cleanup.queries.candidates import export_candidates, list_candidates
from voiceadmin.cleanup.queries.counts import count_candidates
from voiceadmin.cleanup.queries.deletion_advice import advise_deletions
from voiceadmin.cleanup.queries.deletions import (
    check_voices,
    count_deletion_states,
    find_ended_early,
    list_open_requests,
)
from voiceadmin.cleanup.queries.plans import (
    ITEMS_PER_PAGE,
    count_rechecked,
    export_restore_sheet,
    get_plan,
    is_plan_covered,
    list_items,
    list_plan_organizations,
    list_plans,
)
from voiceadmin.cleanup.queries.prices import list_priceable_providers, list_prices
from voiceadmin.cleanup.queries.unconfirmed import list_unconfirmed
from voiceadmin.cleanup.types.candidates import CandidateCounts, ExclusionReason
from voiceadmin.cleanup.types.deletions import DeletionState, summarize
from voiceadmin.cleanup.types.plans import ItemState, PlanRow
from voiceadmin.cleanup.types.prices import BILLING_NOTES, sum_savings
from voiceadmin.identity import Role
from voiceadmin.organizations.queries import get_organization_name, list_organization_choices
from voiceadmin.pagination import Page
from voiceadmin.sources.queries import find_sync_process
from voiceadmin.tokens import generate_token
from voiceadmin.totals.queries import list_providers
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.downloads import list_audited_organizations, parse_export_format, stream_export

bp = Blueprint("cleanup", __name__)

Answer = str | tuple[str, int] | AnyResponse

LISTED_CANDIDATES = 25
REQUEST_SECONDS = 3.0  # that one request executes a plan; the page sends the next one


@bp.get("/clean-up")
@require_role(Role.VIEWER)
def index() -> Answer:
    """List the candidates, what is excluded, the savings, and the newest plans."""
    return _render_index(CandidateFilterForm, request.args)


@bp.post("/clean-up/plans")
@require_role(Role.OPERATOR)
def plan() -> Answer:
    """Create a plan of the selected candidates."""
    form = CreatePlanForm(request.form, list_organization_choices(scope()), list_providers(scope()))
    if not form.validate():
        return _render_index(CreatePlanForm, request.form)
    by, now, key = access.requester().actor, clock.now(), form.key.data or generate_token()
    plan_id = create_plan(scope(), form.filters(), access.attention_thresholds(), key, by=by, now=now)
    return redirect(url_for("cleanup.show", plan_id=plan_id), 303)


def _render_index(form_class: type[CandidateFilterForm], data: MultiDict[str, str]) -> tuple[str, int]:
    visible, now = access.requester().scope(Role.VIEWER), clock.now()
    form = form_class(data, list_organization_choices(visible), list_providers(visible))
    if not form.validate():
        return render_template("cleanup/index.html", form=form, filters=None), 422
    filters, prices = form.filters(), list_prices()
    selected = visible.narrow(filters.organization)
    matching = count_candidates(selected, access.attention_thresholds(), now=now).matching(filters)
    providers = matching.by_provider(filters.selected_reasons, prices)
    return render_template(
        "cleanup/index.html",
        form=form,
        filters=filters,
        counts=matching,
        providers=providers,
        savings=sum_savings({row.provider: row.with_slot for row in providers}, prices, today=now.date()),
        candidates=list_candidates(visible, filters, access.attention_thresholds(), now=now, limit=LISTED_CANDIDATES),
        plans=list_plans(visible),
        unconfirmed=list_unconfirmed(visible),
        arguments=clean_up_arguments(filters),
        excluded=_list_excluded(matching),
        address=url_for("cleanup.index", **clean_up_arguments(filters)),
        key=generate_token(),
        thresholds=access.attention_thresholds(),
        now=now,
    ), 200


def _list_excluded(counts: CandidateCounts) -> list[tuple[str, int]]:
    return [
        (reason.describe(access.attention_thresholds()), counts.count(reason))
        for reason in ExclusionReason
        if counts.count(reason)
    ]


@bp.get("/clean-up/plans/<id:plan_id>")
@require_role(Role.VIEWER)
def show(plan_id: int) -> Answer:
    """Show a plan: its progress, its savings and its voices."""
    now, plan = clock.now(), get_plan(scope(), plan_id, now=clock.now())
    form = PlanItemsForm(request.args)
    if not form.validate():
        return render_template("cleanup/plan.html", plan=plan, form=form, items=None, **_context(plan, now)), 422
    states, page_number = form.states(), form.page.data or 1
    rows = list_items(plan, states, page_number, access.attention_thresholds())
    items = Page(rows, plan.count(*states) if states else plan.voice_count, page_number, ITEMS_PER_PAGE)
    advice = advise_deletions([row.voice.id for row in rows], now=now)
    shows_advice = any(one.verdict is not None for one in advice.values())
    options = {"items": items, "advice": advice, "shows_advice": shows_advice} | _context(plan, now)
    return render_template("cleanup/plan.html", plan=plan, form=form, **options)


def _read_deletions(plan: PlanRow, now: datetime) -> dict[str, Any]:
    """Return what can be deleted at the providers, by provider; nothing before all voices are processed."""
    if not plan.is_confirmed or plan.pending:
        return {"deletions": [], "requests": [], "ended_early": None, "process": None}
    voices = check_voices(plan.id, now=now)
    return {
        "deletions": summarize([voice for voice in voices if voice.state or plan.count(ItemState.ARCHIVED)]),
        "requests": list_open_requests(now=now, plan_id=plan.id),
        "ended_early": find_ended_early(plan.id),
        "process": find_sync_process(now=now),
    }


def _context(plan: PlanRow, now: datetime) -> dict[str, Any]:
    """Return what every page of a plan shows."""
    prices, organization = list_prices(), plan.filters.organization
    return {
        "now": now,
        "prices": prices,
        "savings": sum_savings(plan.voices, prices, today=now.date()),
        "organization": None if organization is None else get_organization_name(scope(), organization),
        "failed": plan.count(ItemState.FAILED),
        "is_running": request.args.get("run") == "on",
        "may_execute": is_plan_covered(access.requester().scope(Role.ADMIN), plan.id),
        "is_recently_authenticated": access.is_recently_authenticated(now),
        "restore_sheet": url_for("cleanup.show", plan_id=plan.id) + "/sheet",
        **_read_deletions(plan, now),
    }


@bp.get("/clean-up/plans/<id:plan_id>/check")
@require_role(Role.VIEWER)
def check(plan_id: int) -> Answer:
    """Check the pending voices of a plan again without changing anything."""
    now, plan = clock.now(), get_plan(scope(), plan_id, now=clock.now())
    return render_template("cleanup/check.html", plan=plan, **_rechecked(plan_id, now), **_context(plan, now))


def _rechecked(plan_id: int, now: datetime) -> dict[str, Any]:
    counted = count_rechecked(plan_id, access.attention_thresholds(), now=now)
    return {"to_archive": counted.pop(None, 0), "to_skip": counted}


@bp.route("/clean-up/plans/<id:plan_id>/run", methods=["GET", "POST"])
@require_role(Role.ADMIN, recently_authenticated=True)
def run(plan_id: int) -> Answer:
    """Confirm a plan by typing its number of voices, and execute it for some seconds."""
    now, plan = clock.now(), get_plan(scope(), plan_id, now=clock.now())
    data = request.form if request.method == "POST" else None
    form = ConfirmPlanForm(data, plan.voice_count)
    if data is None or not (plan.is_confirmed or form.validate()):
        context = _rechecked(plan_id, now) | _context(plan, now)
        return render_template("cleanup/run.html", plan=plan, form=form, **context), 200 if data is None else 422
    confirm_plan(scope(), plan_id, by=access.requester().actor, now=now)
    return _resume(plan_id)


@bp.post("/clean-up/plans/<id:plan_id>/retry")
@require_role(Role.ADMIN, recently_authenticated=True)
def retry(plan_id: int) -> Answer:
    """Try the failed voices of a plan again."""
    retry_failed_items(scope(), plan_id, by=access.requester().actor, now=clock.now())
    return _resume(plan_id)


def _resume(plan_id: int) -> AnyResponse:
    by = access.requester().actor
    resume_plan(scope(), plan_id, access.attention_thresholds(), by=by, now=clock.now(), seconds=REQUEST_SECONDS)
    return redirect(url_for("cleanup.show", plan_id=plan_id, run="on"), 303)


@bp.route("/clean-up/plans/<id:plan_id>/undo", methods=["GET", "POST"])
@require_role(Role.ADMIN, recently_authenticated=True)
def undo(plan_id: int) -> Answer:
    """Undo a plan, except for voices that were changed since."""
    now, plan = clock.now(), get_plan(scope(), plan_id, now=clock.now())
    if request.method != "POST":
        deleted = count_deletion_states(plan_id).get(DeletionState.DELETED, 0)
        return render_template("cleanup/undo.html", plan=plan, now=now, deleted=deleted)
    undo_plan(
        scope(),
        plan_id,
        access.attention_thresholds(),
        by=access.requester().actor,
        now=now,
        seconds=REQUEST_SECONDS,
    )
    return redirect(url_for("cleanup.show", plan_id=plan_id), 303)


@bp.get("/clean-up/plans/<id:plan_id>/sheet.<format>")
@require_role(Role.VIEWER)
def sheet(plan_id: int, format: str) -> Answer:
    """Export the restore sheet of a plan: every field of every voice."""
    file_format, now = parse_export_format(format), clock.now()
    plan = get_plan(scope(), plan_id, now=now)
    return stream_export(
        f"clean-up-{plan_id}",
        file_format,
        lambda: export_restore_sheet(plan, file_format),
        target=AuditTarget(ObjectKind.PLAN, plan_id, f"plan {plan_id}"),
        filters={},
        organizations=list_plan_organizations(plan_id),
        now=now,
    )


@bp.get("/clean-up/prices")
@require_role(Role.VIEWER)
def prices() -> Answer:
    """List the prices of providers."""
    known, provider, now = list_prices(), request.args.get("provider", ""), clock.now()
    form = PriceForm(
        price_form_data(provider, known.get(provider), now),
        list_priceable_providers(access.requester().scope(Role.VIEWER)),
        now=now,
    )
    return render_template("cleanup/prices.html", form=form, prices=known, billing=BILLING_NOTES, now=now)


@bp.post("/clean-up/prices")
@require_role(Role.PLATFORM)
def change_price() -> Answer:
    """Save or remove the price of a provider."""
    now = clock.now()
    form = PriceForm(request.form, list_priceable_providers(access.requester().scope(Role.VIEWER)), now=now)
    if not form.validate():
        known = list_prices()
        return render_template("cleanup/prices.html", form=form, prices=known, billing=BILLING_NOTES, now=now), 422
    by = access.requester().actor
    set_price(form.provider.data, form.cents(), form.currency.data, form.date(), by=by, now=now)
    return redirect(url_for("cleanup.prices"), 303)


@bp.get("/clean-up.<format>")
@require_role(Role.VIEWER)
def export(format: str) -> Response | tuple[str, int]:
    """Export the candidates."""
    file_format, where, now, thresholds = (
        parse_export_format(format),
        scope(),
        clock.now(),
        access.attention_thresholds(),
    )
    form = CandidateFilterForm(request.args, list_organization_choices(where), list_priceable_providers(where))
    if not form.validate():
        return render_template("cleanup/index.html", form=form, filters=None), 422
    filters = form.filters()
    return stream_export(
        "clean-up",
        file_format,
        lambda: export_candidates(where, filters, thresholds, file_format, now=now),
        target=AuditTarget(ObjectKind.DATABASE, None, "clean-up"),
        filters=clean_up_arguments(filters),
        organizations=list_audited_organizations(where, filters.organization),
        now=now,
    )
