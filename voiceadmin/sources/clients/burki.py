"""Burki, the platform: https://docs.burki.dev. Facts checked against its pages of 2026-04 and burki 0.1.2 (2026-01)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import Any, BinaryIO
from urllib.parse import quote

from voiceadmin.sources.clients.outcomes import Fault, FaultKind, Outcome, UpstreamFailed
from voiceadmin.sources.clients.paging import Page, read_pages
from voiceadmin.sources.clients.parsing import (
    MAX_NAME,
    only_objects,
    read_id,
    read_number,
    read_object,
    read_text,
    refuse_shape,
    require_list,
    require_object,
)
from voiceadmin.sources.clients.transport import Transport
from voiceadmin.sources.clients.types import PlatformAssistant, UpstreamOrganization, VoiceReference

ADDRESS = "https://api.burki.dev"

HOSTS = ("api.burki.dev",)

ASSISTANTS = "/api/v1/assistants"

VOICES = f"{ASSISTANTS}/cloned-voices"

PAGE_SIZE = 1000  # the largest that is allowed

SMALL_PAGE_SIZE = 100  # for assistants with long settings, of which 1,000 exceed the size limit of a response

MAX_ASKED_ASSISTANTS = 3  # that may have been deleted since they were listed

DEFAULT_PROVIDER = "elevenlabs"  # of tts_settings

EMPTY_IDS = {"", "None"}

LIVE_MODE = "openai_live"


def build_headers(key: str) -> dict[str, str]:
    """Return the headers that authenticate a request."""
    return {"Authorization": f"Bearer {key}"}


class Burki:
    """The organization to which a key belongs. Its lists have no ETags."""

    def __init__(self, transport: Transport) -> None:
        self.etags: dict[str, str] = {}
        self._transport = transport
        self._page_size = PAGE_SIZE

    def download_voices(self, file: BinaryIO, assistant_ids: Iterable[int | str] = ()) -> str:
        """Write the list of the organization's voices to a file, as Burki sent it. Its content is not checked.

        Servers without an address for the organization list the same voices at the address of each assistant.

        Args:
            assistant_ids: assistants to ask instead; the first ones of the organization if there are none.

        Returns:
            The path that answered.

        Raises:
            UpstreamFailed: if the list did not arrive as a whole.
        """
        return self._ask_for_voices(lambda path: self._transport.download(path, None, file), assistant_ids)

    def check_list(self) -> None:
        """Request the voices in processing, which are few, and check that the response is a list.

        Raises:
            UpstreamFailed: such as KEY_REFUSED.
        """
        self._ask_for_voices(self._check_voices)

    def _check_voices(self, path: str) -> None:
        self._require_entries(self._transport.get_json(path, {"status": "processing"}), "cloned_voices")

    def _ask_for_voices(self, request: Callable[[str], None], assistant_ids: Iterable[int | str] = ()) -> str:
        """Call a function with the path of the list of voices. Return the path for which it succeeded."""
        try:
            request(VOICES)
        except UpstreamFailed as failed:
            if not _is_unknown_address(failed.fault):
                raise
        else:
            return VOICES
        return self._ask_assistants(request, list(assistant_ids) or self._find_assistant_ids())

    def _ask_assistants(self, request: Callable[[str], None], assistant_ids: Iterable[int | str]) -> str:
        message = f"{self._transport.host} lists voices for an assistant only, and the organization has no assistant."
        fault = Fault(FaultKind.NOT_FOUND, message)
        for assistant_id in islice(assistant_ids, MAX_ASKED_ASSISTANTS):
            path = f"{ASSISTANTS}/{quote(str(assistant_id), safe='')}/cloned-voices"
            try:
                request(path)
            except UpstreamFailed as failed:
                if not _is_unknown_address(failed.fault):
                    raise
                fault = failed.fault
            else:
                return path
        raise UpstreamFailed(fault)

    def _find_assistant_ids(self) -> list[int]:
        """Return the IDs of the first assistants of the organization."""
        entries = self._require_entries(self._request_assistants(0, MAX_ASKED_ASSISTANTS), "items")
        return [assistant.id for assistant in map(parse_assistant, only_objects(entries)) if assistant]

    def list_assistants(self) -> Outcome[PlatformAssistant]:
        """Return all assistants, inactive ones included."""
        return read_pages(self._read_page, partial(self._transport.on_page, "assistants"))

    def check_assistants(self) -> None:
        """Request one assistant, and check that the response is a list.

        Raises:
            UpstreamFailed: such as RIGHT_MISSING.
        """
        self._require_entries(self._request_assistants(0, 1), "items")

    def _read_page(self, cursor: str | None) -> Page[PlatformAssistant]:
        """Return the page that begins after as many assistants as the cursor says. A short page is the end."""
        skip = int(cursor or 0)
        body = self._request_largest_page(skip)
        entries = self._require_entries(body, "items")
        assistants = [(str(found.id), found) for found in map(parse_assistant, only_objects(entries)) if found]
        if entries and not assistants:
            refuse_shape(self._transport.host, "no assistant of a page has an ID.")
        is_last = len(entries) < self._page_size
        total, doubt = self._check_total(body) if is_last else (None, None)
        following = None if is_last else str(skip + len(entries))
        unreadable = len(entries) - len(assistants)
        return Page(tuple(assistants), following, total, unreadable=unreadable, doubt=doubt)

    def _check_total(self, body: Any) -> tuple[int | None, Fault | None]:
        """Return how many assistants there are, and why that could not be found out."""
        try:
            return self._read_total(body), None
        except UpstreamFailed as failed:
            return None, failed.fault

    def _request_largest_page(self, skip: int) -> Any:
        """Return the body of a page. Smaller pages are requested from the first one on that is too large."""
        try:
            return self._request_assistants(skip, self._page_size)
        except UpstreamFailed as failed:
            if failed.fault.kind is not FaultKind.TOO_LARGE or self._page_size == SMALL_PAGE_SIZE:
                raise
        self._page_size = SMALL_PAGE_SIZE
        return self._request_assistants(skip, self._page_size)

    def _request_assistants(self, skip: int, limit: int) -> Any:
        return self._transport.get_json(ASSISTANTS, {"skip": skip, "limit": limit, "active_only": "false"})

    def _read_total(self, body: Any) -> int | None:
        """Return how many assistants there are, None if the server has no address that tells it."""
        total = read_number(body.get("total")) if isinstance(body, dict) else None
        if total is not None:
            return total
        try:
            counted = self._transport.get_json(f"{ASSISTANTS}/count", {"active_only": "false"})
        except UpstreamFailed as failed:
            if _is_unknown_address(failed.fault):
                return None
            raise
        count = read_number(require_object(counted, self._transport.host).get("count"))
        if count is None:
            refuse_shape(self._transport.host, "the number of assistants is missing.")
        return count

    def _require_entries(self, body: Any, name: str) -> list[Any]:
        """Return a list that is the body itself or a field of it."""
        return body if isinstance(body, list) else require_list(body, name, self._transport.host)

    def read_organization(self) -> UpstreamOrganization:
        """Return the organization to which the key belongs.

        Raises:
            UpstreamFailed: if the response names none.
        """
        body = require_object(self._transport.get_json(f"{ASSISTANTS}/me/organization"), self._transport.host)
        inner = read_object(body, "organization")
        organization_id = read_id(body.get("organization_id")) or read_id(inner.get("id")) or read_id(body.get("id"))
        if not organization_id:
            refuse_shape(self._transport.host, "it names no organization.")
        names = (body.get("organization_name"), inner.get("name"), body.get("name"))
        return UpstreamOrganization(
            organization_id, next(filter(None, (read_text(name, MAX_NAME) for name in names)), "")
        )


def _is_unknown_address(fault: Fault) -> bool:
    """Return whether a server may not know an address. It may also read a word in it as an invalid ID."""
    return fault.kind is FaultKind.NOT_FOUND or fault.status == 422


def parse_assistant(entry: Mapping[str, Any]) -> PlatformAssistant | None:
    """Return one assistant without its credentials, None if the entry has no usable ID."""
    assistant_id = read_number(entry.get("id"))
    if assistant_id is None or not 0 < assistant_id < 1 << 63:
        return None
    return PlatformAssistant(
        id=assistant_id,
        name=read_text(entry.get("name"), MAX_NAME),
        organization_id=read_id(entry.get("organization_id")),
        is_active=entry.get("is_active") is not False,
        references=_find_references(read_object(entry, "tts_settings")),
        is_spoken=entry.get("voice_mode") != LIVE_MODE,
    )


def _find_references(settings: Mapping[str, Any]) -> tuple[VoiceReference, ...]:
    """Return every voice that TTS settings name. Which of several is spoken depends on the provider."""
    provider = read_text(settings.get("provider")) or DEFAULT_PROVIDER
    config = read_object(settings, "provider_config")
    values = {
        "tts_settings.voice_id": settings.get("voice_id"),
        "tts_settings.provider_config.custom_voice_id": config.get("custom_voice_id"),
        "tts_settings.provider_config.voice_id": config.get("voice_id"),
    }
    ids = {field: read_id(value) for field, value in values.items()}
    return tuple(VoiceReference(provider, id, field) for field, id in ids.items() if id.strip() not in EMPTY_IDS)
