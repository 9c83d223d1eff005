"""The attention API: what needs attention as JSON."""

from __future__ import annotations

from flask import Blueprint, Response, request

from voiceadmin import clock
from voiceadmin.accounts.queries.accounts import list_assignable_accounts
from voiceadmin.identity import Role
from voiceadmin.organizations.queries import get_organization
from voiceadmin.triage.counting import get_reason_counts
from voiceadmin.triage.forms import AttentionQueryForm
from voiceadmin.triage.queries.attention import build_attention_body, list_providers_in_scope
from voiceadmin.triage.rules import RULES_BY_SLUG
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.conditional import compute_etag, conditional_response
from voiceadmin.web.query_fields import BadQuery

bp = Blueprint("triage_api", __name__, url_prefix="/api/v1")


@bp.get("/attention")
@require_role(Role.VIEWER)
def attention() -> Response:
    """Return what needs attention: counts by reason, and a list, worst first.

    The ETag is a hash of the body, because findings also change with time, without any write.
    """
    form = AttentionQueryForm(
        request.args,
        reasons=tuple(RULES_BY_SLUG),
        own_providers=lambda: list_providers_in_scope(scope()),
        people=lambda: list_assignable_accounts(scope()),
    )
    if not form.validate():
        raise BadQuery(form.error_details())
    filters, visible = form.filters(), scope()
    if filters.organization is not None:
        get_organization(visible, filters.organization)
    now = clock.now()
    counts = get_reason_counts(filters, now)
    body = build_attention_body(visible, filters, counts, access.attention_thresholds(), now=now)
    return conditional_response(body, compute_etag(body))
