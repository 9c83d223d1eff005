"""Delete one voice at a provider: for which IDs and voices no request is sent, and what an answer means."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from voiceadmin.sources.clients.outcomes import (
    Accepted,
    Deletion,
    Fault,
    FaultKind,
    NotThere,
    Refused,
    Unconfirmed,
    UpstreamFailed,
)
from voiceadmin.sources.clients.transport import Transport
from voiceadmin.sources.clients.types import ProviderState, ProviderVoice

DOT_SEGMENTS = {".", ".."}  # a path with them names another object

SEPARATORS = set("/\\?#%")  # a gateway that decodes an ID twice could read a path, a query or a fragment in it

DELETABLE_STATES = {
    ProviderState.READY,
    ProviderState.WAITING,
    ProviderState.FAILED,
    ProviderState.BLOCKED,
    ProviderState.ARCHIVED,
}

UNCLEAR_STATUSES = {408, 499}  # of client errors that a gateway sends although the request may have been passed on


def is_safe_id(voice_id: str) -> bool:
    """Return whether an ID can be sent as one segment of a path and cannot be read as anything else."""
    is_word = voice_id.isprintable() and not any(character.isspace() for character in voice_id)
    return bool(voice_id) and is_word and voice_id not in DOT_SEGMENTS and SEPARATORS.isdisjoint(voice_id)


def find_obstacle(voice: ProviderVoice) -> str:
    """Return why a voice that the provider has must not be deleted, as a sentence; "" if nothing prevents it."""
    if not is_safe_id(voice.id):
        return "Its ID contains characters that cannot be sent safely."
    if not voice.is_ours:
        return "It is a stock or shared voice, and belongs to others."
    if voice.state is ProviderState.PROCESSING:
        return "The provider is still cloning or training it."
    if voice.state not in DELETABLE_STATES:
        return "The provider's words for its state are unknown."
    return ""


def refuse(message: str) -> Refused:
    """Return the outcome of a request that is not sent."""
    return Refused(Fault(FaultKind.REQUEST_REFUSED, message))


def send_deletion(transport: Transport, path: str, voice: ProviderVoice) -> Deletion:
    """Send the request that deletes a voice, once, unless something prevents it.

    Args:
        path: of the collection, to which the ID is added as one segment.
        voice: as a look-up has just found it.
    """
    obstacle = find_obstacle(voice)
    if obstacle:
        return refuse(obstacle)
    try:
        status, body = transport.delete(f"{path}/{quote(voice.id, safe='')}")
    except UpstreamFailed as failed:
        return _classify(failed.fault)
    return _read_answer(transport.host, status, body)


def _classify(fault: Fault) -> Deletion:
    """Return the outcome of a request without a status of success."""
    is_client_error = fault.status is not None and 400 <= fault.status < 500 and fault.status not in UNCLEAR_STATUSES
    if not is_client_error or fault.kind is FaultKind.WRONG_SHAPE:
        return Unconfirmed(fault)
    return NotThere(fault) if fault.kind is FaultKind.NOT_FOUND else Refused(fault)


def _read_answer(host: str, status: int, body: bytes) -> Deletion:
    """Return the outcome of a status of success: an empty body, or an object that does not say the contrary."""
    if not body.strip():
        return Accepted(status)
    document = _parse(body)
    if not isinstance(document, dict):
        message = f"{host} answered {status} with something else than JSON. It may be a gateway that answered."
        return Unconfirmed(Fault(FaultKind.NOT_JSON, message, status))
    if document.get("success") is False or document.get("status", "ok") != "ok":
        message = f"{host} answered {status}, but says that the deletion failed."
        return Unconfirmed(Fault(FaultKind.WRONG_SHAPE, message, status))
    return Accepted(status)


def _parse(body: bytes) -> Any:
    """Return the decoded JSON, None if it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
