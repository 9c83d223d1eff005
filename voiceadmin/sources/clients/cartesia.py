"""Cartesia: https://docs.cartesia.ai/api-reference/voices/list. Facts checked against cartesia 4.2.0 (2026-09)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from voiceadmin.sources.clients.deletion import refuse, send_deletion
from voiceadmin.sources.clients.outcomes import (
    Broken,
    Complete,
    Deletion,
    Fault,
    FaultKind,
    Incomplete,
    Outcome,
    UpstreamFailed,
)
from voiceadmin.sources.clients.paging import Page, read_pages
from voiceadmin.sources.clients.parsing import (
    MAX_NAME,
    join_words,
    only_objects,
    read_id,
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
    SlotReading,
    Unclear,
)

ADDRESS = "https://api.cartesia.ai"

HOSTS = ("api.cartesia.ai",)

VERSION = "2026-08-14"

PAGE_SIZE = 100  # the largest that is allowed

VOICES = "/voices"

FINE_TUNES = "/fine-tunes/"

COMPLETED = "completed"

FINE_TUNE = "fine-tune"  # the category of a fine-tune

FINE_TUNE_STATES = {
    "created": ProviderState.WAITING,
    "training": ProviderState.PROCESSING,
    "failed": ProviderState.FAILED,
}

T = TypeVar("T")


def build_headers(key: str) -> dict[str, str]:
    """Return the headers that authenticate a request and fix the version of the API."""
    return {"Authorization": f"Bearer {key}", "Cartesia-Version": VERSION}


class Cartesia:
    """The voices that the organization of a key can use, and its fine-tunes."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_voices(self) -> dict[str, Outcome[ProviderVoice]]:
        """Return all voices, those of others included, and all fine-tunes that are not completed.

        The voices of a completed fine-tune are among the voices. Fine-tunes are read first: one that is completed
        meanwhile is then in at least one of the listings.
        """
        on_page = self._transport.on_page
        fine_tunes = read_pages(
            lambda cursor: self._read_page(FINE_TUNES, cursor, PAGE_SIZE, parse_fine_tune),
            partial(on_page, "fine-tunes"),
        )
        voices = read_pages(
            lambda cursor: self._read_page(VOICES, cursor, PAGE_SIZE, parse_voice), partial(on_page, "voices")
        )
        return {"voices": voices, "fine-tunes": _drop_completed(fine_tunes)}

    def check_list(self) -> None:
        """Request one voice.

        Raises:
            UpstreamFailed: such as KEY_REFUSED for a wrong key.
        """
        self._read_page(VOICES, None, 1, parse_voice)

    def _read_page(self, path: str, cursor: str | None, limit: int, parse: Callable[[Mapping[str, Any]], T]) -> Page[T]:
        """Return a page. Only an empty one is the end: a short page can be followed by others."""
        start = {} if cursor is None else {"starting_after": cursor}
        body = self._transport.get_json(path, {"limit": limit, **start})
        entries = require_list(body, "data", self._transport.host)
        items = [(id, parse(entry)) for entry in only_objects(entries) if (id := read_id(entry.get("id")))]
        if entries and not items:
            refuse_shape(self._transport.host, "no entry of the page has an ID.")
        return Page(tuple(items), items[-1][0] if items else None, unreadable=len(entries) - len(items))

    def look_up(self, voice_id: str) -> LookUp:
        """Ask for one voice, and for a fine-tune if there is none: a voice in training is only a fine-tune.

        The body of a 404 is not documented; it counts as absence only if it is JSON.
        """
        try:
            return Found(parse_voice(self._read_one("/voices/", voice_id)))
        except UpstreamFailed as failed:
            if not _is_absence(failed.fault):
                return Unclear(failed.fault)
        return self._look_up_fine_tune(voice_id)

    def _look_up_fine_tune(self, fine_tune_id: str) -> LookUp:
        try:
            voice = parse_fine_tune(self._read_one(FINE_TUNES, fine_tune_id))
        except UpstreamFailed as failed:
            if _is_absence(failed.fault):
                return Absent("Cartesia answered 404. It does not document whether that includes voices of others.")
            return Unclear(failed.fault)
        if voice is None:
            return Absent("This is the ID of a completed fine-tune, whose voices have other IDs.")
        return Found(voice)

    def _read_one(self, path: str, id: str) -> dict[str, Any]:
        body = require_object(self._transport.get_json(path + quote(id, safe="")), self._transport.host)
        if not id or read_id(body.get("id")) != id:
            refuse_shape(self._transport.host, "it is about another voice.")
        return body

    def delete_voice(self, voice: ProviderVoice) -> Deletion:
        """Delete a voice, once. A fine-tune is not deleted: it has no creation date to identify it."""
        if voice.category == FINE_TUNE:
            return refuse("It is a fine-tune and not a voice.")
        return send_deletion(self._transport, VOICES, voice)

    def look_up_deleted(self, voice: ProviderVoice) -> LookUp:
        """Look up a voice whose deletion was requested."""
        return self.look_up(voice.id)

    def read_slots(self) -> tuple[SlotReading, ...]:
        """Return an empty tuple: Cartesia does not tell slots."""
        return ()

    def read_account(self) -> str:
        """Return "": Cartesia does not tell the account of a key."""
        return ""


def _is_absence(fault: Fault) -> bool:
    return fault.kind is FaultKind.NOT_FOUND and fault.status == 404


def _drop_completed(outcome: Outcome[ProviderVoice | None]) -> Outcome[ProviderVoice]:
    """Return a listing of fine-tunes without the completed ones, which are None."""
    if isinstance(outcome, Broken):
        return outcome
    items = tuple(voice for voice in outcome.items if voice is not None)
    if isinstance(outcome, Incomplete):
        return Incomplete(items, outcome.pages, outcome.fault)
    return Complete(items, outcome.pages)


def parse_voice(entry: Mapping[str, Any]) -> ProviderVoice:
    """Return one voice. Its id is "" if the entry has none. A voice has no state: one that is listed is ready."""
    return ProviderVoice(
        id=read_id(entry.get("id")),
        name=read_text(entry.get("name"), MAX_NAME),
        state=ProviderState.READY,
        is_ours=entry.get("is_owner") is True,
        raw_state=_describe_access(entry),
        created_at=read_time(entry.get("created_at")),
        language=read_text(entry.get("language")),
        gender=read_text(entry.get("gender")),
    )


def _describe_access(entry: Mapping[str, Any]) -> str:
    """Return who can use a voice. Versions before 2026-08-14 tell it with `is_public`."""
    is_public = entry.get("is_public")
    words = {"access": entry.get("access"), "visibility": entry.get("visibility")}
    return join_words(words | ({"is_public": str(is_public).lower()} if isinstance(is_public, bool) else {}))


def parse_fine_tune(entry: Mapping[str, Any]) -> ProviderVoice | None:
    """Return a fine-tune as a voice, None if it is completed. Its id is "" if the entry has none."""
    word = read_text(entry.get("status")).strip().lower()
    if word == COMPLETED:
        return None
    return ProviderVoice(
        id=read_id(entry.get("id")),
        name=read_text(entry.get("name"), MAX_NAME),
        state=FINE_TUNE_STATES.get(word, ProviderState.UNKNOWN),
        is_ours=True,
        raw_state=join_words({"status": entry.get("status")}),
        category=FINE_TUNE,
        language=read_text(entry.get("language")),
    )
