"""Inworld: https://docs.inworld.ai/api-reference. Facts checked against its pages of 2026-11."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote

from voiceadmin.sources.clients.deletion import send_deletion
from voiceadmin.sources.clients.outcomes import Deletion, Fault, FaultKind, Outcome, UpstreamFailed
from voiceadmin.sources.clients.paging import Page, read_pages
from voiceadmin.sources.clients.parsing import (
    MAX_NAME,
    join_words,
    only_objects,
    read_id,
    read_number,
    read_text,
    refuse_shape,
    require_list,
    require_object,
)
from voiceadmin.sources.clients.transport import Transport
from voiceadmin.sources.clients.types import (
    Absent,
    Found,
    LookUp,
    ProviderState,
    ProviderVoice,
    SlotKind,
    SlotReading,
    Unclear,
)

ADDRESS = "https://api.inworld.ai"

HOSTS = ("api.inworld.ai",)

PAGE_SIZE = 100

STOCK_SOURCES = {"SYSTEM", "INWORLD"}

PROFESSIONAL = "PVC"

SLOTS_BY_SOURCE = {"IVC": SlotKind.INSTANT, PROFESSIONAL: SlotKind.PROFESSIONAL}

STATE_PREFIX = "PVC_VOICE_STATE_"

STATES = {
    "DRAFT": ProviderState.WAITING,
    "QUEUED": ProviderState.PROCESSING,
    "TRAINING": ProviderState.PROCESSING,
    "READY": ProviderState.READY,
    "FAILED": ProviderState.FAILED,
}


def build_headers(key: str) -> dict[str, str]:
    """Return the headers that authenticate a request. Inworld hands out its keys in base64."""
    return {"Authorization": f"Basic {key}"}


class Inworld:
    """The voices of the workspace to which a key belongs. They are in two services."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_voices(self) -> dict[str, Outcome[ProviderVoice]]:
        """Return all voices, stock voices included. A professional voice that is ready is in both listings."""
        on_page = self._transport.on_page
        return {
            name: read_pages(partial(self._read_page, listing), partial(on_page, name))
            for name, listing in LISTINGS.items()
        }

    def check_list(self) -> None:
        """Request one voice of each listing.

        Raises:
            UpstreamFailed: such as RIGHT_MISSING for a key without the right to read.
        """
        for listing in LISTINGS.values():
            self._read_page(listing, None, 1)

    def _read_page(self, listing: _Listing, token: str | None, page_size: int = PAGE_SIZE) -> Page[ProviderVoice]:
        body, entries = self._request_page(listing, token, page_size)
        voices = [(voice.id, voice) for voice in map(listing.parse, only_objects(entries)) if voice.id]
        total = read_number(body.get("totalSize"))
        return Page(tuple(voices), self._read_next(body), total, unreadable=len(entries) - len(voices))

    def _request_page(
        self, listing: _Listing, token: str | None, page_size: int
    ) -> tuple[Mapping[str, Any], list[Any]]:
        """Return the body of a page and its entries.

        pageSize is always sent: without it, Inworld cuts the list at 2,000 voices and does not say so.
        """
        cursor = {} if token is None else {"pageToken": token}
        body = self._transport.get_json(listing.path, {"pageSize": page_size, **cursor})
        entries = require_list(body, listing.field, self._transport.host)
        return body, entries

    def _read_next(self, body: Mapping[str, Any]) -> str | None:
        """Return the token of the next page. An empty or absent token is the end."""
        token = body.get("nextPageToken")
        if token is not None and not isinstance(token, str):
            refuse_shape(self._transport.host, "the token of the next page is not text.")
        return token or None

    def look_up(self, voice_id: str) -> LookUp:
        """Ask both services for one voice. Its absence can be proved for voices of the key's workspace only."""
        try:
            voice = self._find(voice_id)
            if voice is not None:
                return Found(voice)
            workspace = self.read_account()
        except UpstreamFailed as failed:
            return Unclear(failed.fault)
        if _is_of_workspace(voice_id, workspace):
            return Absent("The workspace of the key has no voice with this ID.")
        message = f"{self._transport.host} does not tell an absent voice from a voice of another workspace."
        return Unclear(Fault(FaultKind.NOT_FOUND, message, 404))

    def _find(self, voice_id: str) -> ProviderVoice | None:
        """Return one voice, None if both services say that they do not have it."""
        for listing in LISTINGS.values():
            try:
                body = self._transport.get_json(f"{listing.path}/{quote(voice_id, safe='')}")
            except UpstreamFailed as failed:
                if failed.fault.kind is not FaultKind.NOT_FOUND:
                    raise
                continue
            voice = listing.parse(require_object(body, self._transport.host))
            if voice.id != voice_id:
                refuse_shape(self._transport.host, "it is about another voice.")
            return voice
        return None

    def delete_voice(self, voice: ProviderVoice) -> Deletion:
        """Delete a voice, once.

        A professional voice that is a draft or has failed is deleted by its own service. That service refuses a trained
        one, which the service of usable voices deletes, and so frees its slot.
        """
        is_untrained = voice.category == PROFESSIONAL and voice.state in (ProviderState.WAITING, ProviderState.FAILED)
        listing = PVC_VOICES if is_untrained else VOICES
        return send_deletion(self._transport, listing.path, voice)

    def look_up_deleted(self, voice: ProviderVoice) -> LookUp:
        """Look up a voice that the key has found before. Another workspace cannot be the reason of its absence."""
        try:
            found = self._find(voice.id)
        except UpstreamFailed as failed:
            return Unclear(failed.fault)
        if found is not None:
            return Found(found)
        return Absent("Both services of Inworld answer that they do not have this voice, which they had before.")

    def read_slots(self) -> tuple[SlotReading, ...]:
        """Return the used slots and their limits.

        The instant voices are those of all workspaces of the account. Drafts of professional voices take slots.

        Raises:
            UpstreamFailed: if either service refuses.
        """
        return (
            self._read_slots(SlotKind.INSTANT, f"{VOICES.path}:customVoiceCapacity", "CustomVoices"),
            self._read_slots(SlotKind.PROFESSIONAL, f"{PVC_VOICES.path}:resolveUploadLimits", "PvcVoiceSlots"),
        )

    def _read_slots(self, kind: SlotKind, path: str, name: str) -> SlotReading:
        """Return the slots of one kind. Inworld may omit one of the two numbers if it is 0."""
        body = require_object(self._transport.get_json(path), self._transport.host)
        values = [body.get(f"used{name}"), body.get(f"max{name}")]
        if values == [None, None]:
            return SlotReading(kind, None, None)
        used, limit = (0 if value is None else read_number(value) for value in values)
        return SlotReading(kind, used, limit)

    def read_account(self) -> str:
        """Return the workspace of the key, "" if neither listing has a voice of ours on its first page.

        Raises:
            UpstreamFailed: if a listing cannot be read.
        """
        for listing in LISTINGS.values():
            _, entries = self._request_page(listing, None, PAGE_SIZE)
            for entry in only_objects(entries):
                workspace = _read_workspace(entry)
                if workspace and listing.parse(entry).is_ours:
                    return workspace
        return ""


