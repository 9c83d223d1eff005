"""The JSON that programs read: the platform's own list of cloned voices, what needs a person, and what describes it."""

from __future__ import annotations

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
from voiceadmin.web.conditional import compute_etag, conditional_response
from voiceadmin.web.query_fields import NOT_AN_INTEGER, BadQuery, Detail

bp = Blueprint("voices_api", __name__, url_prefix="/api/v1")


bodies = ResponseBodyCache(32 << 20)  # bytes, of each process; a list of 100,000 voices has 28 MB


REPRESENTATION = "cloned-voices/1"  # changes when the same voices are written in another way


@bp.get("/assistants/<assistant_id>/cloned-voices")
@require_role(Role.VIEWER)
def cloned_voices(assistant_id: str) -> Response:
    """All cloned voices that an assistant can use, in the platform's own shape.

    The revision that the ETag names is read with the assistant, in the same
    snapshot as the voices, so a body that is kept under it is never stale.
    Faults come first, as FastAPI has it, then the 404.
    """
    number = parse_integer(assistant_id)
    owner = None if number is None or not 1 <= number <= MAX_ID else get_assistant_organization(scope(), number)
    if owner is not None and not request.args:  # as most programs ask, every few seconds
        return _voices(*owner, VoiceQuery())
    form = VoiceQueryForm(request.args, None if owner is None else lambda: get_voice_choices(owner[0]).providers)
    detail: list[Detail] = []
    if number is None:
        place = ["path", "assistant_id"]
        detail.append({"type": "int_parsing", "loc": place, "msg": NOT_AN_INTEGER, "input": assistant_id})
    if not form.validate():
        detail += form.faults()
    if detail:
        raise BadQuery(detail)
    if owner is None:
        raise AssistantNotFound(f"Assistant with ID {assistant_id} not found")
    return _voices(*owner, form.query())


def _voices(organization_id: OrganizationId, revision: str, query: VoiceQuery) -> Response:
    etag = compute_etag(REPRESENTATION, revision, query)
    return conditional_response(etag, lambda: bodies.get(etag, lambda: build_voices_body(organization_id, query)))
