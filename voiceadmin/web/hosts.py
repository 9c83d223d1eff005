"""The address of a request: the host name, which must be one of this server, and the path that a proxy adds.

Every spelling of a host name is accepted. Health checks are answered under any name.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from flask import Flask, current_app, request
from werkzeug.exceptions import BadRequest, SecurityError

from voiceadmin.config import Settings, normalize_host

ACCEPTED_HOSTS = "VOICEADMIN_ACCEPTED_HOSTS"  # key of app.config: a list; `serve` adds the address that it listens on

HEALTH_CHECKS = {"/healthz", "/readyz"}  # load balancers and orchestrators request them by IP address


INVALID_PREFIX = "voiceadmin.invalid_prefix"  # key of the WSGI environment

PROXY_FIX = "werkzeug.proxy_fix.orig"  # key of the WSGI environment: the values before the headers of proxies

_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*", re.ASCII)


class InvalidPrefix(BadRequest):
    """The X-Forwarded-Prefix header is not a path."""


class AddressNormalizer:
    """WSGI middleware that writes the Host header as browsers write the origin of a page, and checks the prefix."""

    def __init__(self, wsgi_app: Any) -> None:
        self.wsgi_app = wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Run the application."""
        if "HTTP_HOST" in environ:
            environ["HTTP_HOST"] = _normalize(environ["HTTP_HOST"])
        if PROXY_FIX in environ:
            environ["REMOTE_ADDR"] = _parse_address(environ["REMOTE_ADDR"]) or environ[PROXY_FIX]["REMOTE_ADDR"]
        prefix = environ.get("SCRIPT_NAME", "").rstrip("/")
        environ[INVALID_PREFIX] = not _PREFIX.fullmatch(prefix)
        environ["SCRIPT_NAME"] = "" if environ[INVALID_PREFIX] else prefix  # links of the error page contain it
        result: Iterable[bytes] = self.wsgi_app(environ, start_response)
        return result


def init_app(app: Flask, settings: Settings) -> None:
    """Refuse requests for another host. Call it before all other functions that run before a request."""
    app.config[ACCEPTED_HOSTS] = list(settings.hosts)
    app.wsgi_app = AddressNormalizer(app.wsgi_app)  # type: ignore[method-assign]
    app.before_request(_check_address)


def accept_host(app: Flask, host: str) -> None:
    """Accept requests for an address that the server listens on."""
    name = normalize_host(host)
    if name is not None and name not in app.config[ACCEPTED_HOSTS]:
        app.config[ACCEPTED_HOSTS].append(name)


def _parse_address(text: str) -> str | None:
    """Return the IP address of an X-Forwarded-For header, without a port or brackets; None if there is none."""
    host = text.strip()
    if host.startswith("[") or host.count(":") == 1:
        host = re.sub(r":\d+\Z", "", host).strip("[]")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _normalize(header: str) -> str:
    name = normalize_host(header)
    if name is None:
        return header
    _, colon, port = header.rpartition(":")
    return f"{name}:{port}" if colon and port.isdecimal() and not header.endswith("]") else name


def _check_address() -> None:
    if request.environ[INVALID_PREFIX]:
        raise InvalidPrefix
    if request.path not in HEALTH_CHECKS and not is_accepted_host(request.host):
        raise SecurityError


def is_accepted_host(host: str) -> bool:
    """Return whether a Host header names this server. "" is that of HTTP/1.0 without the header."""
    name = normalize_host(host)
    accepted: list[str] = current_app.config[ACCEPTED_HOSTS]
    return name is not None and any(
        name == other or (other.startswith(".") and f".{name}".endswith(other)) for other in accepted
    )
