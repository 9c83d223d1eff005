"""The attention API: findings as JSON."""

from __future__ import annotations

from flask import Blueprint, Response, request

from voiceadmin import clock
from voiceadmin.accounts.queries.accounts import list_assignable_accounts
from voiceadmin.identity import Role
from voiceadmin.organizations.queries import get_organization
from voiceadmin.triage.counts import counts
from voiceadmin.triage.forms import AttentionQueryForm
from voiceadmin.triage.queries.answer import attention_answer, own_providers
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.conditional import compute_etag, conditional_response
from voiceadmin.web.query_fields import BadQuery

bp = Blueprint("triage_api", __name__, url_prefix="/api/v1")


@bp.get("/attention")
@require_role(Role.VIEWER)
def attention() -> Response:
    """What needs a person: counted by reason, at most a minute ago, and listed with the worst first.

    The tag is made of the answer itself, so that it moves with whatever moves
    the answer: a write, or time alone.
    """
    form = AttentionQueryForm(
        request.args,
        reasons=tuple(RULES_BY_SLUG),
        own_providers=lambda: own_providers(scope()),
        people=lambda: list_assignable_accounts(scope()),
    )
    if not form.validate():
        raise BadQuery(form.faults())
    filters, where, limits, now = form.filters(), scope(), access.attention_thresholds(), clock.now()
    if filters.organization is not None:
        get_organization(where, filters.organization)
    body = attention_answer(where, filters, counts(filters), limits, now=now)
    return conditional_response(compute_etag(body), lambda: body)
