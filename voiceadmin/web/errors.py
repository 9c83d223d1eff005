"""The one place that knows HTTP's numbers: every failure becomes a page, or JSON where a program asked."""

from __future__ import annotations

import re
import secrets
from functools import partial
from math import ceil
from typing import NamedTuple

from flask import Flask, Response, current_app, jsonify, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.wrappers import Response as AnyResponse

from voiceadmin.errors import (
    AccountNotFound,
    AssistantNotFound,
    AuthenticationRequired,
    ChangeRefused,
    DatabaseNotReady,
    InvalidApiKey,
    KeyNotFound,
    LinkNotFound,
    LinkRefused,
    ObjectNotFound,
    OperationNotFound,
    OrganizationNotFound,
    PlanNotFound,
    Problem,
    RateLimited,
    ReauthenticationRequired,
    SelectionChanged,
    SessionNotFound,
    SignInRefused,
    VoiceNotFound,
)
from voiceadmin.web.access import SAFE_METHODS, ForeignSite, current_path, forget_requester, requester
from voiceadmin.web.query_fields import BadQuery

HTTP_STATUS: dict[type[Problem], int] = {
    AccountNotFound: 404,
    AssistantNotFound: 404,
    ChangeRefused: 409,
    OperationNotFound: 404,
    KeyNotFound: 404,
    InvalidApiKey: 401,
    LinkNotFound: 404,
    LinkRefused: 410,
    OrganizationNotFound: 404,
    PlanNotFound: 404,
    SessionNotFound: 404,
    SelectionChanged: 409,
    SignInRefused: 422,
    DatabaseNotReady: 503,
    ObjectNotFound: 404,
    RateLimited: 429,
    VoiceNotFound: 404,
}


CHALLENGE = 'Bearer realm="voiceadmin"'


FOREIGN_HOST = "This server does not go by that name; its setting VOICEADMIN_HOSTS lists those that it goes by."


FORM_TOO_OLD = "This form is too old, or was not sent from a page of ours. Load its page again, then send it."


RETRY_AFTER = "5"  # seconds; as long as a writer may keep another one waiting


class Advice(NamedTuple):
    """What a page of an error says: a title, and what to do."""

    title: str
    text: str


ADVICE = {
    400: Advice("This request cannot be read", "Go back and try again from a page of voiceadmin."),
    403: Advice("Not for you", "Your role does not allow this. Ask an admin if it should."),
    401: Advice("Sign in first", "Then you get back to where you were."),
    404: Advice("Nothing is here", "The address may be mistyped, or what it named may be gone upstream."),
    405: Advice("This address does not take that method", "Go back and use the links and buttons of the page."),
    409: Advice("That cannot be done", "Nothing was changed. Go back and choose something else."),
    410: Advice("This link is not good any more", "Whoever gave it to you can make a new one."),
    413: Advice("That is too large", "Send less at a time; files come in with “voiceadmin import”."),
    414: Advice("This address is too long", "Use fewer filters."),
    429: Advice("Too many tries", "Wait a little; nothing else has to be done."),
    500: Advice(
        "Something broke on our side", "Nothing was changed. Try again; if it stays, report the reference below."
    ),
    503: Advice("The store cannot be reached", "Nothing is lost. The page works again as soon as its database does."),
}


def init_app(app: Flask, unavailable: tuple[type[Exception], ...]) -> None:
    """Handle every failure. unavailable: what the store raises when it is gone or locked."""
    app.register_error_handler(BadQuery, _bad_query)
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(AuthenticationRequired, _sign_in)
    app.register_error_handler(ReauthenticationRequired, _confirm)
    app.register_error_handler(HTTPException, partial(_http, unavailable))
    for kind in unavailable:
        app.register_error_handler(kind, _unavailable)
    app.register_error_handler(Exception, _unexpected)


def _for_program() -> bool:
    return request.path.startswith(("/api/", "/healthz", "/readyz"))


def _answer(status: int, detail: str, *, reference: str | None = None, says: str | None = None) -> Response:
    """detail: for programs. says: the sentence of the page, where the status alone would be too general."""
    if _for_program():
        response = jsonify(detail=detail)
    else:
        advice = ADVICE.get(status, ADVICE[400 if status < 500 else 500])
        response = Response(
            render_template("errors/error.html", status=status, advice=advice, says=says, reference=reference)
        )
    response.status_code = status
    if status == 503:
        response.headers["Retry-After"] = RETRY_AFTER
    return response


def _bad_query(error: BadQuery) -> Response:
    response = jsonify(detail=error.detail)
    response.status_code = 422
    return response


def _problem(error: Problem) -> Response:
    response = _answer(HTTP_STATUS[type(error)], str(error), says=str(error))
    if isinstance(error, InvalidApiKey):
        current_app.logger.warning("Refused an API key at %r from %r", _place(), request.remote_addr)
        response.headers["WWW-Authenticate"] = f'{CHALLENGE}, error="invalid_token"'
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(max(1, ceil(error.wait)))
    return response


def _sign_in(error: AuthenticationRequired) -> AnyResponse:
    """A program is told what to send, a person is led to where to sign in, and from there back."""
    if _for_program():
        response = _answer(401, str(error))
        response.headers["WWW-Authenticate"] = CHALLENGE
        return response
    return redirect(url_for("sign_in.sign_in", next=_back()), 303)


def _confirm(error: ReauthenticationRequired) -> AnyResponse:
    return redirect(url_for("sign_in.confirm", next=_back()), 303)


def _back() -> str | None:
    """Where to come back to; what was sent with a form is not kept, so its page has to be filled in again."""
    if request.method not in SAFE_METHODS:
        return None
    address = current_path()
    return None if address == "/" else address


def _place() -> str:
    """The path for the log: what an address of a link ends with is a secret."""
    return re.sub(r"/links/.+", "/links/…", request.path, flags=re.DOTALL)


def _http(unavailable: tuple[type[Exception], ...], error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:
        return error  # a redirect of the router
    says = FOREIGN_HOST if isinstance(error, SecurityError) else None
    if isinstance(error, CSRFError | ForeignSite):
        says = FORM_TOO_OLD
    if error.code in (400, 403):
        current_app.logger.warning("Refused %s %r with %s", request.method, _place(), error.code)
    if not _for_program():
        try:
            requester()  # whom the head of the page names; the guard does not ask for every request
        except unavailable as gone:
            return _unavailable(gone)
    response = _answer(error.code, says or error.name, says=says)
    if error.code == 403 and _for_program():
        response.headers["WWW-Authenticate"] = f'{CHALLENGE}, error="insufficient_scope"'
    response.headers.extend((name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After"))
    return response


def _unavailable(error: Exception) -> Response:
    forget_requester()  # the head of the page would ask the store again
    current_app.logger.error("The store is unavailable: %r", str(getattr(error, "orig", error)).partition("\n")[0])
    return _answer(503, "The store is unavailable; try again shortly")


def _unexpected(error: Exception) -> Response:
    forget_requester()
    reference = secrets.token_hex(4)
    current_app.logger.error("Unexpected failure %s at %r", reference, _place(), exc_info=error)
    return _answer(500, f"Internal Server Error (reference {reference})", reference=reference)
