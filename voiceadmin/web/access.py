"""Who may enter: every view names the least role it needs, and a view that names none stays shut.

Whoever comes is a person with a session, a program with an API key, or nobody.
A view gets the scope in which its requester has the role that it needs, and
hands it on to the queries: what lies outside is as if it were not there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask.wrappers import Request, Response
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest

from voiceadmin import clock
from voiceadmin.accounts.actions.sessions import touch_session
from voiceadmin.accounts.queries.credentials import find_session, has_any_account
from voiceadmin.accounts.types import REAUTH_TTL
from voiceadmin.api_keys.actions import KeyRateLimiter, too_fast
from voiceadmin.api_keys.queries import find_api_key
from voiceadmin.config import AttentionThresholds, Settings, is_loopback
from voiceadmin.errors import AuthenticationRequired, InvalidApiKey, ReauthenticationRequired
from voiceadmin.identity import Actor, ActorKind, Requester, Role, Scope, SessionRow, anonymous_requester
from voiceadmin.rate_limits.types import RateLimit
from voiceadmin.tokens import generate_token

View = TypeVar("View", bound=Callable[..., Any])


FORMLESS = ("/api/", "/static/")


SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


BACKGROUND = "X-Background"  # a page sends it with what it fetches by itself, which is no sign of a person


KEY_RATE_LIMITER = "voiceadmin_key_rate_limiter"  # the app's extension that holds what was taken of the keys' buckets


OPEN_UNTIL_FIRST_ACCOUNT = (
    "VOICEADMIN_ANONYMOUS_UNTIL_ACCOUNTS"  # the app's flag that only an empty store is open to all
)


csrf = CSRFProtect()


class ForeignSite(BadRequest):
    """Another site made a browser send this."""


class FormSessions(SecureCookieSessionInterface):
    """Flask's own sessions, which hold the token of forms and messages, and which programs and files do without."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the cookie, or nothing where no form can be."""
        return SecureCookieSession() if request.path.startswith(FORMLESS) else super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookie if anything changed."""
        if not request.path.startswith(FORMLESS):
            super().save_session(app, session, response)


@dataclass(frozen=True, slots=True)
class AccessRequirement:
    """What a view asks of its requester. signed_in: an account, whatever its roles. sure: the password, not long ago."""

    role: Role
    signed_in: bool = False
    recently_authenticated: bool = False


def require_role(
    role: Role, *, signed_in: bool = False, recently_authenticated: bool = False
) -> Callable[[View], View]:
    """Mark a view with the least role it needs. The guard below enforces it."""

    def mark(view: View) -> View:
        view.access_requirement = AccessRequirement(role, signed_in, recently_authenticated)  # type: ignore[attr-defined]
        return view

    return mark


def init_app(app: Flask, settings: Settings) -> None:
    """Set the guard before every request. Files under static/ are for anyone."""
    app.view_functions["static"] = require_role(Role.ANYONE)(app.view_functions["static"])
    app.extensions[KEY_RATE_LIMITER] = KeyRateLimiter(RateLimit(settings.key_burst, settings.key_rate))
    app.config.update(
        VOICEADMIN=settings,
        SECRET_KEY=settings.secret_key or generate_token(),  # processes that are forked from this one share it
        SESSION_COOKIE_NAME=cookie_name(settings) + "-form",
        SESSION_COOKIE_SECURE=not settings.plain_cookies,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_TIME_LIMIT=None,  # as long as the browser keeps its cookie
        WTF_CSRF_HEADERS=["X-CSRF-Token"],
    )
    app.session_interface = FormSessions()
    csrf.init_app(app)
    app.before_request(_guard)
    app.after_request(_tell_budget)
    app.jinja_env.globals.update(
        requester=requester,
        current_path=current_path,
        session_seconds_left=session_seconds_left,
        is_open_until_first_account=lambda: current_app.config.get(OPEN_UNTIL_FIRST_ACCOUNT),
    )


def cookie_name(settings: Settings) -> str:
    """The name of the cookie with a session's token. The prefix makes browsers keep it to this host and to TLS."""
    return "voiceadmin" if settings.plain_cookies else "__Host-voiceadmin"


def session_cookie_options() -> dict[str, Any]:
    """What sets and deletes the cookie of a session alike: its name, and whom browsers give it to."""
    settings = _settings()
    return {
        "key": cookie_name(settings),
        "path": "/",
        "secure": not settings.plain_cookies,
        "httponly": True,
        "samesite": "Lax",
    }


def requester() -> Requester:
    """Whoever makes this request."""
    if "requester" not in g:
        g.requester = _requester()
    found: Requester = g.requester
    return found


def forget_requester() -> None:
    """Take the requester for nobody from now on: after signing out, and where the store cannot be asked."""
    g.requester = anonymous_requester(request.remote_addr)


def scope() -> Scope:
    """The organizations in which the requester has the role that this view needs."""
    found: Scope = g.scope
    return found


