"""The JSON that programs read: the platform's own list of cloned voices, what needs a person, and what describes it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from voiceadmin import clock
from voiceadmin.accounts.queries.accounts import list_assignable
from voiceadmin.errors import AssistantNotFound
from voiceadmin.identity import OrganizationId, Role
from voiceadmin.organizations.queries import get_organization, get_owner
from voiceadmin.overview.views import counts
from voiceadmin.text import MAX_ID, read_integer
from voiceadmin.triage.forms import AttentionQueryForm
from voiceadmin.triage.queries.answer import attention_answer, own_providers
from voiceadmin.triage.rules import BY_WORD
from voiceadmin.voices.forms import VoiceQueryForm
from voiceadmin.voices.queries import voice_choices, voices_answer
from voiceadmin.voices.types.filters import VoiceQuery
from voiceadmin.web import access
from voiceadmin.web.access import needs, scope
from voiceadmin.web.body_cache import Bodies
from voiceadmin.web.openapi import document
from voiceadmin.web.query_fields import NOT_AN_INTEGER, Detail

bp = Blueprint("api", __name__, url_prefix="/api/v1")


bodies = Bodies(32 << 20)  # bytes, of each process; a list of 100,000 voices has 28 MB


REPRESENTATION = "cloned-voices/1"  # changes when the same voices are written in another way


class BadQuery(Exception):
    """A query that a FastAPI server would refuse with 422. detail: every fault."""

    def __init__(self, detail: list[Detail]) -> None:
        super().__init__()
        self.detail = detail


@bp.get("/assistants/<assistant_id>/cloned-voices")
@needs(Role.VIEWER)
def cloned_voices(assistant_id: str) -> Response:
    """All cloned voices that an assistant can use, in the platform's own shape.

    The revision that the ETag names is read with the assistant, in the same
    snapshot as the voices, so a body that is kept under it is never stale.
    Faults come first, as FastAPI has it, then the 404.
    """
    number = read_integer(assistant_id)
    owner = None if number is None or not 1 <= number <= MAX_ID else get_owner(scope(), number)
    if owner is not None and not request.args:  # as most programs ask, every few seconds
        return _voices(*owner, VoiceQuery())
    form = VoiceQueryForm(request.args, None if owner is None else lambda: voice_choices(owner[0]).providers)
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


@bp.get("/attention")
@needs(Role.VIEWER)
def attention() -> Response:
    """What needs a person: counted by reason, at most a minute ago, and listed with the worst first.

    The tag is made of the answer itself, so that it moves with whatever moves
    the answer: a write, or time alone.
    """
    form = AttentionQueryForm(
        request.args,
        reasons=tuple(BY_WORD),
        own_providers=lambda: own_providers(scope()),
        people=lambda: list_assignable(scope()),
    )
    if not form.validate():
        raise BadQuery(form.faults())
    filters, where, limits, now = form.filters(), scope(), access.limits(), clock.now()
    if filters.organization is not None:
        get_organization(where, filters.organization)
    body = attention_answer(where, filters, counts(filters), limits, now=now)
    return _answer(_etag(body), lambda: body)


@bp.get("/openapi.json")
@needs(Role.ANYONE)
def openapi() -> Response:
    """The description of this API."""
    return jsonify(document())


def _voices(organization_id: OrganizationId, revision: str, query: VoiceQuery) -> Response:
    etag = _etag(REPRESENTATION, revision, query)
    return _answer(etag, lambda: bodies.get(etag, lambda: voices_answer(organization_id, query)))


def _answer(etag: str, body: Callable[[], bytes]) -> Response:
    """A body, or 304 when the program has it already."""
    if request.if_none_match.contains_weak(etag):
        response = Response(status=304)
    else:
        response = Response(body(), mimetype="application/json")
    response.set_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _etag(*parts: Any) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
