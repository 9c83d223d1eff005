"""The one place that knows HTTP's numbers: every failure becomes a page, or JSON where a program asked."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from flask import Flask, Response, current_app, jsonify, render_template, request
from werkzeug.exceptions import HTTPException, SecurityError

from voiceadmin.problems import AssistantNotFound, OrganizationNotFound, Problem, StoreNotReady, VoiceNotFound
from voiceadmin.views.api import BadQuery

HTTP_STATUS: dict[type[Problem], int] = {
    AssistantNotFound: 404,
    OrganizationNotFound: 404,
    VoiceNotFound: 404,
    StoreNotReady: 503,
}

FOREIGN_HOST = "This server does not go by that name; its setting VOICEADMIN_HOSTS lists those that it goes by."
RETRY_AFTER = "5"  # seconds; as long as a writer may keep another one waiting


class Advice(NamedTuple):
    """What a page of an error says: a title, and what to do."""

    title: str
    text: str


ADVICE = {
    400: Advice("This request cannot be read", "Go back and try again from a page of voiceadmin."),
    403: Advice("Not for you", "Your role does not allow this. Ask an admin if it should."),
    404: Advice("Nothing is here", "The address may be mistyped, or what it named may be gone upstream."),
    405: Advice("This address does not take that method", "Go back and use the links and buttons of the page."),
    413: Advice("That is too large", "Send less at a time; files come in with “voiceadmin import”."),
    414: Advice("This address is too long", "Use fewer filters."),
    500: Advice(
        "Something broke on our side", "Nothing was changed. Try again; if it stays, report the reference below."
    ),
    503: Advice("The store cannot be reached", "Nothing is lost. The page works again as soon as its database does."),
}


def init_app(app: Flask, unavailable: tuple[type[Exception], ...]) -> None:
    """Handle every failure. unavailable: what the store raises when it is gone or locked."""
    app.register_error_handler(BadQuery, _bad_query)
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http)
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
    return _answer(HTTP_STATUS[type(error)], str(error), says=str(error))


def _http(error: HTTPException) -> Response | HTTPException:
    if error.code is None or error.code < 400:
        return error  # a redirect of the router
    says = FOREIGN_HOST if isinstance(error, SecurityError) else None
    response = _answer(error.code, says or error.name, says=says)
    response.headers.extend((name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After"))
    return response


def _unavailable(error: Exception) -> Response:
    current_app.logger.error("The store is unavailable: %r", str(getattr(error, "orig", error)).partition("\n")[0])
    return _answer(503, "The store is unavailable; try again shortly")


def _unexpected(error: Exception) -> Response:
    reference = secrets.token_hex(4)
    current_app.logger.error("Unexpected failure %s at %r", reference, request.path, exc_info=error)
    return _answer(500, f"Internal Server Error (reference {reference})", reference=reference)
