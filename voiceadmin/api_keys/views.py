"""API keys: those that there are, and new ones."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.api_keys.actions import create_api_key, revoke_api_key
from voiceadmin.api_keys.forms import KeyForm
from voiceadmin.api_keys.queries import export_api_keys, list_api_keys
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.identity import EVERYTHING, Role, Scope
from voiceadmin.organizations.queries import find_example_assistant, list_organizations
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.downloads import list_audited_organizations, parse_export_format, stream_export

bp = Blueprint("api_keys", __name__, url_prefix="/api-keys")


@bp.get("")
@require_role(Role.ADMIN)
def index() -> str:
    """All keys, those that work no more included."""
    return render_template("api_keys/index.html", keys=list_api_keys(scope()), now=clock.now())


@bp.route("/new", methods=["GET", "POST"])
@require_role(Role.ADMIN, recently_authenticated=True)
def new() -> tuple[str, int]:
    """Make a key, and show it this once."""
    sent = request.form if request.method == "POST" else None
    organizations = list_organizations(scope())
    form = KeyForm(sent, organizations, everywhere=scope() == EVERYTHING)
    if sent is None:
        return render_template("api_keys/new.html", form=form), 200
    if not form.validate():
        return render_template("api_keys/new.html", form=form), 422
    now = clock.now()
    key = create_api_key(
        scope(),
        form.name.data,
        form.chosen(),
        expires_at=form.expires_at(now),
        by=access.requester().actor,
        now=now,
    )
    chosen = form.chosen()
    example = find_example_assistant(scope() if chosen is None else Scope(chosen), 0)
    address = request.host_url.rstrip("/") + url_for("voices_api.cloned_voices", assistant_id=example or "ASSISTANT_ID")
    return render_template("api_keys/created.html", key=key, name=form.name.data, address=address), 200


@bp.post("/<id:key_id>/revoke")
@require_role(Role.ADMIN, recently_authenticated=True)
def revoke(key_id: int) -> Response:
    """Let a key open nothing any more."""
    name = revoke_api_key(scope(), key_id, by=access.requester().actor, now=clock.now())
    flash(f"The key “{name}” opens nothing any more.")
    return redirect(url_for("api_keys.index"), 303)


@bp.get(".<format>")
@require_role(Role.ADMIN)
def export(format: str) -> FlaskResponse:
    """The API keys, without what they open with."""
    wanted, where = parse_export_format(format), scope()
    return stream_export(
        "keys",
        wanted,
        lambda: export_api_keys(where, wanted),
        event_type=AuditEventType.KEYS_EXPORTED,
        target=AuditTarget(ObjectKind.DATABASE, None, "keys"),
        filters={},
        organizations=list_audited_organizations(where),
        now=clock.now(),
    )