def _read_workspace(entry: Mapping[str, Any]) -> str:
    """Return the workspace in a name such as workspaces/acme/voices/lobby, "" if there is none."""
    parts = read_text(entry.get("name"), MAX_NAME).split("/")
    return parts[1] if len(parts) == 4 and parts[0] == "workspaces" else ""


def _is_of_workspace(voice_id: str, workspace: str) -> bool:
    """Return whether an ID is {workspace}__{voice}. An ID that can be split in two ways proves nothing."""
    parts = voice_id.split("__")
    return len(parts) == 2 and "___" not in voice_id and all(parts) and parts[0] == workspace


def parse_voice(entry: Mapping[str, Any]) -> ProviderVoice:
    """Return one voice of the listing of usable voices. Its id is "" if the entry has none."""
    source = read_text(entry.get("source"))
    is_known = source in STOCK_SOURCES or source in SLOTS_BY_SOURCE
    return ProviderVoice(
        id=read_id(entry.get("voiceId")),
        name=read_text(entry.get("displayName"), MAX_NAME),
        state=ProviderState.READY if is_known else ProviderState.UNKNOWN,
        is_ours=source not in STOCK_SOURCES,
        raw_state=join_words({"source": source}),
        category=source,
        slot=SLOTS_BY_SOURCE.get(source),
        language=_read_language(entry),
        gender=read_text(entry.get("gender")),
    )


def parse_professional(entry: Mapping[str, Any]) -> ProviderVoice:
    """Return one voice of the listing of professional voices. Its id is "" if the entry has none."""
    word = read_text(entry.get("state"))
    state = STATES.get(word.removeprefix(STATE_PREFIX), ProviderState.UNKNOWN)
    return ProviderVoice(
        id=read_id(entry.get("voiceId")),
        name=read_text(entry.get("displayName"), MAX_NAME),
        state=state,
        is_ours=True,
        raw_state=join_words({"state": word}),
        reason=_read_failure(entry) if state is ProviderState.FAILED else "",
        category=PROFESSIONAL,
        slot=SlotKind.PROFESSIONAL,
        language=_read_language(entry),
        gender=read_text(entry.get("gender")),
    )


def _read_failure(entry: Mapping[str, Any]) -> str:
    failure = entry.get("failure")
    return read_text(failure.get("message")) if isinstance(failure, dict) else ""


def _read_language(entry: Mapping[str, Any]) -> str:
    """Return the language as in en-US. The older field has it as in EN_US, or AUTO for none."""
    code = read_text(entry.get("languageCode"))
    if code:
        return code
    language, _, region = read_text(entry.get("langCode")).partition("_")
    return "" if language == "AUTO" else "-".join(filter(None, (language.lower(), region)))


class _Listing(NamedTuple):
    """Where a service lists its voices, the field of the list, and how an entry is read."""

    path: str
    field: str
    parse: Callable[[Mapping[str, Any]], ProviderVoice]


VOICES = _Listing("/voices/v1/voices", "voices", parse_voice)

PVC_VOICES = _Listing("/voices/v1/pvcVoices", "pvcVoices", parse_professional)

LISTINGS = {"voices": VOICES, "pvc-voices": PVC_VOICES}
