"""The page of the signed-in account: its roles, password and sessions."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.accounts.actions import passwords, sessions
from voiceadmin.accounts.forms import ChangePasswordForm
from voiceadmin.accounts.queries.accounts import get_own_account, list_own_sessions
from voiceadmin.errors import ChangeRefused, SignInRefused
from voiceadmin.identity import Role
from voiceadmin.text import pluralize
from voiceadmin.web import access, session_cookie
from voiceadmin.web.access import require_role

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("")
@require_role(Role.ANYONE, signed_in=True)
def show() -> str:
    """Show the account, its roles and its sessions."""
    return _render_page(ChangePasswordForm(None, email=""))


def _render_page(form: ChangePasswordForm, **context: Any) -> str:
    requester, now = access.requester(), clock.now()
    idle, absolute = access.session_timeouts()
    return render_template(
        "accounts/account.html",
        account=get_own_account(requester),
        sessions=list_own_sessions(requester, now=now, idle=idle, absolute=absolute),
        current=requester.session,
        idle=idle,
        absolute=absolute,
        form=form,
        now=now,
        **context,
    )


@bp.post("/password")
@require_role(Role.ANYONE, signed_in=True)
def password() -> Response | tuple[str, int]:
    """Change the password, which ends all other sessions."""
    requester = access.requester()
    form = ChangePasswordForm(request.form, email=requester.actor.name)
    if not form.validate():
        return _render_page(form), 422
    user_agent, now = session_cookie.user_agent(), clock.now()
    try:
        token = passwords.change_password(requester, form.old.data, form.new.data, user_agent=user_agent, now=now)
    except (ChangeRefused, SignInRefused) as refused:
        return _render_page(form, message=str(refused)), 422
    response = session_cookie.start_session(token, url_for("account.show"))
    flash("Your password was changed, and your other sessions have ended.")
    return response


@bp.post("/sessions/<id:session_id>/end")
@require_role(Role.ANYONE, signed_in=True)
def end_session(session_id: int) -> Response:
    """End one session of the account."""
    requester = access.requester()
    sessions.end_own_session(requester, session_id, now=clock.now())
    if requester.session is not None and requester.session.id == session_id:
        return session_cookie.end_session("You are signed out.")
    flash("The session has ended.")
    return redirect(url_for("account.show"), 303)


@bp.post("/sessions/end")
@require_role(Role.ANYONE, signed_in=True)
def end_sessions() -> Response:
    """End all other sessions of the account."""
    count = sessions.end_other_sessions(access.requester(), now=clock.now())
    flash(f"{pluralize(count, 'other session')} ended." if count else "There was no other session.")
    return redirect(url_for("account.show"), 303)
