"""Error handlers: turn exceptions into pages, or into JSON for requests to the API."""

from __future__ import annotations

import re
import secrets
from math import ceil
from typing import NamedTuple

from flask import Flask, Response, current_app, jsonify, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.wrappers import Response as AnyResponse

from voiceadmin.config import COMMAND
from voiceadmin.database.unavailable import describe_unavailable, first_line
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
    SourceNotFound,
    SourceRefused,
    VoiceNotFound,
)
from voiceadmin.web.access import SAFE_METHODS, ForeignSite, current_path, forget_requester, requester
from voiceadmin.web.hosts import InvalidPrefix
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
    SourceNotFound: 404,
    SourceRefused: 409,
    SignInRefused: 422,
    DatabaseNotReady: 503,
    ObjectNotFound: 404,
    RateLimited: 429,
    VoiceNotFound: 404,
}


CHALLENGE = 'Bearer realm="voiceadmin"'


UNKNOWN_HOST = "This server does not accept that host name. Add the name to VOICEADMIN_HOSTS."


INVALID_PREFIX = "The proxy sends an X-Forwarded-Prefix header that is not a path such as /voices. Correct it."


FORM_TOO_OLD = "This form has expired. Load the page again, then send the form."


FORM_WITHOUT_COOKIE = (
    "The browser did not send the cookie of this form. Use HTTPS and allow cookies for this site, load the page again, "
    "then send the form."
)


FORM_OF_ANOTHER_SITE = "The form was sent from a page of another site. Load the page of this site, then send the form."


FORM_OF_ANOTHER_ADDRESS = (
    "The browser sent this form to {origin}, but the proxy reported {reported}. Set {header} in the proxy, and "
    "VOICEADMIN_PROXIES to the number of proxies."
)


RETRY_AFTER = "5"  # seconds; the lock timeout of SQLite


class Advice(NamedTuple):
    """Title and advice of an error page."""

    title: str
    text: str


ADVICE = {
    400: Advice("Invalid request", "Go back and use the links and buttons of the page."),
    403: Advice("Access denied", "Your role does not allow this action. Ask an admin for another role if you need it."),
    401: Advice("Sign in required", "After you sign in, you return to this page."),
    404: Advice("Page not found", "Check the address. The object may have been deleted."),
    405: Advice("Method not allowed", "Go back and use the links and buttons of the page."),
    409: Advice("Action not possible", "Nothing was changed. Go back and choose another action."),
    410: Advice("This link is no longer valid", "Ask the person who sent it for a new link."),
    413: Advice("Request too large", f"Send less data at a time. Import files with “{COMMAND} import”."),
    414: Advice("Address too long", "Use fewer filters."),
    429: Advice("Too many requests", "Wait a moment, then try again."),
    500: Advice(
        "Internal error",
        "Nothing was changed. Try again. If the error remains, report the reference below to your administrator.",
    ),
    503: Advice(
        "Database unavailable",
        "No data is lost. Try again in a moment; the page works again once the database can be reached.",
    ),
}


def init_app(app: Flask) -> None:
    """Register the error handlers."""
    app.register_error_handler(BadQuery, _respond_to_bad_query)
    app.register_error_handler(Problem, _respond_to_problem)
    app.register_error_handler(AuthenticationRequired, _request_sign_in)
    app.register_error_handler(ReauthenticationRequired, _request_reauthentication)
    app.register_error_handler(HTTPException, _respond_to_http_error)
    app.register_error_handler(SQLAlchemyError, _respond_to_database_error)
    app.register_error_handler(Exception, _respond_to_unexpected_error)


def _wants_json() -> bool:
    return request.path.startswith(("/api/", "/healthz", "/readyz"))


def _error_response(
    status: int,
    detail: str,
    *,
    reference: str | None = None,
    message: str | None = None,
    for_administrator: bool = False,
) -> Response:
    """Build an error response.

    Args:
        status: the HTTP status.
        detail: the message for programs.
        reference: the identifier of the error in the log, if it is logged with a traceback.
        message: a sentence for the page that is more specific than the advice for the status.
        for_administrator: whether only a change of the settings helps.
    """
    if _wants_json():
        response = jsonify(detail=detail)
    else:
        advice = ADVICE.get(status, ADVICE[400 if status < 500 else 500])
        if for_administrator:
            advice = advice._replace(text="Report this to the administrator of this server.")
        response = Response(
            render_template("errors/error.html", status=status, advice=advice, message=message, reference=reference)
        )
    response.status_code = status
    if status == 503:
        response.headers["Retry-After"] = RETRY_AFTER
    return response


