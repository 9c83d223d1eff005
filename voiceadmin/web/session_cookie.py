"""Set and delete the cookie with the token of a session."""

from __future__ import annotations

from flask import flash, redirect, request, session, url_for
from werkzeug.wrappers import Response

from voiceadmin import clock
from voiceadmin.accounts.actions.sessions import sign_out
from voiceadmin.web import access


def start_session(token: str, next_path: str = "") -> Response:
    """Redirect to a path, by default the overview, with the cookie of a new session, and end the browser's former one.

    Clears Flask's own session, so that CSRF tokens from before the sign-in are void.
    """
    former = access.requester()
    if former.session is not None:
        sign_out(former, now=clock.now())
    session.clear()
    access.replace_session_token(token)
    response = redirect(next_path or url_for("overview.home"), 303)
    response.set_cookie(value=token, **access.session_cookie_options())
    return response


def end_session(message: str) -> Response:
    """Redirect to the sign-in page, which shows a message, and delete the cookies."""
    session.clear()
    access.replace_session_token("")
    access.forget_requester()
    flash(message)
    response = redirect(url_for("sign_in.sign_in"), 303)
    response.delete_cookie(**access.session_cookie_options())
    return response


def user_agent() -> str:
    """Return the User-Agent header of this request, "" without one."""
    return request.headers.get("User-Agent", "")
