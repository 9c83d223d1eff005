"""The list of assistants, and its export."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for

from voiceadmin import clock
from voiceadmin.assistants.forms import AssistantFilterForm, assistant_arguments
from voiceadmin.assistants.queries import assistants_file, list_assistants
from voiceadmin.assistants.types import AssistantFilters
from voiceadmin.audit.types import AuditTarget, ObjectKind
from voiceadmin.identity import Role
from voiceadmin.organizations.queries import get_organization
from voiceadmin.pagination import DEFAULT_PAGE_SIZE
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.downloads import list_audited_organizations, parse_export_format, stream_export

bp = Blueprint("assistants", __name__)


@bp.get("/assistants")
@require_role(Role.VIEWER)
def index() -> tuple[str, int]:
    """Show the assistants that match the filters."""
    form = AssistantFilterForm(request.args)
    if not form.validate():
        return render_template("assistants/index.html", form=form, filters=None), 422
    filters = form.filters()
    organization = None if filters.organization is None else get_organization(scope(), filters.organization)
    page = list_assistants(scope(), filters)
    return render_template(
        "assistants/index.html", form=form, filters=filters, page=page, organization=organization, address=_address
    ), 200


def _address(filters: AssistantFilters) -> str:
    return url_for("assistants.index", **assistant_arguments(filters))


@bp.get("/assistants.<format>")
@require_role(Role.VIEWER)
def export(format: str) -> Response | tuple[str, int]:
    """Send the assistants that match the filters as a file."""
    file_format, own_scope = parse_export_format(format), scope()
    form = AssistantFilterForm(request.args)
    if not form.validate():
        return render_template("assistants/index.html", form=form, filters=None), 422
    filters = form.filters().with_changes(size=DEFAULT_PAGE_SIZE)
    if filters.organization is not None:
        get_organization(own_scope, filters.organization)
    return stream_export(
        "assistants",
        file_format,
        lambda: assistants_file(own_scope, filters, file_format),
        target=AuditTarget(ObjectKind.DATABASE, None, "assistants"),
        filters=assistant_arguments(filters),
        organizations=list_audited_organizations(own_scope, filters.organization),
        now=clock.now(),
    )
