"""A stand-in of ElevenLabs: https://elevenlabs.io/docs/api-reference/voices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.upstream.server import Request, Response, StandIn, as_json

DEFAULT_VOICES = 2  # that ride along on the first page in addition to page_size
V1_LIMIT = 500  # voices of a workspace with which the first version of the list works
ALL_RIGHTS = frozenset({"voices_read", "voices_write", "user_read"})


def make_voice(voice_id: str, **fields: Any) -> dict[str, Any]:
    """An instant voice of the workspace."""
    voice = {
        "voice_id": voice_id,
        "name": f"Voice {voice_id}",
        "category": "cloned",
        "is_owner": True,
        "created_at_unix": 1_767_225_600,
        "labels": {},
        "fine_tuning": {"is_allowed_to_fine_tune": False, "state": {}},
        "voice_verification": {"requires_verification": False, "is_verified": False},
        "sharing": None,
        "safety_control": None,
    }
    return voice | fields


def make_professional(voice_id: str, **models: str) -> dict[str, Any]:
    """A professional voice with the state of its training for each model."""
    fine_tuning = {"state": models, "message": {model: f"{model} {word}" for model, word in models.items()}}
    return make_voice(voice_id, category="professional", fine_tuning=fine_tuning)


class ElevenLabsWorld:
    """A workspace.

    Attributes:
        voices: in the format of the API, newest first.
        keys: the rights of each key.
        limits: voice_limit and professional_voice_limit.
    """

    def __init__(self, voices: Iterable[dict[str, Any]] = ()) -> None:
        self.voices = list(voices)
        self.keys: dict[str, frozenset[str]] = {"key": ALL_RIGHTS}
        self.limits = (30, 1)
        self.workspace_id = "workspace-1"

    def start(self) -> StandIn:
        """A server for this workspace that does not run yet."""
        return StandIn(self.answer)

    def answer(self, request: Request) -> Response:
        """Answer a request as ElevenLabs does."""
        rights = self.keys.get(request.headers.get("xi-api-key", ""))
        if rights is None:
            return _refuse(401, "invalid_api_key", "Invalid API key")
        if request.path.startswith("/v1/user"):
            return self._answer_user(request) if "user_read" in rights else _refuse_right("user_read")
        needed = "voices_write" if request.method == "DELETE" else "voices_read"
        return self._answer_voices(request) if needed in rights else _refuse_right(needed)

    def _answer_user(self, request: Request) -> Response:
        if request.path == "/v1/user":
            return as_json({"user_id": "user-1", "workspace_id": self.workspace_id, "xi_api_key": "key"})
        professional = sum(voice["category"] == "professional" for voice in self.voices)
        instant = sum(voice["category"] in ("cloned", "generated") for voice in self.voices)
        return as_json(
            {
                "status": "active",
                "voice_slots_used": instant,
                "voice_limit": self.limits[0],
                "professional_voice_slots_used": professional,
                "professional_voice_limit": self.limits[1],
            }
        )

    def _answer_voices(self, request: Request) -> Response:
        if request.path == "/v2/voices":
            return self._list(request)
        if request.path == "/v1/voices":
            return self._list_v1()
        voice_id = request.path.removeprefix("/v1/voices/")
        found = [voice for voice in self.voices if voice["voice_id"] == voice_id]
        if not found:
            return _refuse(404, "voice_not_found", f"A voice with voice_id {voice_id} was not found.")
        if request.method == "DELETE":
            self.voices.remove(found[0])
            return as_json({"status": "ok"})
        return as_json(found[0])

    def _list(self, request: Request) -> Response:
        size = request.number("page_size", 10)
        if not 1 <= size <= 100:
            return _refuse(400, "invalid_page_size", "page_size must be at most 100")
        start = int(request.query.get("next_page_token", "token-0").removeprefix("token-"))
        # The first page holds the default voices in addition.
        end = start + size + (DEFAULT_VOICES if start == 0 else 0)
        has_more = end < len(self.voices)
        return as_json(
            {
                "voices": self.voices[start:end],
                "has_more": has_more,
                "total_count": len(self.voices),
                "next_page_token": f"token-{end}" if has_more else None,
            }
        )

    def _list_v1(self) -> Response:
        if len(self.voices) > V1_LIMIT:
            return _refuse(400, "too_many_voices", "Use the second version of this endpoint.")
        return as_json({"voices": self.voices})


def _refuse(code: int, word: str, message: str) -> Response:
    return as_json({"detail": {"status": word, "message": message}}, code)


def _refuse_right(right: str) -> Response:
    return _refuse(401, "missing_permissions", f"The API key is missing the permission {right}.")
