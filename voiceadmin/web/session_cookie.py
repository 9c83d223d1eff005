"""Set and delete the cookie that holds a session's token."""

from __future__ import annotations

from flask import flash, redirect, request, session, url_for
from werkzeug.wrappers import Response

from voiceadmin.web import access


def start_session(token: str, on: str = "") -> Response:
    """Give a browser the cookie of a session that has just begun, and nothing from before."""
    session.clear()  # a form's token from before must not be good any more
    response = redirect(on or url_for("overview.home"), 303)
    response.set_cookie(value=token, **access.session_cookie_options())
    return response


def client() -> str:
    """What the browser says of itself."""
    return request.headers.get("User-Agent", "")


def end_session(message: str) -> Response:
    """Take the cookies back, and lead to where one signs in."""
    session.clear()
    access.forget_requester()
    flash(message)
    response = redirect(url_for("sign_in.sign_in"), 303)
    response.delete_cookie(**access.session_cookie_options())
    return response
