"""The JSON route of the platform: the cloned voices of an assistant."""

from __future__ import annotations

from contextlib import nullcontext

from flask import Blueprint, Response, request

from voiceadmin.errors import AssistantNotFound
from voiceadmin.identity import OrganizationId, Role
from voiceadmin.organizations.queries import get_assistant_organization
from voiceadmin.text import MAX_ID, parse_integer
from voiceadmin.voices.forms import VoiceQueryForm
from voiceadmin.voices.queries import build_voices_body, get_voice_choices
from voiceadmin.voices.types.filters import VoiceQuery
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.body_cache import ResponseBodyCache
from voiceadmin.web.conditional import compute_etag, conditional_response, is_current
from voiceadmin.web.large_responses import large_response
from voiceadmin.web.query_fields import NOT_AN_INTEGER, BadQuery, Detail

bp = Blueprint("voices_api", __name__, url_prefix="/api/v1")


# Bytes per process. The response for 100,000 voices has 28 MB, so the largest expected list still fits.
bodies = ResponseBodyCache(32 << 20)


LARGE_BODY = 4 << 20  # bytes; about 15,000 voices


# Organizations that had a large body in this process. A requester gets only a few of their bodies at the same time.
large_lists: set[OrganizationId] = set()


# Part of the ETag. Change it whenever the same voices are written differently.
REPRESENTATION = "cloned-voices/1"


@bp.get("/assistants/<assistant_id>/cloned-voices")
@require_role(Role.VIEWER, snapshot=False)
def cloned_voices(assistant_id: str) -> Response:
    """Return all cloned voices that an assistant can use, in the platform's format.

    As in FastAPI, invalid parameters are reported before a missing assistant.
    """
    id = parse_integer(assistant_id)
    owner = None if id is None or not 1 <= id <= MAX_ID else get_assistant_organization(scope(), id)
    if owner is not None and not request.args:  # the usual request of polling programs: skip the form
        return _voices(*owner, VoiceQuery())
    form = VoiceQueryForm(request.args, None if owner is None else lambda: get_voice_choices(owner[0]).providers)
    detail: list[Detail] = []
    if id is None:
        location = ["path", "assistant_id"]
        detail.append({"type": "int_parsing", "loc": location, "msg": NOT_AN_INTEGER, "input": assistant_id})
    if not form.validate():
        detail += form.error_details()
    if detail:
        raise BadQuery(detail)
    if owner is None:
        raise AssistantNotFound(f"Assistant with ID {assistant_id} not found")
    return _voices(*owner, form.query())


def _voices(organization_id: OrganizationId, revision: str, query: VoiceQuery) -> Response:
    """Return the response for a revision, or that for a newer one if the voices change in the meantime."""
    etag = compute_etag(REPRESENTATION, revision, query)
    body = b"" if is_current(etag) else bodies.find(etag)
    if body is None:
        revision, body = _build_body(organization_id, query)
        etag = compute_etag(REPRESENTATION, revision, query)
        bodies.store(etag, body)
    return conditional_response(body, etag)


def _build_body(organization_id: OrganizationId, query: VoiceQuery) -> tuple[str, bytes]:
    with large_response() if organization_id in large_lists else nullcontext():
        revision, body = build_voices_body(organization_id, query)
    if len(body) > LARGE_BODY:
        large_lists.add(organization_id)
    return revision, body
