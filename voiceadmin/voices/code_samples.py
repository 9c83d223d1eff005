"""The addresses behind "Use from code"."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from flask import request, url_for

from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.types.status import VoiceStatus


@dataclass(frozen=True, slots=True)
class CodeSamples:
    """Addresses of the JSON route for the filters of a page.

    url: with its status and provider. ready_url: with its provider, and ready
    voices only. uncovered: labels of the filters that the route cannot take.
    Everything but plain letters is percent-encoded, so that an address is safe
    inside the quotation marks of any language.
    """

    url: str
    ready_url: str
    uncovered: tuple[str, ...]


def code_samples(assistant_id: int, filters: VoiceFilters) -> CodeSamples:
    """The addresses for a page of voices."""
    base = request.host_url.rstrip("/") + url_for("voices_api.cloned_voices", assistant_id=assistant_id)
    status = [("status", filters.statuses[0].value)] if len(filters.statuses) == 1 else []
    provider = [("provider", filters.providers[0])] if len(filters.providers) == 1 else []
    beyond = {
        "several statuses": len(filters.statuses) > 1,
        "several providers": len(filters.providers) > 1,
        "quality": filters.tiers,
        "use": filters.uses,
        "language": filters.languages,
        "name or provider id": filters.text,
    }
    return CodeSamples(
        url=_address(base, status + provider),
        ready_url=_address(base, [("status", VoiceStatus.READY.value), *provider]),
        uncovered=tuple(label for label, used in beyond.items() if used),
    )


def _address(base: str, arguments: list[tuple[str, str]]) -> str:
    return base + ("?" + urlencode(arguments, quote_via=quote, safe="") if arguments else "")
