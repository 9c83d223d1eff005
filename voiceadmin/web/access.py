"""Access control: identify the requester, and refuse the request unless the role suffices.

The requester is an account with a session, an API key, or anonymous. Each view
declares the lowest role that may use it; a view that declares none is refused.
A view passes the scope, the organizations in which the requester has that
role, to its queries, which find nothing outside of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask.wrappers import Request, Response
from flask_wtf.csrf import CSRFProtect
from itsdangerous import URLSafeTimedSerializer
from werkzeug.exceptions import BadRequest

from voiceadmin import clock
from voiceadmin.accounts.actions.sessions import touch_session
from voiceadmin.accounts.queries.credentials import find_session, has_any_account
from voiceadmin.accounts.types import REAUTH_TTL
from voiceadmin.api_keys.queries import find_api_key
from voiceadmin.api_keys.rate_limiter import KeyRateLimiter, too_many_requests
from voiceadmin.config import AttentionThresholds, Settings, is_loopback
from voiceadmin.database.transactions import read_without_snapshot
from voiceadmin.errors import AuthenticationRequired, InvalidApiKey, ReauthenticationRequired
from voiceadmin.identity import Actor, ActorKind, Requester, Role, Scope, SessionRow, anonymous_requester
from voiceadmin.rate_limits.types import RateLimit
from voiceadmin.tokens import generate_token, hash_token
from voiceadmin.web.hosts import is_accepted_host

View = TypeVar("View", bound=Callable[..., Any])

PATHS_WITHOUT_FORMS = ("/api/", "/static/")  # they neither read nor set the cookie of forms
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
BACKGROUND_HEADER = "X-Background"  # scripts send it with requests that do not count as activity

# Keys of app.extensions.
KEY_RATE_LIMITER = "voiceadmin_key_rate_limiter"
ACCOUNTS_EXIST = "voiceadmin_accounts_exist"  # whether a request has found an account; accounts are never deleted

# Keys of app.config, which the commands that start a server set.
OPEN_UNTIL_FIRST_ACCOUNT = "VOICEADMIN_OPEN_UNTIL_FIRST_ACCOUNT"  # anonymous requesters are operators until then
SETUP_LINK_PRINTED = "VOICEADMIN_SETUP_LINK_PRINTED"  # the output of the server has the link for the first account

csrf = CSRFProtect()


class ForeignSite(BadRequest):
    """The request comes from a page with another origin. origin: its scheme, host and port."""

    def __init__(self, origin: str) -> None:
        super().__init__()
        self.origin = origin

    def find_missing_header(self) -> str | None:
        """Return the header that a proxy must set if the origin is this server by its public name, None otherwise."""
        _, netloc = _origin(self.origin)
        if not is_accepted_host(netloc):
            return None
        return "X-Forwarded-Proto" if netloc == request.host else "X-Forwarded-Host"


class FormSessions(SecureCookieSessionInterface):
    """Flask's session, for the CSRF token and flashed messages. The API and static files get no cookie.

    The signature of the cookie covers the session token, so that the CSRF token of another session, or of a browser
    that is not signed in, is void even with its cookie.
    """

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return what signs the cookie for the account session of this browser."""
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.salt = f"{self.salt} {hash_token(session_token())}".encode()
        return serializer

    def get_cookie_name(self, app: Flask) -> str:
        """Return the name of the cookie."""
        return f"{cookie_name(app.config['VOICEADMIN'], request.script_root)}-form"

    def get_cookie_path(self, app: Flask) -> str:
        """Return the path to which the cookie is bound."""
        return request.script_root or "/"

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the cookie, or return an empty session where there are no forms."""
        if request.path.startswith(PATHS_WITHOUT_FORMS):
            return SecureCookieSession()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookie if the session has changed."""
        if not request.path.startswith(PATHS_WITHOUT_FORMS):
            super().save_session(app, session, response)


@dataclass(frozen=True, slots=True)
class AccessRequirement:
    """What a view requires of its requester.

    Attributes:
        role: the lowest role, in any organization.
        signed_in: whether an account is required, with any role.
        recently_authenticated: whether the password must have been entered within REAUTH_TTL.
        snapshot: whether all statements of the request must see the same state of the database.
    """

    role: Role
    signed_in: bool = False
    recently_authenticated: bool = False
    snapshot: bool = True


