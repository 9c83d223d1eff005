"""The list of assistants, which is also the way in."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for

from voiceadmin.assistants.forms import AssistantFilterForm, assistant_arguments
from voiceadmin.assistants.queries import list_assistants
from voiceadmin.assistants.types import AssistantFilters
from voiceadmin.identity import Role
from voiceadmin.organizations.queries import get_organization
from voiceadmin.web.access import needs, scope

bp = Blueprint("assistants", __name__)


@bp.get("/assistants")
@needs(Role.VIEWER)
def index() -> tuple[str, int]:
    """All assistants, or those that a search finds."""
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
