"""Colleagues: who may do what where, and the links by which they come in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.accounts.actions import accounts
from voiceadmin.accounts.forms import GrantForm, InviteForm
from voiceadmin.accounts.queries.accounts import (
    export_accounts,
    get_account,
    list_accounts,
    list_invitations,
    list_sessions,
)
from voiceadmin.accounts.types import LINK_TTL, LinkPurpose
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.organizations.queries import list_organizations
from voiceadmin.text import pluralize
from voiceadmin.web import access
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.downloads import list_audited_organizations, parse_export_format, stream_export
from voiceadmin.web.session_cookie import end_session

bp = Blueprint("people", __name__)


Answer = Response | tuple[str, int]


@bp.get("/people")
@require_role(Role.ADMIN)
def index() -> str:
    """Everybody with a role, and the invitations that are open."""
    now = clock.now()
    return render_template(
        "accounts/people.html",
        accounts=list_accounts(scope()),
        invitations=list_invitations(scope(), now),
        whole=scope() == EVERYTHING,
        now=now,
    )


@bp.route("/people/invite", methods=["GET", "POST"])
@require_role(Role.ADMIN, recently_authenticated=True)
def invite() -> Answer:
    """Make a link for a colleague."""
    whole = scope() == EVERYTHING
    form = InviteForm(request.form if request.method == "POST" else None, list_organizations(scope()), everywhere=whole)
    if request.method != "POST":
        return render_template("accounts/invite.html", form=form), 200
    if not form.validate():
        return render_template("accounts/invite.html", form=form), 422
    token = accounts.invite(scope(), form.email.data, form.grant(), by=access.requester().actor, now=clock.now())
    return _link_page(token, LinkPurpose.INVITATION, form.email.data)


def _link_page(token: str, purpose: LinkPurpose, email: str) -> Answer:
    """Show a link, this once."""
    link = url_for("sign_in.join", token=token, _external=True)
    return render_template("accounts/link.html", link=link, purpose=purpose, email=email, lives=LINK_TTL[purpose]), 200


@bp.post("/invitations/<id:link_id>/revoke")
@require_role(Role.ADMIN, recently_authenticated=True)
def revoke(link_id: int) -> Response:
    """Take an invitation back."""
    email = accounts.revoke_link(scope(), link_id, by=access.requester().actor, now=clock.now())
    flash(f"The invitation for {email} is taken back.")
    return redirect(url_for("people.index"), 303)


@bp.get("/people/<id:account_id>")
@require_role(Role.ADMIN, recently_authenticated=True)
def show(account_id: int) -> str:
    """One person: roles, sessions, and what can be done."""
    return _page(account_id)


def _page(account_id: int, **more: Any) -> str:
    now = clock.now()
    idle, absolute = access.session_timeouts()
    account = get_account(scope(), account_id)
    organizations = list_organizations(scope())
    held = {role.organization_id for role in account.roles}
    own = account.id == access.requester().account_id
    return render_template(
        "accounts/person.html",
        account=account,
        own=own,
        whole=scope() == EVERYTHING,
        managed=scope() == EVERYTHING or not (account.platform or account.elsewhere),
        sessions=list_sessions(scope(), account_id, now=now, idle=idle, absolute=absolute),
        form=GrantForm(None, {id: name for id, name in organizations.items() if id not in held}),
        now=now,
        **more,
    )


@bp.post("/people/<id:account_id>/role")
@require_role(Role.ADMIN, recently_authenticated=True)
def change_role(account_id: int) -> Answer:
    """Give somebody another role in an organization, or none."""
    get_account(scope(), account_id)
    form = GrantForm(request.form, list_organizations(scope()), remove=True)
    if not form.validate():
        return _page(account_id, says=next(field.errors[0] for field in form if field.errors)), 422
    organization_id = int(form.organization.data)
    role = None if form.removes else Role.from_slug(form.role.data)
    email = accounts.change_role(
        scope(), account_id, organization_id, role, by=access.requester().actor, now=clock.now()
    )
    place = form.organization.choices[form.organization.data][:200]  # a cookie brings it to the next page
    flash(f"{email} is {role.label.lower() if role else 'nobody'} at {place} now, and has to sign in again.")
    return _back(account_id, still=role is not None)


def _back(account_id: int, *, still: bool = True) -> Response:
    """To the person, or to everybody where that person may be out of sight now."""
    if not still and scope() != EVERYTHING:
        return redirect(url_for("people.index"), 303)
    return redirect(url_for("people.show", account_id=account_id), 303)


@bp.post("/people/<id:account_id>/platform")
@require_role(Role.PLATFORM, recently_authenticated=True)
def make_platform(account_id: int) -> Response:
    """Make somebody an admin of the platform."""
    email = accounts.set_platform_admin(scope(), account_id, on=True, by=access.requester().actor, now=clock.now())
    flash(f"{email} is an admin of the platform now, and has to sign in again.")
    return _back(account_id)


@bp.post("/people/<id:account_id>/no-platform")
@require_role(Role.PLATFORM, recently_authenticated=True)
def unmake_platform(account_id: int) -> Response:
    """Let somebody be an admin of the platform no longer."""
    email = accounts.set_platform_admin(scope(), account_id, on=False, by=access.requester().actor, now=clock.now())
    flash(f"{email} is no admin of the platform any more, and has to sign in again.")
    return _back(account_id)


@bp.post("/people/<id:account_id>/disable")
@require_role(Role.ADMIN, recently_authenticated=True)
def disable(account_id: int) -> Response:
    """Let somebody in no more."""
    email = accounts.disable_account(scope(), account_id, by=access.requester().actor, now=clock.now())
    flash(f"{email} is disabled, and signed out everywhere.")
    return _back(account_id)


@bp.post("/people/<id:account_id>/enable")
@require_role(Role.ADMIN, recently_authenticated=True)
def enable(account_id: int) -> Response:
    """Let somebody in again."""
    email = accounts.enable_account(scope(), account_id, by=access.requester().actor, now=clock.now())
    flash(f"{email} can sign in again.")
    return _back(account_id)


@bp.post("/people/<id:account_id>/reset")
@require_role(Role.ADMIN, recently_authenticated=True)
def reset(account_id: int) -> Answer:
    """Make a link by which somebody chooses a new password."""
    account = get_account(scope(), account_id)
    if account.id == access.requester().account_id:
        raise ChangeRefused("This is your own account. Change its password on your account's page.")
    token = accounts.create_reset_link(scope(), account_id, by=access.requester().actor, now=clock.now())
    return _link_page(token, LinkPurpose.RESET, account.email)


@bp.post("/people/<id:account_id>/sessions/end")
@require_role(Role.ADMIN, recently_authenticated=True)
def end_sessions(account_id: int) -> Response:
    """Sign somebody out everywhere."""
    ended = accounts.end_account_sessions(scope(), account_id, by=access.requester().actor, now=clock.now())
    if account_id == access.requester().account_id:
        return end_session("You are signed out everywhere.")
    flash(f"{pluralize(ended, 'session')} ended." if ended else "There was no session.")
    return _back(account_id)


@bp.post("/people/sessions/end")
@require_role(Role.PLATFORM, recently_authenticated=True)
def end_all_sessions() -> Response:
    """Sign everybody out, oneself included."""
    accounts.end_all_sessions(by=access.requester().actor, now=clock.now())
    return end_session("Everybody is signed out, you too.")


@bp.get("/people.<format>")
@require_role(Role.ADMIN)
def export(format: str) -> FlaskResponse:
    """Everybody with a role."""
    wanted, where = parse_export_format(format), scope()
    return stream_export(
        "people",
        wanted,
        lambda: export_accounts(where, wanted),
        event_type=AuditEventType.PEOPLE_EXPORTED,
        target=AuditTarget(ObjectKind.DATABASE, None, "people"),
        filters={},
        organizations=list_audited_organizations(where),
        now=clock.now(),
    )
