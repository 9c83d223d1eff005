"""Pages of organizations, and of the settings of an assistant."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.assistants.queries import list_assistants
from voiceadmin.assistants.types import AssistantFilters
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.management.actions.merging import merge_organizations, undo_merge
from voiceadmin.management.actions.moving import move_assistant, remove_assistant, remove_organization
from voiceadmin.management.actions.naming import rename_assistant, rename_organization
from voiceadmin.management.forms import NameForm, OrganizationChoiceForm
from voiceadmin.management.queries import (
    find_merged_organizations,
    get_organization_summary,
    list_merges,
    list_organization_summaries,
    preview_merge,
)
from voiceadmin.management.types import UNDO_MERGE_PERIOD
from voiceadmin.organizations.queries import get_assistant, list_organization_choices
from voiceadmin.sources.actions.renewing import LATER, renew_few_verdicts
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.notices import MAX_NAME

bp = Blueprint("management", __name__)

MAX_ASSISTANTS = 100  # on the page of an organization

Page = Response | tuple[str, int]


@bp.get("/organizations")
@require_role(Role.ADMIN)
def index() -> str:
    """List the organizations that the requester administers."""
    return render_template("management/index.html", organizations=list_organization_summaries(scope()))


@bp.get("/organizations/<id:organization_id>")
@require_role(Role.ADMIN)
def organization(organization_id: int) -> Page:
    """Show an organization."""
    return _render_organization(organization_id, NameForm(), 200)


def _render_organization(organization_id: int, form: NameForm, status: int, **context: Any) -> Page:
    summary = get_organization_summary(scope(), organization_id)
    return render_template(
        "management/organization.html",
        organization=summary,
        assistants=list_assistants(scope(), AssistantFilters(organization=organization_id, size=MAX_ASSISTANTS)),
        form=form,
        merge_form=OrganizationChoiceForm(None, list_organization_choices(scope()), without=[organization_id]),
        merges=list_merges(scope(), organization_id, clock.now()) if scope() == EVERYTHING else (),
        is_platform_admin=scope() == EVERYTHING,
        undo_days=UNDO_MERGE_PERIOD.days,
        now=clock.now(),
        **context,
    ), status


@bp.post("/organizations/<id:organization_id>/name")
@require_role(Role.ADMIN)
def rename(organization_id: int) -> Page:
    """Rename an organization."""
    form = NameForm(request.form)
    if not form.validate():
        return _render_organization(organization_id, form, 422)
    rename_organization(scope(), organization_id, form.name.data, by=access.requester().actor, now=clock.now())
    flash(f"The organization is now called {_quote(form.name.data)}.")
    return _redirect_to_organization(organization_id)


@bp.get("/organizations/<id:organization_id>/merge")
@require_role(Role.PLATFORM, recently_authenticated=True)
def preview(organization_id: int) -> Page:
    """Show what merging an organization into another one would change."""
    form = OrganizationChoiceForm(request.args, list_organization_choices(scope()))
    if not form.validate():
        return _render_organization(organization_id, NameForm(), 422, message=form.organization.errors[0])
    merge = preview_merge(scope(), organization_id, form.organization.organization_id)
    return render_template("management/merge.html", merge=merge, undo_days=UNDO_MERGE_PERIOD.days), 200


@bp.post("/organizations/<id:organization_id>/merge")
@require_role(Role.PLATFORM, recently_authenticated=True)
def merge(organization_id: int) -> Page:
    """Merge an organization into another one."""
    form = OrganizationChoiceForm(request.form, list_organization_choices(scope()))
    if not form.validate():
        return _render_organization(organization_id, NameForm(), 422, message=form.organization.errors[0])
    source, target_id = get_organization_summary(scope(), organization_id), form.organization.organization_id
    merge_organizations(scope(), organization_id, target_id, by=access.requester().actor, now=clock.now())
    later = _renew_verdicts(target_id)
    flash(f"{_quote(source.name)} was merged into this organization. You can undo that below.{later}")
    return _redirect_to_organization(target_id)


@bp.post("/organizations/merges/<id:merge_id>/undo")
@require_role(Role.PLATFORM, recently_authenticated=True)
def undo(merge_id: int) -> Response:
    """Undo a merge."""
    organizations = find_merged_organizations(scope(), merge_id)
    name = undo_merge(scope(), merge_id, by=access.requester().actor, now=clock.now())
    later = _renew_verdicts(*organizations)
    flash(f"The merge was undone. {_quote(name)} has its assistants, voices and people again.{later}")
    return redirect(url_for("management.index"), 303)


def _renew_verdicts(*organization_ids: int) -> str:
    """Judge the voices of these organizations, or return a sentence that this is done later, because there are many."""
    is_done = renew_few_verdicts(organization_ids, access.attention_thresholds(), now=clock.now())
    return "" if is_done else LATER


@bp.post("/organizations/<id:organization_id>/remove")
@require_role(Role.PLATFORM, recently_authenticated=True)
def remove(organization_id: int) -> Response:
    """Remove an empty organization."""
    name = remove_organization(scope(), organization_id, by=access.requester().actor, now=clock.now())
    flash(f"The organization {_quote(name)} was removed.")
    return redirect(url_for("management.index"), 303)


def _quote(name: str) -> str:
    """Return a name for a message."""
    return f"“{name[:MAX_NAME]}”"


def _redirect_to_organization(organization_id: int) -> Response:
    return redirect(url_for("management.organization", organization_id=organization_id), 303)


# Assistants


@bp.get("/assistants/<id:assistant_id>/settings")
@require_role(Role.ADMIN)
def assistant(assistant_id: int) -> Page:
    """Show the settings of an assistant."""
    return _render_assistant(assistant_id, NameForm(), 200)


def _render_assistant(assistant_id: int, form: NameForm, status: int, **context: Any) -> Page:
    row = get_assistant(scope(), assistant_id)
    move_form = OrganizationChoiceForm(None, list_organization_choices(scope()), without=[row.organization.id])
    return render_template(
        "management/assistant.html",
        assistant=row,
        organization=get_organization_summary(scope(), row.organization.id),
        form=form,
        move_form=move_form,
        **context,
    ), status


@bp.post("/assistants/<id:assistant_id>/name")
@require_role(Role.ADMIN)
def rename_one_assistant(assistant_id: int) -> Page:
    """Rename an assistant."""
    form = NameForm(request.form)
    if not form.validate():
        return _render_assistant(assistant_id, form, 422)
    rename_assistant(scope(), assistant_id, form.name.data, by=access.requester().actor, now=clock.now())
    flash(f"The assistant is now called {_quote(form.name.data)}.")
    return _redirect_to_assistant(assistant_id)


@bp.post("/assistants/<id:assistant_id>/move")
@require_role(Role.ADMIN, recently_authenticated=True)
def move(assistant_id: int) -> Page:
    """Move an assistant to another organization."""
    form = OrganizationChoiceForm(request.form, list_organization_choices(scope()))
    if not form.validate():
        return _render_assistant(assistant_id, NameForm(), 422, message=form.organization.errors[0])
    target_id = form.organization.organization_id
    move_assistant(scope(), assistant_id, target_id, by=access.requester().actor, now=clock.now())
    flash(f"The assistant was moved to {_quote(form.organization.organization_name)}.")
    return _redirect_to_assistant(assistant_id)


@bp.post("/assistants/<id:assistant_id>/remove")
@require_role(Role.ADMIN, recently_authenticated=True)
def remove_one_assistant(assistant_id: int) -> Response:
    """Remove an assistant."""
    name = remove_assistant(scope(), assistant_id, by=access.requester().actor, now=clock.now())
    flash(f"The assistant {_quote(name)} was removed.")
    return redirect(url_for("assistants.index"), 303)


def _redirect_to_assistant(assistant_id: int) -> Response:
    return redirect(url_for("management.assistant", assistant_id=assistant_id), 303)