def require_role(
    role: Role, *, signed_in: bool = False, recently_authenticated: bool = False, snapshot: bool = True
) -> Callable[[View], View]:
    """Declare the access requirement of a view; `_check_access` enforces it."""

    def decorate(view: View) -> View:
        view.access_requirement = AccessRequirement(role, signed_in, recently_authenticated, snapshot)  # type: ignore[attr-defined]
        return view

    return decorate


def init_app(app: Flask, settings: Settings) -> None:
    """Check the access of every request. Static files are public."""
    app.view_functions["static"] = require_role(Role.ANYONE)(app.view_functions["static"])
    app.extensions[KEY_RATE_LIMITER] = KeyRateLimiter(RateLimit(settings.key_burst, settings.key_rate))
    app.config.update(
        VOICEADMIN=settings,
        SECRET_KEY=settings.secret_key or generate_token(),  # processes that are forked from this one share it
        SESSION_COOKIE_SECURE=not settings.plain_cookies,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_SSL_STRICT=False,  # it requires a Referer; _check_same_origin accepts an Origin as well
        WTF_CSRF_TIME_LIMIT=None,  # a token is valid as long as the browser keeps its cookie
        WTF_CSRF_HEADERS=["X-CSRF-Token"],
    )
    app.session_interface = FormSessions()
    csrf.init_app(app)
    app.before_request(_check_access)
    app.after_request(_add_rate_limit_headers)
    app.jinja_env.globals.update(
        requester=requester,
        current_path=current_path,
        session_seconds_left=session_seconds_left,
        is_open_until_first_account=is_open_until_first_account,
    )


def cookie_name(settings: Settings, prefix: str = "") -> str:
    """Return the name of the session cookie. Its beginning makes browsers bind it to this host and to TLS.

    prefix: the path below which a proxy serves this program. Another program may have the rest of the host, so that
    the cookie is bound to this path instead.
    """
    if settings.plain_cookies:
        return "voiceadmin"
    return "__Secure-voiceadmin" if prefix else "__Host-voiceadmin"


def session_cookie_options() -> dict[str, Any]:
    """Return the arguments that set and delete the session cookie, which must be equal."""
    settings = current_settings()
    return {
        "key": cookie_name(settings, request.script_root),
        "path": request.script_root or "/",
        "secure": not settings.plain_cookies,
        "httponly": True,
        "samesite": "Lax",
    }


def requester() -> Requester:
    """Return who makes this request.

    Raises:
        InvalidApiKey: if it has an API key that is unknown, revoked or expired.
        RateLimited: if its API key makes too many requests.
    """
    if "requester" not in g:
        g.requester = _find_requester()
    current: Requester = g.requester
    return current


def session_token() -> str:
    """Return the token in the session cookie that the browser has after this response, "" without one."""
    if "session_token" not in g:
        g.session_token = request.cookies.get(cookie_name(current_settings(), request.script_root), "")
    token: str = g.session_token
    return token


def replace_session_token(token: str) -> None:
    """Bind the CSRF token and the messages for the next page to another session. token: "" for none."""
    g.session_token = token


def forget_requester() -> None:
    """Treat the requester as anonymous: after signing out, and if the database is unavailable."""
    g.requester = anonymous_requester(request.remote_addr)


def scope() -> Scope:
    """Return the organizations in which the requester has the role that this view requires."""
    current: Scope = g.scope
    return current


def remote_address() -> str:
    """Return the IP address of this request, "" if it is unknown."""
    return request.remote_addr or ""


def attention_thresholds() -> AttentionThresholds:
    """Return the thresholds of the attention rules."""
    return current_settings().attention_thresholds


def session_timeouts() -> tuple[timedelta, timedelta]:
    """Return how long a session lasts without activity, and how long it lasts in any case."""
    settings = current_settings()
    return timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours)


def session_seconds_left() -> int | None:
    """Return the seconds until the requester's session ends without further activity, None without a session."""
    session = requester().session
    return None if session is None else max(0, int((_session_end(session) - clock.now()).total_seconds()))


def current_path() -> str:
    """Return the path and query of this request, to return to it. Non-ASCII characters make the path invalid."""
    query = request.query_string.decode("latin-1")
    path = request.script_root + request.path
    return f"{path}?{query}" if query else path


def is_recently_authenticated(now: datetime) -> bool:
    """Return whether the requester entered the password within REAUTH_TTL."""
    session = requester().session
    return session is not None and now - session.reauthenticated_at < REAUTH_TTL


def anonymous_role() -> Role:
    """Return the role of requesters that are not signed in."""
    if not is_open_until_first_account():
        return current_settings().anonymous_role
    if not current_app.extensions.get(ACCOUNTS_EXIST):
        current_app.extensions[ACCOUNTS_EXIST] = has_any_account()
    return Role.ANYONE if current_app.extensions[ACCOUNTS_EXIST] else Role.OPERATOR


