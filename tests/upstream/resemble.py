"""A stand-in of Resemble AI: https://docs.resemble.ai/voice-creation/voices/list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.upstream.server import Request, Response, StandIn, as_json

BASE = "/api/v2"
COMPONENTS = ("text_to_speech", "fill", "voice_conversion")


def make_voice(uuid: str, **fields: Any) -> dict[str, Any]:
    """A professional voice of the account that is ready."""
    voice = {
        "uuid": uuid,
        "name": f"Voice {uuid}",
        "status": "ready",
        "voice_status": "ready",
        "voice_type": "professional",
        "default_language": "en-US",
        "supported_languages": ["en-US"],
        "dataset_url": None,
        "callback_uri": None,
        "source": "Custom Voice",
        "dataset_analysis_failure": False,
        "component_status": {name: {"status": "ready"} for name in COMPONENTS},
        "created_at": "2026-01-15T10:30:00Z",
        "updated_at": "2026-01-15T10:32:00Z",
    }
    return voice | fields


def make_team(name: str, voice_limit: Any) -> dict[str, Any]:
    """A team. current_usage is a number of seconds."""
    return {"uuid": f"team-{name}", "name": name, "voice_limit": voice_limit, "units": "seconds", "current_usage": 345}


class ResembleWorld:
    """An account.

    Attributes:
        voices: in the format of the API.
        keys: the keys that are accepted.
        largest_page: how many voices a page holds at most, whatever was requested.
        envelope: the fields of a page besides its voices, of the documented ones.
        teams: in the format of the API.
    """

    def __init__(self, voices: Iterable[dict[str, Any]] = ()) -> None:
        self.voices = list(voices)
        self.keys = {"key"}
        self.largest_page = 1000
        self.envelope = {"page", "page_count", "total_results"}
        self.teams = [make_team("Production", 50)]
        self.email = "owner@example.com"

    def start(self) -> StandIn:
        """A server for this account that does not run yet."""
        return StandIn(self.answer)

    def answer(self, request: Request) -> Response:
        """Answer a request as Resemble does."""
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.keys:
            return _refuse(401, "Invalid or missing API key")
        path = request.path.removeprefix(BASE).rstrip("/")
        if path == "/account":
            return as_json({"success": True, "item": {"email": self.email, "teams": len(self.teams)}})
        if path == "/account/teams":
            return as_json({"success": True, "items": self.teams})
        return self._list(request) if path == "/voices" else self._answer_voice(request, path)

    def _answer_voice(self, request: Request, path: str) -> Response:
        uuid = path.removeprefix("/voices/")
        found = [voice for voice in self.voices if voice["uuid"] == uuid]
        if not found:
            return _refuse(404, "Voice not found")
        if request.method == "DELETE":
            self.voices.remove(found[0])
            return as_json({"success": True, "message": "Voice deleted"})
        return as_json({"success": True, "item": found[0]})

    def _list(self, request: Request) -> Response:
        page, size = request.number("page", 0), request.number("page_size", 10)
        if page < 1:
            return _refuse(400, "page is required")
        if not 10 <= size <= 1000:
            return _refuse(400, "page_size must be between 10 and 1000")
        size = min(size, self.largest_page)
        pages = -(-len(self.voices) // size)
        fields = {
            "page": page,
            "page_count": pages,
            "num_pages": pages,
            "page_size": size,
            "total_results": len(self.voices),
        }
        start = (page - 1) * size
        items = self.voices[start : start + size]
        return as_json({"success": True, "items": items} | {name: fields[name] for name in self.envelope})


def _refuse(code: int, message: str) -> Response:
    return as_json({"success": False, "message": message}, code)