def _respond_to_bad_query(error: BadQuery) -> Response:
    response = jsonify(detail=error.detail)
    response.status_code = 422
    return response


def _respond_to_problem(error: Problem) -> Response:
    response = _error_response(HTTP_STATUS[type(error)], str(error), message=str(error))
    if isinstance(error, InvalidApiKey):
        current_app.logger.warning("Refused an API key at %r from %r", _loggable_path(), request.remote_addr)
        response.headers["WWW-Authenticate"] = f'{CHALLENGE}, error="invalid_token"'
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(max(1, ceil(error.wait)))
    return response


def _request_sign_in(error: AuthenticationRequired) -> AnyResponse:
    """Return 401 for API requests; redirect a browser to the sign-in page, which returns here afterwards."""
    if _wants_json():
        response = _error_response(401, str(error))
        response.headers["WWW-Authenticate"] = CHALLENGE
        return response
    return redirect(url_for("sign_in.sign_in", next=_return_path()), 303)


def _request_reauthentication(error: ReauthenticationRequired) -> AnyResponse:
    return redirect(url_for("sign_in.confirm", next=_return_path()), 303)


def _return_path() -> str | None:
    """Return the path to continue with after signing in; None after a POST, whose form data is not stored."""
    if request.method not in SAFE_METHODS:
        return None
    address = current_path()
    return None if address == f"{request.script_root}/" else address


def _loggable_path() -> str:
    """Return the request path for the log, without the secret token of a one-time link."""
    return re.sub(r"/links/.+", "/links/…", request.path, flags=re.DOTALL)


def _respond_to_http_error(error: HTTPException) -> AnyResponse | HTTPException:
    if error.code is None or error.code < 400:
        return error  # a redirect of the router
    if error.code == 404 and (address := _find_without_slash()) is not None:
        return redirect(address, 308)
    message, for_administrator = _explain(error)
    if error.code in (400, 403):
        current_app.logger.warning("Refused %s %r with %s", request.method, _loggable_path(), error.code)
    if not _wants_json():
        try:
            requester()  # shown in the page header; the access check does not read it for every request
        except SQLAlchemyError as cause:
            return _respond_to_database_error(cause)
    response = _error_response(error.code, message or error.name, message=message, for_administrator=for_administrator)
    if error.code == 403 and _wants_json():
        response.headers["WWW-Authenticate"] = f'{CHALLENGE}, error="insufficient_scope"'
    response.headers.extend((name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After"))
    return response


def _find_without_slash() -> str | None:
    """Return the address of this request without a final slash if a route has it, None otherwise."""
    path = request.path.rstrip("/")
    if request.url_rule is not None or path in ("", request.path):
        return None
    try:
        current_app.url_map.bind_to_environ(request.environ).match(path, method=request.method)
    except HTTPException:
        return None
    return request.script_root + path + (f"?{request.query_string.decode('latin-1')}" if request.query_string else "")


def _explain(error: HTTPException) -> tuple[str | None, bool]:
    """Return a sentence that is more specific than the advice for the status, and whether only the settings help."""
    if isinstance(error, SecurityError):
        return UNKNOWN_HOST, True
    if isinstance(error, InvalidPrefix):
        return INVALID_PREFIX, True
    if isinstance(error, CSRFError):
        has_cookie = error.description != "The CSRF session token is missing."
        return FORM_TOO_OLD if has_cookie else FORM_WITHOUT_COOKIE, False
    return _explain_foreign_site(error) if isinstance(error, ForeignSite) else (None, False)


def _explain_foreign_site(error: ForeignSite) -> tuple[str, bool]:
    """Explain which check refused a form: it is of another site, or a proxy does not pass the address on."""
    header = error.find_missing_header()
    if header is None:
        return FORM_OF_ANOTHER_SITE, False
    text = FORM_OF_ANOTHER_ADDRESS.format(origin=error.origin, reported=request.host_url.rstrip("/"), header=header)
    current_app.logger.error("Check the proxy: %s", text)
    return text, True


def _respond_to_database_error(error: SQLAlchemyError) -> Response:
    description = describe_unavailable(error)
    if description is None:
        return _respond_to_unexpected_error(error)
    forget_requester()  # the page header would query the database again
    current_app.logger.error("The database is unavailable: %s (%r)", description, first_line(error))
    return _error_response(503, "The store is unavailable; try again shortly")  # as JSON clients know it


def _respond_to_unexpected_error(error: Exception) -> Response:
    forget_requester()
    reference = secrets.token_hex(4)
    current_app.logger.error("Unexpected failure %s at %r", reference, _loggable_path(), exc_info=error)
    return _error_response(500, f"Internal Server Error (reference {reference})", reference=reference)
