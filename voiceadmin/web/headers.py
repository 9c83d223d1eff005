"""The security headers of every answer, and how long it may be kept."""

from __future__ import annotations

from flask import Flask, Response, request

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)


HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


OVER_TLS = "max-age=31536000; includeSubDomains"  # a browser that came over TLS once never comes without it


def init_app(app: Flask) -> None:
    """Put the headers on every answer, errors and static files included."""
    app.after_request(_secured)


def _secured(response: Response) -> Response:
    given = {name.lower() for name, _ in response.headers}
    response.headers.extend([(name, value) for name, value in HEADERS.items() if name.lower() not in given])
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = OVER_TLS
    if request.endpoint == "static" and response.status_code < 400:
        # The address of a file carries a hash of its content, so a file that changes gets another address.
        versioned = "v" in request.args
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
    elif "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response
