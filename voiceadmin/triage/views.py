"""The triage queue: its page, actions on all matching items, and its export."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import Blueprint, Response, render_template, request, url_for

from voiceadmin import clock
from voiceadmin.accounts.queries.accounts import list_assignable_accounts
from voiceadmin.audit.types import AuditTarget, ObjectKind, ObjectRef
from voiceadmin.identity import NOTHING, Role
from voiceadmin.operations.bulk import FilteredList, ViewResponse, build_action_bar, respond_for_all
from voiceadmin.operations.types import MAX_OBJECTS
from voiceadmin.organizations.queries import list_organization_choices
from voiceadmin.triage.counting import get_reason_counts
from voiceadmin.triage.forms import MINE, QueueForm, queue_arguments
from voiceadmin.triage.queries.attention import list_providers_in_scope
from voiceadmin.triage.queries.export import export_queue
from voiceadmin.triage.queries.queue import list_queue, list_queue_refs
from voiceadmin.triage.rules import RULES, RULES_BY_SLUG
from voiceadmin.triage.types import UNASSIGNED, QueueFilters, TriageAction
from voiceadmin.voices.types.provider import provider_label
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.downloads import list_audited_organizations, parse_export_format, stream_export

bp = Blueprint("triage", __name__)


# In the order of the buttons.
ACTIONS = (
    TriageAction.ACKNOWLEDGE,
    TriageAction.ASSIGN,
    TriageAction.SNOOZE,
    TriageAction.NOTE,
    TriageAction.ARCHIVE,
)


@bp.get("/triage")
@require_role(Role.VIEWER)
def index() -> tuple[str, int]:
    """Show a page of the queue."""
    form = _build_form()
    if not form.validate():
        return render_template("triage/index.html", form=form, filters=None), 422
    filters, now = form.filters(), clock.now()
    operated = access.requester().scope(Role.OPERATOR)
    return render_template(
        "triage/index.html",
        form=form,
        filters=filters,
        queue=list_queue(scope(), filters, access.attention_thresholds(), now=now),
        tabs=_build_tabs(filters, now),
        active_filters=_describe_filters(form, filters),
        url_with=_build_url,
        operated=operated,
        managed=access.requester().scope(Role.ADMIN),
        bar=build_action_bar(operated),
        actions=ACTIONS,
        can_act=operated != NOTHING,
        all_matching_url=url_for("triage.all_matching", **queue_arguments(filters.with_changes())),
        now=now,
    ), 200


def _build_form() -> QueueForm:
    return QueueForm(
        request.args,
        reasons={rule.slug: rule.label for rule in RULES},
        organizations=list_organization_choices(scope()),
        providers=list_providers_in_scope(scope()),
        people=list_assignable_accounts(scope()),
        me=access.requester().account_id,
    )


def _build_tabs(filters: QueueFilters, now: datetime) -> list[tuple[str, str, int]]:
    """Return the slug, the label and the number of findings of each reason, under the other filters."""
    return [(slug, RULES_BY_SLUG[slug].label, count) for slug, count in get_reason_counts(filters, now).items()]


def _describe_filters(form: QueueForm, filters: QueueFilters) -> list[str]:
    """Return the active filters in words."""
    words = [RULES_BY_SLUG[slug].label for slug in filters.reasons]
    if filters.organization is not None:
        words.append(form.organization.organization_name)
    words += [provider_label(provider) for provider in filters.providers]
    if filters.assignee:
        words.append("Unassigned" if filters.assignee == UNASSIGNED else f"Assigned to {_name_assignee(form)}")
    if filters.muted:
        words.append(form.muted.choices["yes"])
    return words


def _name_assignee(form: QueueForm) -> str:
    return "me" if form.assignee.data == MINE else form.assignee.choices[form.assignee.data]


def _build_url(filters: QueueFilters) -> str:
    return url_for("triage.index", **queue_arguments(filters))


@bp.route("/triage/all", methods=["GET", "POST"])
@require_role(Role.OPERATOR)
def all_matching() -> ViewResponse:
    """Apply an action to all items that match the filters."""
    form = _build_form()
    if not form.validate():
        return render_template("triage/index.html", form=form, filters=None), 422
    filters, now, operated, thresholds = form.filters(), clock.now(), scope(), access.attention_thresholds()

    def find() -> Sequence[ObjectRef]:
        return list_queue_refs(operated, filters, thresholds, now=now, limit=MAX_OBJECTS + 1)

    return respond_for_all(
        FilteredList(
            find=find,
            title="entries of the triage queue",
            filters=_describe_filters(form, filters),
            url=_build_url(filters.with_changes()),
            actions=ACTIONS,
        )
    )


@bp.get("/triage.<format>")
@require_role(Role.VIEWER)
def export(format: str) -> Response | tuple[str, int]:
    """Export the queue as a file."""
    export_format, form = parse_export_format(format), _build_form()
    if not form.validate():
        return render_template("triage/index.html", form=form, filters=None), 422
    filters, visible = form.filters().with_changes(), scope()
    thresholds, now = access.attention_thresholds(), clock.now()
    return stream_export(
        "triage",
        export_format,
        lambda: export_queue(visible, filters, thresholds, export_format, now=now),
        target=AuditTarget(ObjectKind.DATABASE, None, "triage"),
        filters=queue_arguments(filters),
        organizations=list_audited_organizations(visible, filters.organization),
        now=now,
    )
