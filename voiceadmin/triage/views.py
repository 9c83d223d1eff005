"""The queue of what needs a person, the worst first."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from voiceadmin import clock
from voiceadmin.accounts.queries.accounts import list_assignable_accounts
from voiceadmin.audit.types import AuditTarget, ObjectKind
from voiceadmin.identity import NOTHING, Role
from voiceadmin.operations.bulk import Answer, act_on_all, bar
from voiceadmin.operations.types import MOST_AT_ONCE
from voiceadmin.organizations.queries import list_organizations
from voiceadmin.triage.counts import counts
from voiceadmin.triage.forms import QueueForm, queue_arguments
from voiceadmin.triage.queries.answer import own_providers
from voiceadmin.triage.queries.queue import list_queue, list_queue_refs, queue_file
from voiceadmin.triage.rules import RULES, RULES_BY_SLUG
from voiceadmin.triage.types import NOBODY, QueueFilters, TriageAction
from voiceadmin.voices.types.provider import provider_label
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.downloads import list_audited_organizations, parse_export_format, stream_export
from voiceadmin.web.stats_cache import get_stats_cache

bp = Blueprint("triage", __name__)


ACTS = (TriageAction.ACKNOWLEDGE, TriageAction.ASSIGN, TriageAction.SNOOZE, TriageAction.NOTE, TriageAction.ARCHIVE)


@bp.get("/triage")
@require_role(Role.VIEWER)
def index() -> tuple[str, int]:
    """A page of the queue."""
    form = _form()
    if not form.validate():
        return render_template("triage/index.html", form=form, filters=None), 422
    filters, now = form.filters(), clock.now()
    operates = access.requester().scope(Role.OPERATOR)
    return render_template(
        "triage/index.html",
        form=form,
        filters=filters,
        queue=list_queue(scope(), filters, access.attention_thresholds(), now=now),
        tabs=_tabs(filters),
        chosen=_words(form, filters),
        address=_address,
        operates=operates,
        bar=bar(operates),
        acts=ACTS,
        acting=operates != NOTHING,
        arguments=queue_arguments(filters.with_changes()),
        now=now,
    ), 200


def _form() -> QueueForm:
    return QueueForm(
        request.args,
        reasons={rule.slug: rule.label for rule in RULES},
        organizations=list_organizations(scope()),
        providers=_providers(),
        people=list_assignable_accounts(scope()),
        me=access.requester().account_id,
    )


def _providers() -> list[str]:
    where, now = scope(), clock.now()
    return get_stats_cache().get(("providers of", where), lambda: own_providers(where), now=now).stats


def _tabs(filters: QueueFilters) -> list[tuple[str, str, int]]:
    """Each reason that there is: its word, its label and how many there are, under the other filters."""
    return [(word, RULES_BY_SLUG[word].label, number) for word, number in counts(filters).items()]


def _words(form: QueueForm, filters: QueueFilters) -> list[str]:
    """The filters in use, in words."""
    words = [RULES_BY_SLUG[word].label for word in filters.reasons]
    if filters.organization is not None:
        words.append(form.organization.words[str(filters.organization)])
    words += [provider_label(provider) for provider in filters.providers]
    if filters.assignee:
        words.append("nobody’s" if filters.assignee == NOBODY else form.assignee.words[form.assignee.data])
    if filters.muted:
        words.append(form.muted.words["yes"])
    return words


def _address(filters: QueueFilters) -> str:
    return url_for("triage.index", **queue_arguments(filters))


@bp.route("/triage/all", methods=["GET", "POST"])
@require_role(Role.OPERATOR)
def all_matching() -> Answer:
    """Do something to all that the filters of the queue match."""
    form = _form()
    if not form.validate():
        return render_template("triage/index.html", form=form, filters=None), 422
    filters, now, where, limits = form.filters(), clock.now(), scope(), access.attention_thresholds()

    def find() -> Any:
        return list_queue_refs(where, filters, limits, now=now, most=MOST_AT_ONCE + 1)

    return act_on_all(
        find, of="lines of the queue", what=_words(form, filters), back=_address(filters.with_changes()), acts=ACTS
    )


@bp.get("/triage.<format>")
@require_role(Role.VIEWER)
def export(format: str) -> Response | tuple[str, int]:
    """The whole queue as a file."""
    wanted, form = parse_export_format(format), _form()
    if not form.validate():
        return render_template("triage/index.html", form=form, filters=None), 422
    filters, where, limits, now = form.filters().with_changes(), scope(), access.attention_thresholds(), clock.now()
    return stream_export(
        "triage",
        wanted,
        lambda: queue_file(where, filters, limits, wanted, now=now),
        target=AuditTarget(ObjectKind.DATABASE, None, "triage"),
        filters=queue_arguments(filters),
        organizations=list_audited_organizations(where, filters.organization),
        now=now,
    )
