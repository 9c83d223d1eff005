"""One's own account: roles, password, sessions."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.accounts.actions import accounts, sessions
from voiceadmin.accounts.forms import PasswordForm
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
    """Who one is here, and where one is signed in."""
    return _page(PasswordForm(None, email=""))


def _page(form: PasswordForm, **more: Any) -> str:
    who, now = access.requester(), clock.now()
    idle, absolute = access.session_timeouts()
    return render_template(
        "accounts/account.html",
        account=get_own_account(who),
        sessions=list_own_sessions(who, now=now, idle=idle, absolute=absolute),
        current=who.session,
        idle=idle,
        absolute=absolute,
        form=form,
        now=now,
        **more,
    )


@bp.post("/password")
@require_role(Role.ANYONE, signed_in=True)
def password() -> Response | tuple[str, int]:
    """Choose another password. All other sessions end."""
    who = access.requester()
    form = PasswordForm(request.form, email=who.actor.name)
    if not form.validate():
        return _page(form), 422
    try:
        token = accounts.change_password(
            who, form.old.data, form.new.data, user_agent=session_cookie.client(), now=clock.now()
        )
    except (ChangeRefused, SignInRefused) as refused:
        return _page(form, says=str(refused)), 422
    response = session_cookie.start_session(token, url_for("account.show"))
    flash("Your password is changed. You are signed out everywhere else.")
    return response


@bp.post("/sessions/<id:session_id>/end")
@require_role(Role.ANYONE, signed_in=True)
def end_session(session_id: int) -> Response:
    """Sign out somewhere."""
    who = access.requester()
    sessions.end_own_session(who, session_id, now=clock.now())
    if who.session is not None and who.session.id == session_id:
        return session_cookie.end_session("You are signed out.")
    flash("That session has ended.")
    return redirect(url_for("account.show"), 303)


@bp.post("/sessions/end")
@require_role(Role.ANYONE, signed_in=True)
def end_sessions() -> Response:
    """Sign out everywhere else."""
    ended = sessions.end_other_sessions(access.requester(), now=clock.now())
    flash(f"{pluralize(ended, 'other session')} ended." if ended else "There was no other session.")
    return redirect(url_for("account.show"), 303)
