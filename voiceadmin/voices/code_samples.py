"""URLs of the JSON route for the page "API and code samples"."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from flask import request, url_for

from voiceadmin.voices.types.filters import VoiceFilters
from voiceadmin.voices.types.status import VoiceStatus


@dataclass(frozen=True, slots=True)
class CodeSamples:
    """URLs of the JSON route for the filters of a page.

    Everything except ASCII letters and digits is percent-encoded, so that a URL is safe inside the quotation marks of
    any language.

    Attributes:
        url: With the status and provider of the page.
        ready_url: With the provider of the page and the status "ready".
        ignored_filters: Labels of the filters in use that the route does not have.
    """

    url: str
    ready_url: str
    ignored_filters: tuple[str, ...]


def build_code_samples(assistant_id: int, filters: VoiceFilters) -> CodeSamples:
    """Return the URLs for a page of voices."""
    base = request.host_url.rstrip("/") + url_for("voices_api.cloned_voices", assistant_id=assistant_id)
    status = [("status", filters.statuses[0].value)] if len(filters.statuses) == 1 else []
    provider = [("provider", filters.providers[0])] if len(filters.providers) == 1 else []
    return CodeSamples(
        url=_build_url(base, status + provider),
        ready_url=_build_url(base, [("status", VoiceStatus.READY.value), *provider]),
        ignored_filters=_list_ignored_filters(filters),
    )


def _list_ignored_filters(filters: VoiceFilters) -> tuple[str, ...]:
    in_use = {
        "name or provider ID": filters.text,
        "status (several)": len(filters.statuses) > 1,
        "provider (several)": len(filters.providers) > 1,
        "quality": filters.tiers,
        "usage": filters.uses,
        "language": filters.languages,
        "at provider": filters.verdicts,
        "trend": filters.trends,
    }
    return tuple(label for label, is_used in in_use.items() if is_used)


def _build_url(base: str, parameters: list[tuple[str, str]]) -> str:
    return base + ("?" + urlencode(parameters, quote_via=quote, safe="") if parameters else "")
