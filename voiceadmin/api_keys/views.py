"""Pages of API keys: the list, a new key, and revoking one."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.api_keys.forms import ApiKeyForm
from voiceadmin.api_keys.queries import export_api_keys, list_api_keys
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.identity import EVERYTHING, Role, Scope
from voiceadmin.organizations.queries import find_example_assistant, list_organization_choices
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.downloads import list_audited_organizations, parse_export_format, stream_export

bp = Blueprint("api_keys", __name__)


@bp.get("/api-keys")
@require_role(Role.ADMIN)
def index() -> str:
    """List the API keys, expired and revoked ones included."""
    return render_template("api_keys/index.html", keys=list_api_keys(scope()), now=clock.now())


@bp.route("/api-keys/new", methods=["GET", "POST"])
@require_role(Role.ADMIN, recently_authenticated=True)
def new() -> tuple[str, int]:
    """Create an API key and show it once."""
    data = request.form if request.method == "POST" else None
    form = ApiKeyForm(data, list_organization_choices(scope()), offer_all=scope() == EVERYTHING)
    if data is None:
        return render_template("api_keys/new.html", form=form), 200
    if not form.validate():
        return render_template("api_keys/new.html", form=form), 422
    now = clock.now()
    ids = form.organization_ids()
    secret = create_api_key(
        scope(),
        form.name.data,
        ids,
        expires_at=form.expires_at(now),
        by=access.requester().actor,
        now=now,
    )
    url = _example_url(scope() if ids is None else Scope(ids))
    return render_template("api_keys/created.html", key=secret, name=form.name.data, url=url), 200


def _example_url(readable: Scope) -> str:
    """Return the address of the cloned voices of an assistant that the key reads, or with a placeholder for its id."""
    path = url_for("voices_api.cloned_voices", assistant_id=find_example_assistant(readable, 0) or "ASSISTANT_ID")
    return request.host_url.rstrip("/") + path


@bp.post("/api-keys/<id:key_id>/revoke")
@require_role(Role.ADMIN, recently_authenticated=True)
def revoke(key_id: int) -> Response:
    """Revoke an API key."""
    name = revoke_api_key(scope(), key_id, by=access.requester().actor, now=clock.now())
    flash(f"The API key “{name}” was revoked. Requests with it are refused.")
    return redirect(url_for("api_keys.index"), 303)


@bp.get("/api-keys.<format>")
@require_role(Role.ADMIN)
def export(format: str) -> FlaskResponse:
    """Download the list of API keys, without the keys themselves."""
    file_format, visible = parse_export_format(format), scope()
    return stream_export(
        "keys",
        file_format,
        lambda: export_api_keys(visible, file_format),
        event_type=AuditEventType.KEYS_EXPORTED,
        target=AuditTarget(ObjectKind.DATABASE, None, "keys"),
        filters={},
        organizations=list_audited_organizations(visible),
        now=clock.now(),
    )
