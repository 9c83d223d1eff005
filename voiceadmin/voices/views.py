"""The voice list of an assistant, its export and code samples, and the page of one voice."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from voiceadmin import clock
from voiceadmin.activity.queries import list_activity
from voiceadmin.audit.types import AuditFilters, AuditTarget, ObjectKind, ObjectRef
from voiceadmin.history.queries import read_use_history
from voiceadmin.history.sparklines import draw_bars
from voiceadmin.history.trends import DAYS_NEEDED
from voiceadmin.identity import Role
from voiceadmin.operations.bulk import FilteredList, ViewResponse, build_action_bar, respond_for_all
from voiceadmin.organizations.queries import get_assistant
from voiceadmin.organizations.types import AssistantRow
from voiceadmin.pagination import DEFAULT_PAGE_SIZE
from voiceadmin.sources.evidence import collect_evidence
from voiceadmin.sources.queries import find_last_read
from voiceadmin.text import DAY
from voiceadmin.triage.queries.items import list_queue_items
from voiceadmin.triage.types import TriageAction
from voiceadmin.voices.code_samples import build_code_samples
from voiceadmin.voices.exporting.queries import export_matching_voices, list_matching_ids
from voiceadmin.voices.forms import VoiceFilterForm, validate_voice_filters, voice_arguments, voice_query
from voiceadmin.voices.json_body import voice_to_json
from voiceadmin.voices.listing.queries import list_voices
from voiceadmin.voices.queries import get_voice, get_voice_choices
from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.types.rows import VoiceDetail
from voiceadmin.voices.types.status import VoiceStatus
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.downloads import parse_export_format, stream_export
from voiceadmin.web.template_filters import describe_filters, display_name

bp = Blueprint("voices", __name__)


# Bulk actions of the voice list.
ACTIONS = (
    TriageAction.ARCHIVE,
    TriageAction.RESTORE,
    TriageAction.ASSIGN,
    TriageAction.SNOOZE,
    TriageAction.NOTE,
)

OUTDATED = 2 * DAY  # since the last complete sync, after which a page says that a history ends earlier


@bp.get("/assistants/<id:assistant_id>/voices")
@require_role(Role.VIEWER)
def index(assistant_id: int) -> ViewResponse:
    """Show one page of the voices of an assistant."""
    assistant = get_assistant(scope(), assistant_id)
    form = _read_filters(assistant)
    if form.errors:
        return _reject_filters(assistant, form)
    filters, now, operator_scope = form.filters(), clock.now(), access.requester().scope(Role.OPERATOR)
    return render_template(
        "voices/index.html",
        assistant=assistant,
        form=form,
        filters=filters,
        voices=list_voices(assistant.organization.id, filters, now=now),
        address=partial(_build_url, url_for("voices.index", assistant_id=assistant_id)),
        samples=build_code_samples(assistant.id, filters),
        code=_build_url(url_for("voices.code", assistant_id=assistant_id), filters.with_changes()),
        bar=build_action_bar(operator_scope) if operator_scope.covers(assistant.organization.id) else None,
        actions=ACTIONS,
        all_address=_build_url(url_for("voices.all_matching", assistant_id=assistant_id), filters.with_changes()),
        now=now,
    ), 200


@bp.get("/assistants/<id:assistant_id>/voices/code")
@require_role(Role.VIEWER)
def code(assistant_id: int) -> ViewResponse:
    """Show code samples that read the voices of a list."""
    assistant = get_assistant(scope(), assistant_id)
    form = _read_filters(assistant)
    if form.errors:
        return _reject_filters(assistant, form)
    filters = form.filters().with_changes()
    return render_template(
        "voices/code_samples.html",
        assistant=assistant,
        samples=build_code_samples(assistant.id, filters),
        what=[description for description, _ in describe_filters(filters)],
        back=_build_url(url_for("voices.index", assistant_id=assistant_id), filters),
    ), 200


@bp.route("/assistants/<id:assistant_id>/voices/all", methods=["GET", "POST"])
@require_role(Role.OPERATOR)
def all_matching(assistant_id: int) -> ViewResponse:
    """Confirm and apply an action to all voices that match the filters."""
    assistant, now = get_assistant(scope(), assistant_id), clock.now()
    organization = assistant.organization.id
    form = _read_filters(assistant)
    if form.errors:
        return _reject_filters(assistant, form)
    filters = form.filters().with_changes()
    return respond_for_all(
        FilteredList(
            find=lambda: [ObjectRef(ObjectKind.VOICE, id) for id in list_matching_ids(organization, filters, now)],
            title=f"voices of {display_name(assistant.organization.name)}",
            filters=[description for description, _ in describe_filters(filters)],
            url=_build_url(url_for("voices.index", assistant_id=assistant_id), filters),
            actions=ACTIONS,
        )
    )


def _read_filters(assistant: AssistantRow) -> VoiceFilterForm:
    choices = get_voice_choices(assistant.organization.id)
    return validate_voice_filters(tuple(request.args.items(multi=True)), choices)


def _reject_filters(assistant: AssistantRow, form: VoiceFilterForm) -> tuple[str, int]:
    return render_template("voices/index.html", assistant=assistant, form=form, filters=None), 422


def _build_url(path: str, filters: VoiceFilters) -> str:
    return path + voice_query(filters)


@bp.get("/voices/<id:voice_id>")
@require_role(Role.VIEWER)
def show(voice_id: int) -> str:
    """Show one voice with its findings, assistants, timeline, fields and JSON."""
    detail, now, requester = get_voice(scope(), voice_id), clock.now(), access.requester()
    using_assistants = detail.assistants[: detail.using_assistant_count]
    refs = [ObjectRef(ObjectKind.ASSISTANT, assistant.id) for assistant in using_assistants]
    line, *others = list_queue_items(
        [ObjectRef(ObjectKind.VOICE, voice_id), *refs], access.attention_thresholds(), now=now
    )
    timeline, more = list_activity(requester, AuditFilters(voice=voice_id))
    operator_scope = requester.scope(Role.OPERATOR)
    return render_template(
        "voices/show.html",
        detail=detail,
        json=json.dumps(voice_to_json(detail.voice), ensure_ascii=False, indent=2),
        line=line,
        others=[other for other in others if other.reasons],
        timeline=timeline,
        more=more,
        operates=operator_scope,
        bar=build_action_bar(operator_scope) if operator_scope.covers(detail.organization.id) else None,
        actions=_list_actions(detail, has_reasons=bool(line.reasons)),
        confirms_archive=_confirms_archive(detail),
        evidence=collect_evidence(
            detail, now=now, cloning_timeout=access.attention_thresholds().cloning_timeout(detail.voice.provider)
        ),
        **_build_use_history(voice_id, now),
        now=now,
    )


def _build_use_history(voice_id: int, now: datetime) -> dict[str, Any]:
    """Return what the page shows of the use of a voice over time."""
    read_at = find_last_read(voice_id) or now
    history = read_use_history(voice_id, read_at=read_at)
    chart = draw_bars(history.counts if history else [])
    is_outdated = now - read_at > OUTDATED
    return {"use_history": history, "chart": chart, "is_outdated": is_outdated, "DAY": DAY, "TREND_DAYS": DAYS_NEEDED}


def _list_actions(detail: VoiceDetail, *, has_reasons: bool) -> list[TriageAction]:
    """Return the actions that apply to a voice without further confirmation."""
    actions = [TriageAction.ACKNOWLEDGE, TriageAction.SNOOZE] if has_reasons else []
    actions += [TriageAction.ASSIGN, TriageAction.NOTE]
    if detail.archive:
        actions.append(TriageAction.RESTORE)
    elif not _confirms_archive(detail):
        actions.append(TriageAction.ARCHIVE)
    if detail.deletion:
        actions.append(TriageAction.UNMARK_DELETED)
    elif detail.voice.status is VoiceStatus.ARCHIVED and detail.voice.provider_voice_id:
        actions.append(TriageAction.MARK_DELETED)
    return actions


def _confirms_archive(detail: VoiceDetail) -> bool:
    """Return whether the page asks for confirmation before it archives the voice, because assistants use it."""
    return detail.archive is None and detail.using_assistant_count > 0


@bp.get("/assistants/<id:assistant_id>/voices.<format>")
@require_role(Role.VIEWER)
def export(assistant_id: int, format: str) -> Response | tuple[str, int]:
    """Download all voices that match the filters as a file."""
    export_format, assistant, now = parse_export_format(format), get_assistant(scope(), assistant_id), clock.now()
    organization = assistant.organization.id
    form = _read_filters(assistant)
    if form.errors:
        return _reject_filters(assistant, form)
    filters = form.filters().with_changes(size=DEFAULT_PAGE_SIZE)
    return stream_export(
        f"voices-{assistant.id}",
        export_format,
        lambda: export_matching_voices(organization, filters, export_format, now),
        target=AuditTarget(ObjectKind.ASSISTANT, assistant.id, assistant.name),
        filters=voice_arguments(filters),
        organizations=[organization],
        now=now,
    )
