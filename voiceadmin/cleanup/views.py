"""Clean-up: what could go, what it would free, and plans that archive it after somebody has confirmed them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from voiceadmin import clock
from voiceadmin.audit.types import AuditTarget, ObjectKind
from voiceadmin.cleanup.actions.plans import carry_on, confirm_plan, make_plan, take_back, try_again
from voiceadmin.cleanup.actions.prices import set_price
from voiceadmin.cleanup.forms import (
    CandidatesForm,
    ConfirmPlanForm,
    ItemsForm,
    PlanForm,
    PriceForm,
    clean_up_arguments,
    price_answers,
)
from voiceadmin.cleanup.queries.candidates import (
    ITEMS,
    candidates_file,
    check_plan,
    count_candidates,
    get_plan,
    is_covered,
    list_candidates,
    list_items,
    list_plans,
    list_prices,
    list_provider_stats,
    organizations_of_plan,
    restore_sheet,
)
from voiceadmin.cleanup.types import BILLING, Candidates, ItemState, KeptOut, PlanRow, saving
from voiceadmin.identity import Role
from voiceadmin.organizations.queries import list_organizations
from voiceadmin.pagination import Page
from voiceadmin.tokens import generate_token
from voiceadmin.web import access
from voiceadmin.web.access import attention_thresholds, require_role, scope
from voiceadmin.web.downloads import list_audited_organizations, parse_export_format, stream_export
from voiceadmin.web.stats_cache import get_stats_cache

bp = Blueprint("cleanup", __name__, url_prefix="/clean-up")


Answer = str | tuple[str, int] | AnyResponse


SHOWN = 25  # candidates


CHOICES = 100  # organizations to choose from: those with the most candidates


SECONDS = 3.0  # that a request works on a plan


@bp.get("")
@require_role(Role.VIEWER)
def index() -> Answer:
    """What could go, what stays, what it would free, and the plans that there are."""
    return _index(CandidatesForm, request.args)


@bp.post("/plans")
@require_role(Role.OPERATOR)
def plan() -> Answer:
    """Keep a plan of the voices that are meant."""
    form = PlanForm(request.form, list_organizations(scope()), count_all().providers)
    if not form.validate():
        return _index(PlanForm, request.form)
    by, now, key = access.requester().actor, clock.now(), form.key.data or generate_token()
    plan_id = make_plan(scope(), form.filters(), access.attention_thresholds(), key, by=by, now=now)
    return redirect(url_for("cleanup.show", plan_id=plan_id), 303)


def _index(kind: type[CandidatesForm], sent: MultiDict[str, str]) -> tuple[str, int]:
    seen, now = access.requester().scope(Role.VIEWER), clock.now()
    counted, organizations = count_all(), list_organizations(seen)
    form = kind(sent, organizations, counted.providers)
    if not form.validate():
        return render_template("cleanup/index.html", form=form, filters=None), 422
    filters, prices = form.filters(), list_prices()
    of_each = counted.by_organization(filters.words)
    offered = {*sorted(of_each, key=lambda id: (-of_each[id], id))[:CHOICES], filters.organization}
    chosen = counted.narrowed(filters)
    rows = chosen.freed(filters.words, prices)
    return render_template(
        "cleanup/index.html",
        form=form,
        filters=filters,
        organizations={str(id): name for id, name in organizations.items() if id in offered},
        counted=chosen,
        rows=rows,
        saving=saving({row.provider: row.voices for row in rows}, prices, today=now.date()),
        voices=list_candidates(seen, filters, access.attention_thresholds(), now=now, most=SHOWN),
        plans=list_plans(seen),
        arguments=clean_up_arguments(filters),
        kept_out=[
            (why.told(access.attention_thresholds()), chosen.number(why)) for why in KeptOut if chosen.number(why)
        ],
        address=url_for("cleanup.index", **clean_up_arguments(filters)),
        key=generate_token(),
        limits=access.attention_thresholds(),
        now=now,
    ), 200


def count_all() -> Candidates:
    """Count what could go and what stays of all that the requester may see."""
    seen, now, limits = access.requester().scope(Role.VIEWER), clock.now(), access.attention_thresholds()
    return get_stats_cache().get(("clean-up", seen), lambda: count_candidates(seen, limits, now=now), now=now).stats


@bp.get("/plans/<id:plan_id>")
@require_role(Role.VIEWER)
def show(plan_id: int) -> Answer:
    """Which voices a plan has, what became of them, and what it frees."""
    now, plan = clock.now(), get_plan(scope(), plan_id, now=clock.now())
    form = ItemsForm(request.args)
    if not form.validate():
        return render_template("cleanup/plan.html", plan=plan, form=form, items=None, **_about(plan, now)), 422
    states, number = form.states(), form.page.data or 1
    rows = list_items(plan, states, number, access.attention_thresholds())
    items = Page(rows, plan.count(*states) if states else plan.voice_count, number, ITEMS)
    return render_template("cleanup/plan.html", plan=plan, form=form, items=items, **_about(plan, now))


def _about(plan: PlanRow, now: datetime) -> dict[str, Any]:
    prices = list_prices()
    chosen = plan.filters.organization
    return {
        "now": now,
        "prices": prices,
        "saving": saving(plan.voices, prices, today=now.date()),
        "organization": None
        if chosen is None
        else list_organizations(access.requester().scope(Role.VIEWER)).get(chosen),
        "failed": plan.count(ItemState.FAILED),
        "going": request.args.get("going") == "on",
        "may_run": is_covered(access.requester().scope(Role.ADMIN), plan.id),
        "sure": access.is_recently_authenticated(now),
        "sheet": url_for("cleanup.show", plan_id=plan.id) + "/sheet",
    }


@bp.get("/plans/<id:plan_id>/check")
@require_role(Role.VIEWER)
def check(plan_id: int) -> Answer:
    """Look at the voices of a plan anew, and write nothing: which would still be archived, which not any more."""
    now, plan = clock.now(), get_plan(scope(), plan_id, now=clock.now())
    checked = check_plan(plan_id, access.attention_thresholds(), now=now)
    still = checked.pop("", 0)
    return render_template("cleanup/check.html", plan=plan, checked=checked, still=still, **_about(plan, now))


@bp.route("/plans/<id:plan_id>/run", methods=["GET", "POST"])
@require_role(Role.ADMIN, recently_authenticated=True)
def run(plan_id: int) -> Answer:
    """Confirm a plan by typing its number, and carry it out for a while."""
    now, plan = clock.now(), get_plan(scope(), plan_id, now=clock.now())
    sent = request.form if request.method == "POST" else None
    form = ConfirmPlanForm(sent, plan.voice_count)
    if sent is None or not (plan.confirmed or form.validate()):
        checked = check_plan(plan_id, access.attention_thresholds(), now=now)
        about = {"still": checked.pop("", 0), "checked": checked, **_about(plan, now)}
        return render_template("cleanup/run.html", plan=plan, form=form, **about), 200 if sent is None else 422
    confirm_plan(scope(), plan_id, by=access.requester().actor, now=now)
    return _carried_on(plan_id)


@bp.post("/plans/<id:plan_id>/again")
@require_role(Role.ADMIN, recently_authenticated=True)
def again(plan_id: int) -> Answer:
    """Try the voices anew that failed."""
    try_again(scope(), plan_id, now=clock.now())
    return _carried_on(plan_id)


def _carried_on(plan_id: int) -> AnyResponse:
    by = access.requester().actor
    carry_on(scope(), plan_id, access.attention_thresholds(), by=by, now=clock.now(), seconds=SECONDS)
    return _changed(url_for("cleanup.show", plan_id=plan_id, going="on"))


@bp.route("/plans/<id:plan_id>/back", methods=["GET", "POST"])
@require_role(Role.ADMIN, recently_authenticated=True)
def back(plan_id: int) -> Answer:
    """Take back what a plan did, as far as nobody changed it since."""
    now, plan = clock.now(), get_plan(scope(), plan_id, now=clock.now())
    if request.method != "POST":
        return render_template("cleanup/back.html", plan=plan, now=now)
    take_back(scope(), plan_id, by=access.requester().actor, now=now, seconds=SECONDS)
    return _changed(url_for("cleanup.show", plan_id=plan_id))


def _changed(address: str) -> AnyResponse:
    """Lead on, and count anew when somebody asks."""
    get_stats_cache().clear()
    return redirect(address, 303)


@bp.get("/plans/<id:plan_id>/sheet.<format>")
@require_role(Role.VIEWER)
def sheet(plan_id: int, format: str) -> Answer:
    """Every fact of every voice of a plan as a file; that goes into the audit trail."""
    wanted, now = parse_export_format(format), clock.now()
    plan = get_plan(scope(), plan_id, now=now)
    return stream_export(
        f"clean-up-{plan_id}",
        wanted,
        lambda: restore_sheet(plan, wanted),
        target=AuditTarget(ObjectKind.PLAN, plan_id, f"plan {plan_id}"),
        filters={},
        organizations=organizations_of_plan(plan_id),
        now=now,
    )


@bp.get("/prices")
@require_role(Role.VIEWER)
def prices() -> Answer:
    """What providers take for a voice in a month, as far as somebody wrote it down."""
    known, provider, now = list_prices(), request.args.get("provider", ""), clock.now()
    form = PriceForm(
        price_answers(provider, known.get(provider), now),
        list_provider_stats(access.requester().scope(Role.VIEWER)),
        now=now,
    )
    return render_template("cleanup/prices.html", form=form, prices=known, billing=BILLING, now=now)


@bp.post("/prices")
@require_role(Role.PLATFORM)
def change_price() -> Answer:
    """Write a price down, or forget it."""
    now = clock.now()
    form = PriceForm(request.form, list_provider_stats(access.requester().scope(Role.VIEWER)), now=now)
    if not form.validate():
        known = list_prices()
        return render_template("cleanup/prices.html", form=form, prices=known, billing=BILLING, now=now), 422
    by = access.requester().actor
    set_price(form.provider.data, form.cents(), form.currency.data, form.day(), by=by, now=now)
    return redirect(url_for("cleanup.prices"), 303)


@bp.get(".<format>")
@require_role(Role.VIEWER)
def export(format: str) -> Response | tuple[str, int]:
    """The voices that could go."""
    wanted, where, now = parse_export_format(format), scope(), clock.now()
    form = CandidatesForm(request.args, list_organizations(where), list_provider_stats(where))
    if not form.validate():
        return render_template("cleanup/index.html", form=form, filters=None), 422
    filters, compared = form.filters(), attention_thresholds()
    return stream_export(
        "clean-up",
        wanted,
        lambda: candidates_file(where, filters, compared, wanted, now=now),
        target=AuditTarget(ObjectKind.DATABASE, None, "clean-up"),
        filters=clean_up_arguments(filters),
        organizations=list_audited_organizations(where, filters.organization),
        now=now,
    )
