"""The page that compares the providers, and its export."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for

from voiceadmin import clock
from voiceadmin.audit.types import AuditTarget, ObjectKind
from voiceadmin.identity import Role
from voiceadmin.organizations.queries import list_organization_choices
from voiceadmin.providers.forms import ProviderFilterForm
from voiceadmin.providers.queries import list_provider_stats, providers_file
from voiceadmin.providers.statistics import MIN_SAMPLE_SIZE, compare_failure_rates, format_percent
from voiceadmin.web.access import current_settings, require_role, scope
from voiceadmin.web.downloads import list_audited_organizations, parse_export_format, stream_export

bp = Blueprint("providers", __name__)


@bp.get("/providers")
@require_role(Role.VIEWER)
def index() -> tuple[str, int]:
    """Show the statistics of every provider that has voices."""
    form = ProviderFilterForm(request.args, list_organization_choices(scope()))
    if not form.validate():
        return render_template("providers/index.html", form=form, providers=None), 422
    organization_id, now = form.organization.organization_id, clock.now()
    selected = scope().narrow(organization_id)
    providers = list_provider_stats(selected, now=now)
    return render_template(
        "providers/index.html",
        form=form,
        providers=providers,
        organization=None if organization_id is None else form.organization.organization_name,
        covers_all=selected.organizations is None,
        contrast=compare_failure_rates(providers),
        min_sample_size=MIN_SAMPLE_SIZE,
        format_percent=format_percent,
        slot_limits=_slot_limits(),
        address=url_for("providers.index", organization=organization_id),
        now=now,
    ), 200


@bp.get("/providers.<format>")
@require_role(Role.VIEWER)
def export(format: str) -> Response | tuple[str, int]:
    """Send the statistics as a file."""
    file_format = parse_export_format(format)
    form = ProviderFilterForm(request.args, list_organization_choices(scope()))
    if not form.validate():
        return render_template("providers/index.html", form=form, providers=None), 422
    organization_id, now = form.organization.organization_id, clock.now()
    providers = list_provider_stats(scope().narrow(organization_id), now=now)
    return stream_export(
        "providers",
        file_format,
        lambda: providers_file(providers, _slot_limits(), now, file_format),
        target=AuditTarget(ObjectKind.DATABASE, None, "providers"),
        filters={} if organization_id is None else {"organization": organization_id},
        organizations=list_audited_organizations(scope(), organization_id),
        now=now,
    )


def _slot_limits() -> dict[str, int]:
    return dict(current_settings().slots)