def is_open_until_first_account() -> bool:
    """Return whether the server was started by `run`: anonymous requesters are operators until there is an account."""
    return bool(current_app.config.get(OPEN_UNTIL_FIRST_ACCOUNT))


def is_setup_link_printed() -> bool:
    """Return whether the server printed a link for the first account when it started."""
    return bool(current_app.config.get(SETUP_LINK_PRINTED))


def keeps_cookies(request: Request) -> bool:
    """Return whether a browser accepts the session cookie: over TLS, on localhost, or if plain HTTP is allowed."""
    host = request.host.rpartition(":")[0] if not request.host.endswith("]") else request.host
    name = (host or request.host).strip("[]")
    return request.is_secure or current_settings().plain_cookies or is_loopback(name)


def _find_requester() -> Requester:
    if _is_api_request():
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return _authenticate_key(token.strip())
    token = session_token()
    account = find_session(token, request.remote_addr) if token else None
    if account is not None and account.session is not None and clock.now() < _session_end(account.session):
        return account
    return anonymous_requester(request.remote_addr, anonymous_role())


def _authenticate_key(token: str) -> Requester:
    key, now = find_api_key(token), clock.now()
    if key is None or (key.expires_at is not None and key.expires_at <= now):
        raise InvalidApiKey("This API key is not valid, or not any more.")
    actor = Actor(ActorKind.KEY, key.id, key.name, request.remote_addr)
    limiter: KeyRateLimiter = current_app.extensions[KEY_RATE_LIMITER]
    g.rate_limit = limiter.acquire(key, by=actor, now=now)
    if not g.rate_limit.allowed:
        raise too_many_requests(g.rate_limit)
    if key.organizations is None:
        return Requester(actor, global_role=Role.VIEWER)
    return Requester(actor, dict.fromkeys(key.organizations, Role.VIEWER))


def _check_access() -> None:
    """Refuse requests to views without a requirement, and those that do not meet it."""
    if request.endpoint is None:  # 404 or 405, whose page needs no role
        return
    _check_same_origin()
    view = current_app.view_functions[request.endpoint]
    requirement: AccessRequirement | None = getattr(view, "access_requirement", None)
    if requirement is None:
        abort(403)
    if requirement.role is Role.ANYONE and not requirement.signed_in:
        return
    now = clock.now()
    if not requirement.snapshot:
        read_without_snapshot()
    _check_role(requirement)
    current = requester()
    if current.session is not None and BACKGROUND_HEADER not in request.headers and not _is_api_request():
        g.requester = touch_session(current, now=now)
    if requirement.recently_authenticated and not is_recently_authenticated(now):
        raise ReauthenticationRequired("Confirm your password first.")
    g.scope = current.scope(requirement.role)


def _check_role(requirement: AccessRequirement) -> None:
    current = requester()
    is_low = current.highest < requirement.role
    is_anonymous = current.actor.kind is ActorKind.ANONYMOUS
    if current.account_id is None and (requirement.signed_in or (is_low and is_anonymous)):
        raise AuthenticationRequired(
            "Send an API key: Authorization: Bearer va_…" if _is_api_request() else "Sign in first."
        )
    if is_low:
        abort(403)


def _check_same_origin() -> None:
    """Refuse a request that another site made the browser send, even with a valid CSRF token."""
    if request.method in SAFE_METHODS:
        return
    source = request.headers.get("Origin") or request.headers.get("Referer")
    if source is not None and _origin(source) != _origin(request.host_url):
        raise ForeignSite("://".join(_origin(source)))


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc


def _add_rate_limit_headers(response: Response) -> Response:
    result = g.get("rate_limit")
    if result is not None:
        settings = current_settings()
        missing = settings.key_burst - result.remaining
        response.headers["RateLimit-Limit"] = str(settings.key_burst)
        response.headers["RateLimit-Remaining"] = str(result.remaining)
        response.headers["RateLimit-Reset"] = str(ceil(missing / settings.key_rate))
    return response


def _session_end(session: SessionRow) -> datetime:
    idle, absolute = session_timeouts()
    return min(session.last_active_at + idle, session.created_at + absolute)


def _is_api_request() -> bool:
    return request.path.startswith("/api/")


def current_settings() -> Settings:
    """Return the settings of the application."""
    settings: Settings = current_app.config["VOICEADMIN"]
    return settings
