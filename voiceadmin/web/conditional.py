"""Conditional responses: a body with its ETag, or 304."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Response, request


def conditional_response(etag: str, body: Callable[[], bytes]) -> Response:
    """Return the body, or 304 if the client has it already. Apache adds -gzip to the tags of bodies it compresses."""
    if request.if_none_match.contains_weak(etag) or request.if_none_match.contains_weak(f"{etag}-gzip"):
        response = Response(status=304)
    else:
        response = Response(body(), mimetype="application/json")
    response.set_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def compute_etag(*parts: Any) -> str:
    """Return a hash of the parts."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
