"""A stand-in of Inworld: https://docs.inworld.ai/api-reference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.upstream.server import Request, Response, StandIn, as_json

WORKSPACE = "acme"
KEY = "a2V5"  # handed out in base64
UNPAGED_LIMIT = 2000  # voices that a request without paging returns, without a sign that there are more
VOICES = "/voices/v1/voices"
PVC_VOICES = "/voices/v1/pvcVoices"
ALL_RIGHTS = frozenset({"read", "write"})


def make_voice(name: str, workspace: str = WORKSPACE, **fields: Any) -> dict[str, Any]:
    """An instant voice of a workspace."""
    voice = {
        "name": f"workspaces/{workspace}/voices/{name}",
        "voiceId": f"{workspace}__{name}",
        "langCode": "EN_US",
        "displayName": f"Voice {name}",
        "description": "",
        "tags": [],
        "categories": [],
        "source": "IVC",
        "gender": "",
        "ageGroup": "",
        "promptLanguages": ["en-US"],
    }
    return voice | fields


def make_stock_voice(name: str) -> dict[str, Any]:
    """A voice that every workspace sees."""
    return make_voice(name, "inworld", voiceId=name, source="SYSTEM")


def make_professional(name: str, state: str, **fields: Any) -> dict[str, Any]:
    """A professional voice in a state such as TRAINING."""
    voice = {
        "name": f"workspaces/{WORKSPACE}/pvcVoices/{name}",
        "voiceId": f"{WORKSPACE}__{name}",
        "displayName": f"Voice {name}",
        "languageCode": "en-US",
        "state": f"PVC_VOICE_STATE_{state}",
    }
    return voice | fields


class InworldWorld:
    """An account with several workspaces; all keys belong to one of them.

    Attributes:
        voices: stock voices and instant voices of all workspaces.
        professional: professional voices of the workspace of the keys.
        keys: the rights of each key.
        limits: maxCustomVoices and maxPvcVoiceSlots.
    """

    def __init__(self, voices: Iterable[dict[str, Any]] = (), professional: Iterable[dict[str, Any]] = ()) -> None:
        self.voices = list(voices)
        self.professional = list(professional)
        self.keys: dict[str, frozenset[str]] = {KEY: ALL_RIGHTS}
        self.limits = (100, 1)

    def start(self) -> StandIn:
        """A server for this account that does not run yet."""
        return StandIn(self.answer)

    def answer(self, request: Request) -> Response:
        """Answer a request as Inworld does."""
        rights = self.keys.get(request.headers.get("authorization", "").removeprefix("Basic "))
        if rights is None:
            return _refuse(401, 16, "Invalid authorization credentials")
        if ("read" if request.method == "GET" else "write") not in rights:
            return _refuse(403, 7, "The API key has no permission for this operation.")
        return self._answer_pvc(request) if request.path.startswith(PVC_VOICES) else self._answer_voices(request)

    def _answer_voices(self, request: Request) -> Response:
        visible = self._list_visible()
        if request.path == f"{VOICES}:customVoiceCapacity":
            used = sum(voice["source"] == "IVC" for voice in self.voices)
            return as_json(_omit_zeros({"usedCustomVoices": used, "maxCustomVoices": self.limits[0]}))
        if request.path == VOICES:
            if {"filter", "pageSize", "pageToken", "orderBy"}.isdisjoint(request.query):
                return as_json({"voices": visible[:UNPAGED_LIMIT]})
            return as_json({**_cut_page(request, "voices", visible), "totalSize": len(visible)})
        found = _find(request, VOICES, visible)
        if found is None:
            return _refuse_id()
        if request.method == "DELETE":
            self.voices = [voice for voice in self.voices if voice["voiceId"] != found["voiceId"]]
            self.professional = [voice for voice in self.professional if voice["voiceId"] != found["voiceId"]]
            return as_json({})
        return as_json(found)

    def _list_visible(self) -> list[dict[str, Any]]:
        """Stock voices, instant voices of the workspace, and its professional voices that are ready."""
        prefix = f"workspaces/{WORKSPACE}/"
        trained = [
            make_voice(voice["voiceId"].removeprefix(f"{WORKSPACE}__"), source="PVC")
            for voice in self.professional
            if voice["state"] == "PVC_VOICE_STATE_READY"
        ]
        own = [voice for voice in self.voices if voice["source"] == "SYSTEM" or voice["name"].startswith(prefix)]
        return own + trained

    def _answer_pvc(self, request: Request) -> Response:
        if request.path == f"{PVC_VOICES}:resolveUploadLimits":
            limits = {"usedPvcVoiceSlots": len(self.professional), "maxPvcVoiceSlots": self.limits[1]}
            return as_json(_omit_zeros(limits | {"maxSampleBytes": "104857600"}))
        if request.path == PVC_VOICES:
            return as_json(_cut_page(request, "pvcVoices", self.professional))
        found = _find(request, PVC_VOICES, self.professional)
        if found is None:
            return _refuse_id()
        if request.method == "DELETE":
            if found["state"] not in ("PVC_VOICE_STATE_DRAFT", "PVC_VOICE_STATE_FAILED"):
                return _refuse(409, 9, "Delete the trained voice instead.")
            self.professional.remove(found)
            return as_json({})
        return as_json(found)


def _cut_page(request: Request, name: str, voices: list[dict[str, Any]]) -> dict[str, Any]:
    start = int(request.query.get("pageToken", "token-0").removeprefix("token-"))
    end = start + request.number("pageSize", 50)
    return {name: voices[start:end], "nextPageToken": f"token-{end}" if end < len(voices) else ""}


def _find(request: Request, path: str, voices: list[dict[str, Any]]) -> dict[str, Any] | None:
    voice_id = request.path.removeprefix(f"{path}/")
    return next((voice for voice in voices if voice["voiceId"] == voice_id), None)


def _omit_zeros(numbers: dict[str, Any]) -> dict[str, Any]:
    return {name: number for name, number in numbers.items() if number != 0}


def _refuse_id() -> Response:
    return _refuse(404, 5, "Voice not found")


def _refuse(status: int, code: int, message: str) -> Response:
    return as_json({"code": code, "message": message, "details": []}, status)
