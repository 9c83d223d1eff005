"""The voices of an assistant, and one voice by itself."""

from __future__ import annotations

import json
from functools import partial

from flask import Blueprint, Response, render_template, request, url_for

from voiceadmin import clock
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditFilters, AuditTarget, ObjectKind, ObjectRef
from voiceadmin.identity import Role
from voiceadmin.operations.bulk import Answer, act_on_all, bar
from voiceadmin.organizations.queries import get_assistant
from voiceadmin.pagination import DEFAULT_PAGE_SIZE
from voiceadmin.triage.queries.queue import lines_of
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.exporting.queries import export_matching_voices, list_matching_ids
from voiceadmin.voices.forms import VoiceFilterForm, voice_arguments, voice_query
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.queries import get_voice, get_voice_choices
from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.downloads import parse_export_format, stream_export
from voiceadmin.web.template_filters import describe_filters, display_name

bp = Blueprint("voices", __name__)


ACTS = (TriageAction.ARCHIVE, TriageAction.RESTORE, TriageAction.ASSIGN, TriageAction.SNOOZE, TriageAction.NOTE)


@bp.get("/assistants/<id:assistant_id>/voices")
@require_role(Role.VIEWER)
def index(assistant_id: int) -> tuple[str, int]:
    """The cloned voices of one assistant, filtered."""
    assistant = get_assistant(scope(), assistant_id)
    form = VoiceFilterForm(request.args, get_voice_choices(assistant.organization.id))
    if not form.validate():
        return render_template("voices/index.html", assistant=assistant, form=form, filters=None), 422
    filters, now, operates = form.filters(), clock.now(), access.requester().scope(Role.OPERATOR)
    voices = list_voices(assistant.organization.id, filters, now=now)
    return render_template(
        "voices/index.html",
        assistant=assistant,
        form=form,
        filters=filters,
        voices=voices,
        address=partial(_address, url_for("voices.index", assistant_id=assistant_id)),
        samples=build_code_samples(assistant.id, filters),
        code=_address(url_for("voices.code", assistant_id=assistant_id), filters.with_changes()),
        bar=bar(operates) if operates.covers(assistant.organization.id) else None,
        acts=ACTS,
        all_address=_address(url_for("voices.all_matching", assistant_id=assistant_id), filters.with_changes()),
        now=now,
    ), 200


@bp.get("/assistants/<id:assistant_id>/voices/code")
@require_role(Role.VIEWER)
def code(assistant_id: int) -> Answer:
    """How a program gets the voices that the filters choose."""
    assistant = get_assistant(scope(), assistant_id)
    form = VoiceFilterForm(request.args, get_voice_choices(assistant.organization.id))
    if not form.validate():
        return render_template("voices/index.html", assistant=assistant, form=form, filters=None), 422
    filters = form.filters().with_changes()
    return render_template(
        "voices/code.html",
        assistant=assistant,
        samples=build_code_samples(assistant.id, filters),
        what=[words for words, _ in describe_filters(filters)],
        back=_address(url_for("voices.index", assistant_id=assistant_id), filters),
    ), 200


@bp.route("/assistants/<id:assistant_id>/voices/all", methods=["GET", "POST"])
@require_role(Role.OPERATOR)
def all_matching(assistant_id: int) -> Answer:
    """Do something to all voices that the filters match."""
    assistant, now = get_assistant(scope(), assistant_id), clock.now()
    organization = assistant.organization.id
    form = VoiceFilterForm(request.args, get_voice_choices(organization))
    if not form.validate():
        return render_template("voices/index.html", assistant=assistant, form=form, filters=None), 422
    filters = form.filters().with_changes()
    return act_on_all(
        lambda: [ObjectRef(ObjectKind.VOICE, id) for id in list_matching_ids(organization, filters, now)],
        of=f"voices of {display_name(assistant.organization.name)}",
        what=[words for words, _ in describe_filters(filters)],
        back=_address(url_for("voices.index", assistant_id=assistant_id), filters),
        acts=ACTS,
    )


def _address(path: str, filters: VoiceFilters) -> str:
    return path + voice_query(filters)


@bp.get("/voices/<id:voice_id>")
@require_role(Role.VIEWER)
def show(voice_id: int) -> str:
    """One voice: every field, its assistants and its JSON."""
    detail, now, who = get_voice(scope(), voice_id), clock.now(), access.requester()
    record = voice_to_json(detail.voice)
    ref = ObjectRef(ObjectKind.VOICE, voice_id)
    set_to_it = [ObjectRef(ObjectKind.ASSISTANT, one.id) for one in detail.assistants[: detail.using_assistant_count]]
    line, *others = lines_of([ref, *set_to_it], access.attention_thresholds(), now=now)
    timeline, more = list_activity(who, AuditFilters(voice=voice_id))
    operates = who.scope(Role.OPERATOR)
    return render_template(
        "voices/show.html",
        detail=detail,
        record=record,
        json=json.dumps(record, ensure_ascii=False, indent=2),
        line=line,
        others=[other for other in others if other.reasons],
        timeline=timeline,
        more=more,
        operates=operates,
        bar=bar(operates) if operates.covers(detail.organization.id) else None,
        now=now,
    )


@bp.get("/assistants/<id:assistant_id>/voices.<format>")
@require_role(Role.VIEWER)
def export(assistant_id: int, format: str) -> Response | tuple[str, int]:
    """The cloned voices of one assistant."""
    wanted, assistant, now = parse_export_format(format), get_assistant(scope(), assistant_id), clock.now()
    organization = assistant.organization.id
    form = VoiceFilterForm(request.args, get_voice_choices(organization))
    if not form.validate():
        return render_template("voices/index.html", assistant=assistant, form=form, filters=None), 422
    filters = form.filters().with_changes(size=DEFAULT_PAGE_SIZE)
    return stream_export(
        f"voices-{assistant.id}",
        wanted,
        lambda: export_matching_voices(organization, filters, wanted, now),
        target=AuditTarget(ObjectKind.ASSISTANT, assistant.id, assistant.name),
        filters=voice_arguments(filters),
        organizations=[organization],
        now=now,
    )
