"""The voices of an assistant, and one voice by itself."""

from __future__ import annotations

import json
from functools import partial

from flask import Blueprint, render_template, request, url_for

from voiceadmin import clock
from voiceadmin.access import needs, scope
from voiceadmin.forms.filters import VoiceFilterForm, voice_query
from voiceadmin.queries.assistants import get_assistant
from voiceadmin.queries.voice_lists import list_voices
from voiceadmin.queries.voices import get_voice, voice_choices, voice_record
from voiceadmin.shapes import VoiceFilters
from voiceadmin.views.code import code_samples
from voiceadmin.vocabulary import Role

bp = Blueprint("voices", __name__)


@bp.get("/assistants/<id:assistant_id>/voices")
@needs(Role.VIEWER)
def index(assistant_id: int) -> tuple[str, int]:
    """The cloned voices of one assistant, filtered."""
    assistant = get_assistant(scope(), assistant_id)
    form = VoiceFilterForm(request.args, voice_choices(assistant.organization.id))
    if not form.validate():
        return render_template("voices/index.html", assistant=assistant, form=form, filters=None), 422
    filters, now = form.filters(), clock.now()
    voices = list_voices(assistant.organization.id, filters, now=now)
    return render_template(
        "voices/index.html",
        assistant=assistant,
        form=form,
        filters=filters,
        voices=voices,
        address=partial(_address, url_for("voices.index", assistant_id=assistant_id)),
        samples=code_samples(assistant.id, filters),
        now=now,
    ), 200


def _address(path: str, filters: VoiceFilters) -> str:
    return path + voice_query(filters)


@bp.get("/voices/<id:voice_id>")
@needs(Role.VIEWER)
def show(voice_id: int) -> str:
    """One voice: every field, its assistants and its JSON."""
    detail = get_voice(scope(), voice_id)
    record = voice_record(detail.voice)
    as_json = json.dumps(record, ensure_ascii=False, indent=2)
    return render_template("voices/show.html", detail=detail, record=record, json=as_json, now=clock.now())
