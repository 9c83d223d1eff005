"""Resemble AI: https://docs.resemble.ai/voice-creation/voices/list. Facts checked against its pages of 2026-08."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from voiceadmin.sources.clients.deletion import send_deletion
from voiceadmin.sources.clients.outcomes import Deletion, FaultKind, Outcome, UpstreamFailed
from voiceadmin.sources.clients.paging import Page, read_pages
from voiceadmin.sources.clients.parsing import (
    MAX_NAME,
    join_words,
    only_objects,
    read_id,
    read_number,
    read_object,
    read_text,
    read_time,
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

ADDRESS = "https://app.resemble.ai/api/v2"

HOSTS = ("app.resemble.ai",)

PAGE_SIZE = 1000  # the largest that is allowed

SMALLEST_PAGE_SIZE = 10

OUR_SOURCE = "Custom Voice"

READY = {"ready", "finished"}

FAILED = {"failed", "error"}

STATES = (
    (FAILED, ProviderState.FAILED),
    ({"archived"}, ProviderState.ARCHIVED),
    (READY, ProviderState.READY),
    ({"pending", "initializing", "running", "training", "building", "queued"}, ProviderState.PROCESSING),
)


def build_headers(key: str) -> dict[str, str]:
    """Return the headers that authenticate a request."""
    return {"Authorization": f"Bearer {key}"}


class Resemble:
    """The voices that the owner of a key can use."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_voices(self) -> dict[str, Outcome[ProviderVoice]]:
        """Return all voices, stock voices and those of the marketplace included.

        No filter is sent: the listing must contain every voice that an assistant can use.
        """
        on_page = partial(self._transport.on_page, "voices")
        return {"voices": read_pages(lambda cursor: self._read_page(int(cursor or 1), PAGE_SIZE), on_page)}

    def check_list(self) -> None:
        """Request one page of the smallest size.

        Raises:
            UpstreamFailed: such as KEY_REFUSED for a wrong key.
        """
        self._read_page(1, SMALLEST_PAGE_SIZE)

    def _read_page(self, page: int, page_size: int) -> Page[ProviderVoice]:
        host = self._transport.host
        body = self._transport.get_json("/voices", {"page": page, "page_size": page_size})
        entries = require_list(body, "items", host)
        if read_number(body.get("page")) not in (page, None):
            refuse_shape(host, f"page {page} was requested, but another page came.")
        voices = [(voice.id, voice) for voice in map(parse_voice, only_objects(entries)) if voice.id]
        is_last = _is_last(body, page, entries)
        if not entries and not is_last:
            refuse_shape(host, f"page {page} is empty, but is not the last one.")
        return Page(tuple(voices), None if is_last else str(page + 1), unreadable=len(entries) - len(voices))

    def look_up(self, voice_id: str) -> LookUp:
        """Ask for one voice. The body of a 404 is not documented; it counts as absence only if it is JSON."""
        try:
            body = require_object(self._transport.get_json(f"/voices/{quote(voice_id, safe='')}"), self._transport.host)
            voice = parse_voice(require_object(body.get("item"), self._transport.host))
            if voice.id != voice_id:
                refuse_shape(self._transport.host, "it is about another voice.")
            return Found(voice)
        except UpstreamFailed as failed:
            if failed.fault.kind is FaultKind.NOT_FOUND and failed.fault.status == 404:
                return Absent("Resemble answered 404. It does not document whether that includes voices of others.")
            return Unclear(failed.fault)

    def delete_voice(self, voice: ProviderVoice) -> Deletion:
        """Delete a voice, once."""
        return send_deletion(self._transport, "/voices", voice)

    def look_up_deleted(self, voice: ProviderVoice) -> LookUp:
        """Look up a voice whose deletion was requested."""
        return self.look_up(voice.id)

    def read_slots(self) -> tuple[SlotReading, ...]:
        """Return the limit of the team; the used slots must be counted from the listing.

        The limit of several teams is None: voices do not name their team, and a sum would hide that one team is full.
        Resemble has one limit for all kinds of voices, here called INSTANT.

        Raises:
            UpstreamFailed: such as KEY_REFUSED for a wrong key.
        """
        teams = require_list(self._transport.get_json("/account/teams"), "items", self._transport.host)
        limits = [read_number(team.get("voice_limit")) for team in only_objects(teams)]
        return (SlotReading(SlotKind.INSTANT, None, limits[0] if len(teams) == len(limits) == 1 else None),)

    def read_account(self) -> str:
        """Return the e-mail address of the owner of the key: personal data, of which only a hash may be stored.

        Raises:
            UpstreamFailed: such as KEY_REFUSED for a wrong key.
        """
        body = require_object(self._transport.get_json("/account"), self._transport.host)
        account = read_id(read_object(body, "item").get("email")) or read_id(body.get("email"))
        if not account:
            refuse_shape(self._transport.host, "it names no e-mail address.")
        return account


def _is_last(body: Mapping[str, Any], page: int, entries: list[Any]) -> bool:
    """Return whether a page is the last one: by the number of pages, without one only if the page is empty."""
    numbers = (read_number(body.get(name)) for name in ("page_count", "num_pages"))
    counts = [number for number in numbers if number is not None and number > 0]
    return page >= max(counts) if counts else not entries


def parse_voice(entry: Mapping[str, Any]) -> ProviderVoice:
    """Return one voice. Its id is "" if the entry has none."""
    is_ours = entry.get("source") == OUR_SOURCE
    return ProviderVoice(
        id=read_id(entry.get("uuid")),
        name=read_text(entry.get("name"), MAX_NAME),
        state=_find_state(entry),
        is_ours=is_ours,
        raw_state=_describe_words(entry),
        category=read_text(entry.get("voice_type")),
        slot=SlotKind.INSTANT if is_ours else None,
        created_at=read_time(entry.get("created_at")),
        language=read_text(entry.get("default_language")),
        gender=read_text(entry.get("gender")),
    )


def _read_word(value: Any) -> str:
    return read_text(value).strip().lower()


def _find_state(entry: Mapping[str, Any]) -> ProviderState:
    """Return the state. `voice_status` decides only without `status`, and the components only without both."""
    if entry.get("dataset_analysis_failure") is True:
        return ProviderState.FAILED
    word = _read_word(entry.get("status")) or _read_word(entry.get("voice_status"))
    if entry.get("is_archived") is True and word not in FAILED:
        return ProviderState.ARCHIVED
    if not word:
        return _find_state_of_components(_read_components(entry))
    return next((state for words, state in STATES if word in words), ProviderState.UNKNOWN)


def _read_components(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the word of each component. It is a text on some pages and an object with a status on others."""
    components = read_object(entry, "component_status").items()
    return {name: _read_word(value.get("status") if isinstance(value, dict) else value) for name, value in components}


def _find_state_of_components(components: Mapping[str, str]) -> ProviderState:
    words = set(components.values())
    if words & FAILED:
        return ProviderState.FAILED
    return ProviderState.READY if words and words <= READY else ProviderState.UNKNOWN


def _describe_words(entry: Mapping[str, Any]) -> str:
    """Return the words from which the state follows, and `voice_status` wherever it differs from `status`."""
    status, voice_status = entry.get("status"), entry.get("voice_status")
    words = {
        "status": status,
        "voice_status": voice_status if _read_word(voice_status) != _read_word(status) else "",
        **{name: "true" for name in ("dataset_analysis_failure", "is_archived") if entry.get(name) is True},
    }
    if not (_read_word(status) or _read_word(voice_status)):
        words |= {f"component {read_text(name)}": word for name, word in _read_components(entry).items()}
    return join_words(words)
