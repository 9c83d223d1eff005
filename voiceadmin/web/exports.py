"""Every list as a file: all rows that the filters of its page choose, in the order of the page."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from voiceadmin import clock
from voiceadmin.accounts.queries.accounts import people_file
from voiceadmin.api_keys.queries import keys_file
from voiceadmin.assistants.forms import AssistantFilterForm, assistant_arguments
from voiceadmin.assistants.queries import assistants_file
from voiceadmin.audit.types import AuditWord, ObjectKind, Thing
from voiceadmin.cleanup.forms import CandidatesForm, clean_up_arguments
from voiceadmin.cleanup.queries.candidates import candidates_file, list_providers
from voiceadmin.identity import Role
from voiceadmin.organizations.queries import get_assistant, get_organization, list_organizations
from voiceadmin.pagination import DEFAULT_PAGE_SIZE
from voiceadmin.voices.exporting.queries import matching_file
from voiceadmin.voices.forms import VoiceFilterForm, voice_arguments
from voiceadmin.voices.queries import voice_choices
from voiceadmin.web.access import limits, needs, scope
from voiceadmin.web.downloads import called, organizations_of, send_file

bp = Blueprint("exports", __name__)


@bp.get("/assistants/<id:assistant_id>/voices.<format>")
@needs(Role.VIEWER)
def voices(assistant_id: int, format: str) -> Response | tuple[str, int]:
    """The cloned voices of one assistant."""
    wanted, assistant, now = called(format), get_assistant(scope(), assistant_id), clock.now()
    organization = assistant.organization.id
    form = VoiceFilterForm(request.args, voice_choices(organization))
    if not form.validate():
        return render_template("voices/index.html", assistant=assistant, form=form, filters=None), 422
    filters = form.filters().but(size=DEFAULT_PAGE_SIZE)
    return send_file(
        f"voices-{assistant.id}",
        wanted,
        lambda: matching_file(organization, filters, wanted, now),
        thing=Thing(ObjectKind.ASSISTANT, assistant.id, assistant.name),
        filters=voice_arguments(filters),
        organizations=[organization],
        now=now,
    )


@bp.get("/assistants.<format>")
@needs(Role.VIEWER)
def assistants(format: str) -> Response | tuple[str, int]:
    """The assistants."""
    wanted, where = called(format), scope()
    form = AssistantFilterForm(request.args)
    if not form.validate():
        return render_template("assistants/index.html", form=form, filters=None), 422
    filters = form.filters().but(size=DEFAULT_PAGE_SIZE)
    if filters.organization is not None:
        get_organization(where, filters.organization)
    return send_file(
        "assistants",
        wanted,
        lambda: assistants_file(where, filters, wanted),
        thing=Thing(ObjectKind.STORE, None, "assistants"),
        filters=assistant_arguments(filters),
        organizations=organizations_of(where, filters.organization),
        now=clock.now(),
    )


@bp.get("/clean-up.<format>")
@needs(Role.VIEWER)
def candidates(format: str) -> Response | tuple[str, int]:
    """The voices that could go."""
    wanted, where, now = called(format), scope(), clock.now()
    form = CandidatesForm(request.args, list_organizations(where), list_providers(where))
    if not form.validate():
        return render_template("cleanup/index.html", form=form, filters=None), 422
    filters, compared = form.filters(), limits()
    return send_file(
        "clean-up",
        wanted,
        lambda: candidates_file(where, filters, compared, wanted, now=now),
        thing=Thing(ObjectKind.STORE, None, "clean-up"),
        filters=clean_up_arguments(filters),
        organizations=organizations_of(where, filters.organization),
        now=now,
    )


@bp.get("/people.<format>")
@needs(Role.ADMIN)
def people(format: str) -> Response:
    """Everybody with a role."""
    wanted, where = called(format), scope()
    return send_file(
        "people",
        wanted,
        lambda: people_file(where, wanted),
        word=AuditWord.PEOPLE_EXPORTED,
        thing=Thing(ObjectKind.STORE, None, "people"),
        filters={},
        organizations=organizations_of(where),
        now=clock.now(),
    )


@bp.get("/keys.<format>")
@needs(Role.ADMIN)
def keys(format: str) -> Response:
    """The API keys, without what they open with."""
    wanted, where = called(format), scope()
    return send_file(
        "keys",
        wanted,
        lambda: keys_file(where, wanted),
        word=AuditWord.KEYS_EXPORTED,
        thing=Thing(ObjectKind.STORE, None, "keys"),
        filters={},
        organizations=organizations_of(where),
        now=clock.now(),
    )
