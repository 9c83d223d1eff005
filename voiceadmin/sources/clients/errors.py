"""Read error responses: the body first, because upstreams use the HTTP status in different ways."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from voiceadmin.sources.clients.outcomes import Fault, FaultKind

MAX_MESSAGE = 300  # characters of the upstream's own text in ours

# What the words of ElevenLabs, Inworld (numbers of gRPC) and Cartesia mean. They are more precise than the status.
KINDS_BY_CODE = {
    "invalid_api_key": FaultKind.KEY_REFUSED,
    "missing_api_key": FaultKind.KEY_REFUSED,
    "needs_authorization": FaultKind.KEY_REFUSED,
    "missing_permissions": FaultKind.RIGHT_MISSING,
    "insufficient_permissions": FaultKind.RIGHT_MISSING,
    "voice_access_denied": FaultKind.RIGHT_MISSING,
    "quota_exceeded": FaultKind.QUOTA_USED_UP,
    "insufficient_credits": FaultKind.QUOTA_USED_UP,
    "voice_not_found": FaultKind.NOT_FOUND,
    "voice_does_not_exist": FaultKind.NOT_FOUND,
    "rate_limit_exceeded": FaultKind.RATE_LIMITED,
    "too_many_concurrent_requests": FaultKind.RATE_LIMITED,
    "concurrent_limit_exceeded": FaultKind.RATE_LIMITED,
    "concurrency_limited": FaultKind.RATE_LIMITED,
    "system_busy": FaultKind.RATE_LIMITED,
    "5": FaultKind.NOT_FOUND,
    "7": FaultKind.RIGHT_MISSING,
    "8": FaultKind.RATE_LIMITED,
    "16": FaultKind.KEY_REFUSED,
}

KINDS_BY_STATUS = {
    401: FaultKind.KEY_REFUSED,
    402: FaultKind.QUOTA_USED_UP,
    403: FaultKind.RIGHT_MISSING,
    404: FaultKind.NOT_FOUND,
    408: FaultKind.TIMED_OUT,
    409: FaultKind.CONFLICT,
    429: FaultKind.RATE_LIMITED,
}


def read_error(host: str, status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Fault:
    """Return the fault of a response whose status is not one of success.

    A 404 that is not JSON comes from a gateway and says nothing about the object: it is `WRONG_SHAPE`.
    """
    retry_after = parse_retry_after(headers, now)
    if 300 <= status < 400:
        message = f"{host} redirected the request. Redirects are not followed; check the base address."
        return Fault(FaultKind.REDIRECTED, message, status)
    document = _parse(body)
    if document is None and status == 404:
        message = f"{host} answered 404 with a page instead of JSON. Check the base address."
        return Fault(FaultKind.WRONG_SHAPE, message, status)
    code, text = _read_code(document), _read_text(document)
    kind = KINDS_BY_CODE.get(code) or KINDS_BY_STATUS.get(status) or _kind_of_other_status(status)
    said = f": {text}" if text else "."
    return Fault(kind, f"{host} answered {status}{said}", status, code, retry_after)


def _kind_of_other_status(status: int) -> FaultKind:
    return FaultKind.SERVER_FAILED if status >= 500 else FaultKind.REQUEST_REFUSED


def _parse(body: bytes) -> Any:
    """Return the decoded JSON, None if it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _read_code(document: Any) -> str:
    """Return the upstream's word or number for the error, "" if there is none."""
    for part in _parts(document):
        for name in ("code", "status", "error_code", "type"):
            value = part.get(name)
            if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value) in KINDS_BY_CODE:
                return str(value)
    for part in _parts(document):
        for name in ("code", "error_code", "status"):
            if isinstance(value := part.get(name), str):
                return value[:100]
    return ""


def _read_text(document: Any) -> str:
    """Return the upstream's sentence on one line, "" if there is none."""
    for part in _parts(document):
        for name in ("message", "msg", "detail", "title", "error"):
            value = part.get(name)
            if isinstance(value, str) and value.strip():
                return " ".join(value.split())[:MAX_MESSAGE]
    return ""


def _parts(document: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects that can contain code and message: detail or its first entry, error, and the body itself."""
    if isinstance(document, dict):
        for name in ("detail", "error"):
            inner = document.get(name)
            if isinstance(inner, list) and inner:
                inner = inner[0]
            if isinstance(inner, dict):
                yield inner
        yield document


def parse_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds to wait that a response asks for, given in seconds or as a date; None if it does not."""
    raw = headers.get("retry-after", "").strip()
    if raw.isascii() and raw.isdecimal():
        return float(raw[:9])
    try:
        date = parsedate_to_datetime(raw)
    except ValueError:
        return None
    return max(0.0, (date - now).total_seconds()) if date.tzinfo is not None else None
