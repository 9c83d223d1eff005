"""Pages of people: who has an account, their roles and sessions, and open invitations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import Response as FlaskResponse
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.accounts.actions import links, roles, state
from voiceadmin.accounts.forms import GrantForm, create_invite_form
from voiceadmin.accounts.queries.accounts import (
    export_accounts,
    get_account,
    list_accounts,
    list_invitations,
    list_sessions,
)
from voiceadmin.accounts.types import LINK_TTL, MAX_INVITED, LinkPurpose
from voiceadmin.api_keys.queries import count_keys_without_creator
from voiceadmin.audit.types import AuditEventType, AuditTarget, ObjectKind
from voiceadmin.errors import ChangeRefused
from voiceadmin.identity import EVERYTHING, Role
from voiceadmin.organizations.queries import list_organization_choices
from voiceadmin.text import pluralize
from voiceadmin.web import access, session_cookie
from voiceadmin.web.access import require_role, scope
from voiceadmin.web.downloads import list_audited_organizations, parse_export_format, stream_export
from voiceadmin.web.notices import MAX_NAME, add_notice

bp = Blueprint("people", __name__)

Page = Response | tuple[str, int]


@bp.get("/people")
@require_role(Role.ADMIN)
def index() -> str:
    """List the accounts that have a role, and the open invitations."""
    now = clock.now()
    return render_template(
        "accounts/people.html",
        accounts=list_accounts(scope()),
        invitations=list_invitations(scope(), now),
        is_platform_admin=scope() == EVERYTHING,
        now=now,
    )


@bp.route("/people/invite", methods=["GET", "POST"])
@require_role(Role.ADMIN, recently_authenticated=True)
def invite() -> Page:
    """Create invitations and show their links."""
    data = request.form if request.method == "POST" else None
    form = create_invite_form(data, list_organization_choices(scope()), offer_platform=scope() == EVERYTHING)
    if data is None or not form.validate():
        page = render_template("accounts/invite.html", form=form, max_invited=MAX_INVITED)
        return page, 200 if data is None else 422
    tokens = links.create_invitations(
        scope(), form.addresses, form.grants(), by=access.requester().actor, now=clock.now()
    )
    return _render_links(tokens, LinkPurpose.INVITATION)


def _render_links(tokens: Mapping[str, str], purpose: LinkPurpose) -> Page:
    """Show links, by e-mail. This is the only time: the database has the hashes of their tokens."""
    links = {email: url_for("sign_in.accept_link", token=token, _external=True) for email, token in tokens.items()}
    return render_template("accounts/one_time_links.html", links=links, purpose=purpose, ttl=LINK_TTL[purpose]), 200


@bp.post("/invitations/<id:link_id>/revoke")
@require_role(Role.ADMIN, recently_authenticated=True)
def revoke(link_id: int) -> Response:
    """Revoke an open invitation."""
    email = links.revoke_invitation(scope(), link_id, by=access.requester().actor, now=clock.now())
    flash(f"The invitation for {email} was revoked.")
    return redirect(url_for("people.index"), 303)


@bp.get("/people/<id:account_id>")
@require_role(Role.ADMIN, recently_authenticated=True)
def show(account_id: int) -> str:
    """Show an account, its roles and its sessions."""
    return _render_page(account_id)


def _render_page(account_id: int, **context: Any) -> str:
    now = clock.now()
    idle, absolute = access.session_timeouts()
    account = get_account(scope(), account_id)
    organizations_with_role = {role.organization_id for role in account.roles}
    return render_template(
        "accounts/person.html",
        account=account,
        is_own=account.id == access.requester().account_id,
        is_platform_admin=scope() == EVERYTHING,
        is_manageable=scope() == EVERYTHING or not (account.platform or account.has_other_roles),
        sessions=list_sessions(scope(), account_id, now=now, idle=idle, absolute=absolute),
        form=GrantForm(None, list_organization_choices(scope()), without=organizations_with_role),
        now=now,
        **context,
    )


@bp.post("/people/<id:account_id>/role")
@require_role(Role.ADMIN, recently_authenticated=True)
def change_role(account_id: int) -> Page:
    """Change or remove the role of an account in an organization."""
    get_account(scope(), account_id)
    form = GrantForm(request.form, list_organization_choices(scope()), offer_removal=True)
    if not form.validate():
        return _render_page(account_id, message=next(field.errors[0] for field in form if field.errors)), 422
    organization_id = form.organization.organization_id
    role = None if form.removes_role else Role.from_slug(form.role.data)
    by, now = access.requester().actor, clock.now()
    email = roles.change_role(scope(), account_id, organization_id, role, by=by, now=now)
    name = form.organization.organization_name[:MAX_NAME]
    if role is None:
        _add_notice(f"{email} has no role at {name} any more.", email)
    else:
        label = role.label.lower()
        _add_notice(f"The role of {email} at {name} is now {label}. They have to sign in again to use it.", email)
    return _redirect_to_account(account_id, is_visible=role is not None)


def _add_notice(text: str, email: str) -> None:
    """Show a message on the next page, with the number of active keys that an account cannot manage any more."""
    count = count_keys_without_creator(scope(), email, clock.now())
    if count:
        add_notice({"text": f"{text} Active API keys that this account created: {count}.", "links_to_keys": True})
    else:
        flash(text)


def _redirect_to_account(account_id: int, *, is_visible: bool = True) -> Response:
    """Redirect to an account, or to the list if the account may have no role left in the scope."""
    if not is_visible and scope() != EVERYTHING:
        return redirect(url_for("people.index"), 303)
    return redirect(url_for("people.show", account_id=account_id), 303)


@bp.post("/people/<id:account_id>/platform")
@require_role(Role.PLATFORM, recently_authenticated=True)
def make_platform(account_id: int) -> Response:
    """Make an account a platform admin."""
    email = roles.set_platform_admin(scope(), account_id, on=True, by=access.requester().actor, now=clock.now())
    flash(f"{email} is now a platform admin, and has to sign in again.")
    return _redirect_to_account(account_id)


@bp.post("/people/<id:account_id>/no-platform")
@require_role(Role.PLATFORM, recently_authenticated=True)
def unmake_platform(account_id: int) -> Response:
    """Remove the role of platform admin from an account."""
    email = roles.set_platform_admin(scope(), account_id, on=False, by=access.requester().actor, now=clock.now())
    _add_notice(f"{email} is not a platform admin any more, and has to sign in again.", email)
    return _redirect_to_account(account_id)


@bp.post("/people/<id:account_id>/disable")
@require_role(Role.ADMIN, recently_authenticated=True)
def disable(account_id: int) -> Response:
    """Disable an account."""
    email = state.disable_account(scope(), account_id, by=access.requester().actor, now=clock.now())
    _add_notice(f"The account {email} is disabled, and its sessions have ended.", email)
    return _redirect_to_account(account_id)


@bp.post("/people/<id:account_id>/enable")
@require_role(Role.ADMIN, recently_authenticated=True)
def enable(account_id: int) -> Response:
    """Enable a disabled account."""
    email = state.enable_account(scope(), account_id, by=access.requester().actor, now=clock.now())
    flash(f"The account {email} is enabled, and can sign in again.")
    return _redirect_to_account(account_id)


@bp.post("/people/<id:account_id>/reset")
@require_role(Role.ADMIN, recently_authenticated=True)
def reset(account_id: int) -> Page:
    """Create a password reset link and show it."""
    account = get_account(scope(), account_id)
    if account.id == access.requester().account_id:
        raise ChangeRefused("This is your own account. Change your password on the page “Your account”.")
    token = links.create_reset_link(scope(), account_id, by=access.requester().actor, now=clock.now())
    return _render_links({account.email: token}, LinkPurpose.RESET)


@bp.post("/people/<id:account_id>/sessions/end")
@require_role(Role.ADMIN, recently_authenticated=True)
def end_sessions(account_id: int) -> Response:
    """End the sessions of an account, in the own organizations only if it has roles elsewhere."""
    count = state.end_account_sessions(scope(), account_id, by=access.requester().actor, now=clock.now())
    if account_id == access.requester().account_id:
        return session_cookie.end_session("All your sessions have ended. Sign in again.")
    flash(f"{pluralize(count, 'session')} ended." if count else "There was no session.")
    return _redirect_to_account(account_id)


@bp.post("/people/sessions/end")
@require_role(Role.PLATFORM, recently_authenticated=True)
def end_all_sessions() -> Response:
    """End the sessions of all accounts, the requester's included."""
    state.end_all_sessions(by=access.requester().actor, now=clock.now())
    return session_cookie.end_session("All users are signed out, you included.")


@bp.get("/people.<format>")
@require_role(Role.ADMIN)
def export(format: str) -> FlaskResponse:
    """Download the accounts that have a role."""
    file_format, visible = parse_export_format(format), scope()
    return stream_export(
        "people",
        file_format,
        lambda: export_accounts(visible, file_format),
        event_type=AuditEventType.PEOPLE_EXPORTED,
        target=AuditTarget(ObjectKind.DATABASE, None, "people"),
        filters={},
        organizations=list_audited_organizations(visible),
        now=clock.now(),
    )
