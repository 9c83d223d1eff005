"""Health checks for monitoring: liveness and readiness."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app

from voiceadmin.database.readiness import check_writable
from voiceadmin.database.schema import check_schema_version
from voiceadmin.errors import DatabaseNotReady
from voiceadmin.identity import Role
from voiceadmin.web.access import require_role
from voiceadmin.web.errors import RETRY_AFTER

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@require_role(Role.ANYONE)
def healthz() -> dict[str, Any]:
    """Report that the process responds."""
    return {"status": "up"}


@bp.get("/readyz")
@require_role(Role.ANYONE)
def readyz() -> tuple[dict[str, Any], int, dict[str, str]]:
    """Report that the database is reachable, migrated and writable; respond 503 otherwise. Writes nothing."""
    try:
        check_schema_version()
        check_writable()
    except DatabaseNotReady as error:
        current_app.logger.warning("Not ready: %s", error)  # anyone may read the response
        return {"status": "not ready"}, 503, {"Retry-After": RETRY_AFTER}
    return {"status": "ready"}, 200, {}
