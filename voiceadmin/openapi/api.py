"""The route of the OpenAPI document."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from voiceadmin.identity import Role
from voiceadmin.openapi.document import build_document
from voiceadmin.web.access import require_role

bp = Blueprint("openapi", __name__, url_prefix="/api/v1")


@bp.get("/openapi.json")
@require_role(Role.ANYONE)
def openapi() -> Response:
    """Return the OpenAPI document."""
    return jsonify(build_document())
