"""ElevenLabs: https://elevenlabs.io/docs/api-reference/voices. Facts checked against elevenlabs 2.78.0 (2026-11)."""

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

ADDRESS = "https://api.elevenlabs.io"

HOSTS = (
    "api.elevenlabs.io",
    "api.us.elevenlabs.io",
    "api.eu.residency.elevenlabs.io",
    "api.in.residency.elevenlabs.io",
    "api.sg.residency.elevenlabs.io",
)

PAGE_SIZE = 100  # the largest that is allowed

STOCK_CATEGORIES = {"premade", "famous", "high_quality"}

COPIES = {"copied", "copied_disabled"}

BANS = {"BAN", "ENTERPRISE_BAN"}

IN_TRAINING = {"queued", "fine_tuning", "delayed"}

NOT_TRAINED = {"not_started", "draft", "not_verified"}


def build_headers(key: str) -> dict[str, str]:
    """Return the headers that authenticate a request."""
    return {"xi-api-key": key}


class ElevenLabs:
    """The voices of the workspace to which a key belongs."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_voices(self) -> dict[str, Outcome[ProviderVoice]]:
        """Return all voices, stock voices and library copies included.

        The filter `voice_type` is not sent: voices of two clients vanished from listings with it.
        """
        return {
            "voices": read_pages(
                lambda token: self._read_page(token, PAGE_SIZE), partial(self._transport.on_page, "voices")
            )
        }

    def check_list(self) -> None:
        """Request one voice.

        Raises:
            UpstreamFailed: such as RIGHT_MISSING for a key without the right voices_read.
        """
        self._read_page(None, 1)

    def _read_page(self, token: str | None, page_size: int) -> Page[ProviderVoice]:
        cursor = {} if token is None else {"next_page_token": token}
        body = self._transport.get_json(
            "/v2/voices", {"page_size": page_size, "include_total_count": "false", **cursor}
        )
        entries = require_list(body, "voices", self._transport.host)
        voices = [(voice.id, voice) for voice in map(parse_voice, only_objects(entries)) if voice.id]
        return Page(tuple(voices), self._read_next(body), unreadable=len(entries) - len(voices))

    def _read_next(self, body: Mapping[str, Any]) -> str | None:
        """Return the token of the next page. Only the value false of `has_more` is the end."""
        if body.get("has_more") is False:
            return None
        token = body.get("next_page_token")
        if body.get("has_more") is not True or not isinstance(token, str) or not token:
            refuse_shape(self._transport.host, "it has neither a next page nor the mark of the last one.")
        return token

    def look_up(self, voice_id: str) -> LookUp:
        """Ask for one voice. Its absence is proved for the workspace of the key only."""
        try:
            body = self._transport.get_json(f"/v1/voices/{quote(voice_id, safe='')}")
            voice = parse_voice(require_object(body, self._transport.host))
            if voice.id != voice_id:
                refuse_shape(self._transport.host, "it is about another voice.")
            return Found(voice)
        except UpstreamFailed as failed:
            if failed.fault.kind is FaultKind.NOT_FOUND:
                return Absent("The workspace of the key has no voice with this ID.")
            return Unclear(failed.fault)

    def delete_voice(self, voice: ProviderVoice) -> Deletion:
        """Delete a voice, once."""
        return send_deletion(self._transport, "/v1/voices", voice)

    def look_up_deleted(self, voice: ProviderVoice) -> LookUp:
        """Look up a voice whose deletion was requested."""
        return self.look_up(voice.id)

    def read_slots(self) -> tuple[SlotReading, ...]:
        """Return the used slots of the workspace and their limits.

        With consolidated billing, the number of professional voices is that of the workspace if it is given.

        Raises:
            UpstreamFailed: such as RIGHT_MISSING for a key without the right user_read.
        """
        body = require_object(self._transport.get_json("/v1/user/subscription"), self._transport.host)
        professional = read_number(body.get("professional_voice_slots_used_in_workspace"))
        if professional is None:
            professional = read_number(body.get("professional_voice_slots_used"))
        return (
            SlotReading(
                SlotKind.INSTANT, read_number(body.get("voice_slots_used")), read_number(body.get("voice_limit"))
            ),
            SlotReading(SlotKind.PROFESSIONAL, professional, read_number(body.get("professional_voice_limit"))),
        )

    def read_account(self) -> str:
        """Return the id of the workspace to which the key belongs.

        Raises:
            UpstreamFailed: such as RIGHT_MISSING for a key without the right user_read.
        """
        body = require_object(self._transport.get_json("/v1/user"), self._transport.host)
        account = read_id(body.get("workspace_id")) or read_id(body.get("user_id"))
        if not account:
            refuse_shape(self._transport.host, "it names neither a workspace nor a user.")
        return account


def parse_voice(entry: Mapping[str, Any]) -> ProviderVoice:
    """Return one voice. Its id is "" if the entry has none."""
    category, created_at = read_text(entry.get("category")), read_time(entry.get("created_at_unix"))
    labels, sharing = read_object(entry, "labels"), read_object(entry, "sharing")
    state, reason = _find_state(entry, category)
    is_ours = not _is_of_others(entry, category)
    return ProviderVoice(
        id=read_id(entry.get("voice_id")),
        name=read_text(entry.get("name"), MAX_NAME),
        state=state,
        is_ours=is_ours,
        raw_state=_describe_words(entry, category),
        reason=reason,
        category=category,
        slot=_find_slot(category) if is_ours else None,
        created_at=created_at,
        language=read_text(labels.get("language")),
        gender=read_text(labels.get("gender")),
        breaks_at=read_time(sharing.get("disable_at_unix")) if not is_ours else None,
    )


def _is_of_others(entry: Mapping[str, Any], category: str) -> bool:
    is_copy = read_object(entry, "sharing").get("status") in COPIES
    return category in STOCK_CATEGORIES or is_copy or entry.get("is_owner") is False


def _find_slot(category: str) -> SlotKind | None:
    if category == "professional":
        return SlotKind.PROFESSIONAL
    return SlotKind.INSTANT if category in ("cloned", "generated") else None


def _find_state(entry: Mapping[str, Any], category: str) -> tuple[ProviderState, str]:
    """Return the state and the reason of a failure. The first matching word decides."""
    ban = read_text(read_object(entry, "sharing").get("ban_reason"))
    if entry.get("safety_control") in BANS or ban:
        return ProviderState.BLOCKED, ban
    if category in STOCK_CATEGORIES:
        return ProviderState.READY, ""
    if category in ("cloned", "generated"):
        verification = read_object(entry, "voice_verification")
        is_waiting = verification.get("requires_verification") is True and verification.get("is_verified") is not True
        return (ProviderState.WAITING if is_waiting else ProviderState.READY), ""
    if category == "professional":
        return _find_professional_state(read_object(entry, "fine_tuning"))
    return ProviderState.UNKNOWN, ""


def _find_professional_state(fine_tuning: Mapping[str, Any]) -> tuple[ProviderState, str]:
    """Return the state of a voice that is trained for several models. One trained model is enough to use it."""
    words = set(map(read_text, read_object(fine_tuning, "state").values()))
    if "fine_tuned" in words:
        return ProviderState.READY, ""
    if words & IN_TRAINING:
        return ProviderState.PROCESSING, ""
    if "failed" in words:
        messages = filter(None, map(read_text, read_object(fine_tuning, "message").values()))
        return ProviderState.FAILED, next(messages, "")
    return (ProviderState.WAITING if words <= NOT_TRAINED else ProviderState.UNKNOWN), ""


def _describe_words(entry: Mapping[str, Any], category: str) -> str:
    """Return the words from which the state follows."""
    models = read_object(read_object(entry, "fine_tuning"), "state")
    words = {"category": category, "safety_control": entry.get("safety_control")}
    return join_words(words | {f"fine_tuning {read_text(model)}": word for model, word in models.items()})
