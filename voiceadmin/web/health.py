"""For whatever watches the process: is it up, and can it work."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from voiceadmin.database.schema import check_schema_version
from voiceadmin.identity import Role
from voiceadmin.web.access import require_role

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@require_role(Role.ANYONE)
def healthz() -> dict[str, Any]:
    """The process answers."""
    return {"status": "up"}


@bp.get("/readyz")
@require_role(Role.ANYONE)
def readyz() -> dict[str, Any]:
    """The store is reachable and migrated; otherwise this is a 503."""
    check_schema_version()
    return {"status": "ready"}
