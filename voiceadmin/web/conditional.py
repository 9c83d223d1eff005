"""Conditional responses: a body with its ETag, or 304."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, request


def is_current(etag: str) -> bool:
    """Return whether the client has the body of an ETag. Apache adds -gzip to the ETags of bodies it compresses."""
    return request.if_none_match.contains_weak(etag) or request.if_none_match.contains_weak(f"{etag}-gzip")


def conditional_response(body: bytes, etag: str) -> Response:
    """Return the body, or 304 if the client has it already."""
    response = Response(status=304) if is_current(etag) else Response(body, mimetype="application/json")
    response.set_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def compute_etag(*parts: Any) -> str:
    """Return a hash of the parts."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
