"""Read single values of upstream responses: tolerant of types and forms, strict about the shape of a listing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from voiceadmin.sources.clients.outcomes import Fault, FaultKind, UpstreamFailed

MAX_WORD = 200  # characters of a raw word that is kept

MAX_NAME = 10_000  # characters of a name that is kept

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # earlier times are placeholders or another unit

LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def refuse_shape(host: str, problem: str) -> NoReturn:
    """Raise the fault of a response whose shape is not the documented one."""
    message = f"{host} sent an unexpected response: {problem}"
    raise UpstreamFailed(Fault(FaultKind.WRONG_SHAPE, message, 200))


def require_object(body: Any, host: str) -> dict[str, Any]:
    """Return a body that must be an object.

    Raises:
        UpstreamFailed: if it is not, or says `"success": false`, which upstreams also send with a status of success.
    """
    if not isinstance(body, dict):
        refuse_shape(host, "it is not an object.")
    if body.get("success") is False:
        text = read_text(body.get("message")) or read_text(body.get("error")) or "it says that the request failed."
        refuse_shape(host, text)
    return body


def require_list(body: Any, name: str, host: str) -> list[Any]:
    """Return the list of a listing. A missing list is a fault and never an empty listing.

    Raises:
        UpstreamFailed: if it is missing or not a list.
    """
    value = require_object(body, host).get(name)
    if not isinstance(value, list):
        refuse_shape(host, f"the list “{name}” is missing.")
    return value


def only_objects(entries: Iterable[Any]) -> list[dict[str, Any]]:
    """Return the entries of a listing that are objects; others cannot be read."""
    return [entry for entry in entries if isinstance(entry, dict)]


def read_text(value: Any, limit: int = MAX_WORD) -> str:
    """Return a text on which the database can rely: without NUL and unpaired surrogates, cut to the limit."""
    if not isinstance(value, str):
        return ""
    storable = value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return storable[:limit]


def read_id(value: Any) -> str:
    """Return an id that is given as text or as a number, "" if it is missing or unusable."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value == read_text(value) else ""


def read_number(value: Any) -> int | None:
    """Return a whole number that is given as a number or as text, None if it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    is_digits = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19
    return int(value) if is_digits else None


def read_object(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a field that should be an object, an empty one if it is missing or of another type."""
    value = entry.get(name)
    return value if isinstance(value, dict) else {}


def read_time(value: Any) -> datetime | None:
    """Return a time that is given in ISO 8601, in seconds or in milliseconds since 1970; None if it cannot be read.

    A time without a zone is UTC. A time before 2000 or after 2100 cannot be right.
    """
    time = _parse_iso(value) if isinstance(value, str) and not _is_number(value) else _parse_unix(value)
    return time if time is not None and EARLIEST <= time < LATEST else None


def _is_number(value: str) -> bool:
    return value.isascii() and value.strip().isdecimal()


def _parse_iso(value: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        return None


def _parse_unix(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
        return datetime.fromtimestamp(number / 1000 if abs(number) >= 1e11 else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def join_words(words: Mapping[str, Any]) -> str:
    """Return raw words as one text for people, such as "status: ready, voice_status: failed", without empty ones."""
    return ", ".join(f"{name}: {text}" for name, value in words.items() if (text := read_text(value)))
