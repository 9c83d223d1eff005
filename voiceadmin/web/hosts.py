"""Host names: accept those of this server, in every spelling, and answer health checks under any name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Flask, current_app, request
from werkzeug.exceptions import SecurityError

from voiceadmin.config import Settings, normalize_host

ACCEPTED_HOSTS = "VOICEADMIN_ACCEPTED_HOSTS"  # key of app.config: a list; `serve` adds the address that it listens on

HEALTH_CHECKS = {"/healthz", "/readyz"}  # load balancers and orchestrators request them by IP address


class HostNormalizer:
    """WSGI middleware that writes the Host header as browsers write the origin of a page."""

    def __init__(self, wsgi_app: Any) -> None:
        self.wsgi_app = wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Run the application."""
        if "HTTP_HOST" in environ:
            environ["HTTP_HOST"] = _normalize(environ["HTTP_HOST"])
        result: Iterable[bytes] = self.wsgi_app(environ, start_response)
        return result


def init_app(app: Flask, settings: Settings) -> None:
    """Refuse requests for another host. Call it before all other functions that run before a request."""
    app.config[ACCEPTED_HOSTS] = list(settings.hosts)
    app.wsgi_app = HostNormalizer(app.wsgi_app)  # type: ignore[method-assign]
    app.before_request(_check_host)


def accept_host(app: Flask, host: str) -> None:
    """Accept requests for an address that the server listens on."""
    name = normalize_host(host)
    if name is not None and name not in app.config[ACCEPTED_HOSTS]:
        app.config[ACCEPTED_HOSTS].append(name)


def _normalize(header: str) -> str:
    name = normalize_host(header)
    if name is None:
        return header
    _, colon, port = header.rpartition(":")
    return f"{name}:{port}" if colon and port.isdecimal() and not header.endswith("]") else name


def _check_host() -> None:
    if request.path not in HEALTH_CHECKS and not _is_accepted(request.host):
        raise SecurityError


def _is_accepted(host: str) -> bool:
    """Return whether a Host header names this server. "" is that of HTTP/1.0 without the header."""
    name = normalize_host(host)
    accepted: list[str] = current_app.config[ACCEPTED_HOSTS]
    return name is not None and any(
        name == other or (other.startswith(".") and f".{name}".endswith(other)) for other in accepted
    )