def remote_address() -> str:
    """Where this request comes from."""
    return request.remote_addr or ""


def attention_thresholds() -> AttentionThresholds:
    """What the rules of attention compare with."""
    return _settings().limits


def session_timeouts() -> tuple[timedelta, timedelta]:
    """How long a session lasts without activity, and how long at all."""
    settings = _settings()
    return timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours)


def session_seconds_left() -> int | None:
    """The seconds until the requester's session ends by itself if nothing happens; None without a session."""
    session = requester().session
    return None if session is None else max(0, int((_end(session) - clock.now()).total_seconds()))


def current_path() -> str:
    """The address of this page, to come back to. What in it is not ASCII leads nowhere."""
    query = request.query_string.decode("latin-1")
    return f"{request.path}?{query}" if query else request.path


def is_recently_authenticated(now: datetime) -> bool:
    """Whether the requester gave the password not long ago."""
    session = requester().session
    return session is not None and now - session.reauthenticated_at < REAUTH_TTL


def open_to_all() -> Role:
    """What somebody who did not sign in may do here."""
    role = _settings().anonymous_role
    if role is Role.ANYONE or not current_app.config.get(OPEN_UNTIL_FIRST_ACCOUNT):
        return role
    if has_any_account():
        # An account is never deleted, so this need not be asked again.
        current_app.config["VOICEADMIN"] = replace(_settings(), anonymous_role=Role.ANYONE)
        return Role.ANYONE
    return role


def is_private(request: Request) -> bool:
    """Whether a browser keeps our cookies: over TLS, on the machine itself, or where they are plain."""
    host = request.host.rpartition(":")[0] if not request.host.endswith("]") else request.host
    name = (host or request.host).strip("[]")
    return request.is_secure or _settings().plain_cookies or is_loopback(name)


def _requester() -> Requester:
    settings = _settings()
    if _for_program():
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return _holder(token.strip())
    token = request.cookies.get(cookie_name(settings), "")
    found = find_session(token, request.remote_addr) if token else None
    if found is not None and found.session is not None and clock.now() < _end(found.session):
        return found
    return anonymous_requester(request.remote_addr, open_to_all())


def _holder(token: str) -> Requester:
    """A program with an API key. Raises InvalidApiKey, RateLimited."""
    key, now = find_api_key(token), clock.now()
    if key is None or (key.expires_at is not None and key.expires_at <= now):
        raise InvalidApiKey("This API key is not valid, or not any more.")
    actor = Actor(ActorKind.KEY, key.id, key.name, request.remote_addr)
    purse: KeyRateLimiter = current_app.extensions[KEY_RATE_LIMITER]
    g.budget = purse.spend(key, by=actor, now=now)
    if not g.budget.allowed:
        raise too_fast(g.budget)
    if key.organizations is None:
        return Requester(actor, global_role=Role.VIEWER)
    return Requester(actor, dict.fromkeys(key.organizations, Role.VIEWER))


def _guard() -> None:
    if request.endpoint is None:  # no such address, or not by this method: the answer gives nothing away
        return
    _same_origin()
    mark: AccessRequirement | None = getattr(current_app.view_functions[request.endpoint], "access_requirement", None)
    if mark is None:
        abort(403)
    if mark.role is Role.ANYONE and not mark.signed_in:
        return
    who, now = requester(), clock.now()
    if who.account_id is None and (
        mark.signed_in or (who.highest < mark.role and who.actor.kind is ActorKind.ANONYMOUS)
    ):
        raise AuthenticationRequired(
            "Sign in first." if not _for_program() else "Send an API key: Authorization: Bearer va_…"
        )
    if who.highest < mark.role:
        abort(403)
    if who.session is not None and BACKGROUND not in request.headers and not _for_program():
        g.requester = touch_session(who, now=now)
    if mark.recently_authenticated and not is_recently_authenticated(now):
        raise ReauthenticationRequired("Give your password again first.")
    g.scope = who.scope(mark.role)


def _same_origin() -> None:
    """Refuse what another site makes a browser send, whatever token it brings."""
    if request.method in SAFE_METHODS:
        return
    source = request.headers.get("Origin") or request.headers.get("Referer")
    if source is not None and _origin(source) != _origin(request.host_url):
        raise ForeignSite


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc


def _tell_budget(response: Response) -> Response:
    budget = g.get("budget")
    if budget is not None:
        settings = _settings()
        response.headers.extend(
            [
                ("RateLimit-Limit", str(settings.key_burst)),
                ("RateLimit-Remaining", str(budget.left)),
                ("RateLimit-Reset", str(ceil((settings.key_burst - budget.left) / settings.key_rate))),
            ]
        )
    return response


def _end(session: SessionRow) -> datetime:
    idle, absolute = session_timeouts()
    return min(session.last_active_at + idle, session.created_at + absolute)


def _for_program() -> bool:
    return request.path.startswith("/api/")


def _settings() -> Settings:
    found: Settings = current_app.config["VOICEADMIN"]
    return found
