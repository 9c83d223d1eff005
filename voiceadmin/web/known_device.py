"""A cookie by which a browser is known to an account that has signed in on it: strangers cannot use up its attempts.

It is signed with the secret key and contains only random ids. It does not sign anybody in.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from voiceadmin.text import normalize_email
from voiceadmin.tokens import generate_token, hash_token
from voiceadmin.web.access import session_cookie_options

LIFETIME = timedelta(days=180)

MAX_ACCOUNTS = 5  # in one browser; the account that has not signed in for the longest time is forgotten


def find_device(email: str) -> str:
    """Return the id of this browser as a device of the account with this e-mail, "" if it has not signed in here."""
    return _read_cookie().get(_account_of(email), "")


def remember_device(response: Response, email: str) -> None:
    """Let the browser remember that the account with this e-mail has signed in on it."""
    devices, account = _read_cookie(), _account_of(email)
    device = devices.pop(account, None) or generate_token()
    known = dict([*devices.items(), (account, device)][-MAX_ACCOUNTS:])
    options = session_cookie_options()
    response.set_cookie(
        **options | {"key": _name()}, value=_serializer().dumps(known), max_age=int(LIFETIME.total_seconds())
    )


def _read_cookie() -> dict[str, str]:
    try:
        found: Any = _serializer().loads(request.cookies.get(_name(), ""))
    except BadSignature:  # also after a start with another secret key
        return {}
    return found if isinstance(found, dict) else {}


def _account_of(email: str) -> str:
    return hash_token(normalize_email(email))[:16]


def _name() -> str:
    return f"{session_cookie_options()['key']}-device"


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="known-device")
