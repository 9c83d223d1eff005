"""A stand-in of Cartesia: https://docs.cartesia.ai/api-reference/voices/list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.upstream.server import Request, Response, StandIn, as_json

VERSIONS = {"2026-03-01", "2026-08-14"}


def make_voice(voice_id: str, **fields: Any) -> dict[str, Any]:
    """A private voice of the organization."""
    voice = {
        "id": voice_id,
        "name": f"Voice {voice_id}",
        "tagline": "",
        "description": "",
        "language": "en",
        "locales": [{"locale": "en-US", "is_native": True}],
        "accent": None,
        "access": "private",
        "visibility": "owner",
        "is_owner": True,
        "created_at": "2026-01-10T08:00:00.123456Z",
        "gender": "feminine",
        "country": None,
    }
    return voice | fields


def make_fine_tune(fine_tune_id: str, status: Any) -> dict[str, Any]:
    """A fine-tune. It has no dates."""
    return {
        "id": fine_tune_id,
        "name": f"Fine-tune {fine_tune_id}",
        "description": "",
        "language": "en",
        "model_id": "sonic-3",
        "dataset": "dataset-1",
        "status": status,
    }


class CartesiaWorld:
    """An organization.

    Attributes:
        voices, fine_tunes: in the format of the API, newest first.
        voices_by_fine_tune: the ids of the voices of completed fine-tunes.
        keys: the keys that are accepted.
        largest_page: how many entries a page holds at most, whatever was requested.
    """

    def __init__(self, voices: Iterable[dict[str, Any]] = (), fine_tunes: Iterable[dict[str, Any]] = ()) -> None:
        self.voices = list(voices)
        self.fine_tunes = list(fine_tunes)
        self.voices_by_fine_tune: dict[str, set[str]] = {}
        self.keys = {"key"}
        self.largest_page = 100

    def start(self) -> StandIn:
        """A server for this organization that does not run yet."""
        return StandIn(self.answer)

    def answer(self, request: Request) -> Response:
        """Answer a request as Cartesia does."""
        if request.headers.get("cartesia-version") not in VERSIONS:
            return _refuse(400, "Invalid version", "Send the header Cartesia-Version.")
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.keys:
            return _refuse(401, "Unauthorized", "The API key is not valid.")
        parts = [part for part in request.path.split("/") if part]
        match parts:
            case ["voices"]:
                return self._list(request, self.voices)
            case ["fine-tunes"]:
                return self._list(request, self.fine_tunes)
            case ["fine-tunes", fine_tune_id, "voices"]:
                ids = self.voices_by_fine_tune.get(fine_tune_id, set())
                return self._list(request, [voice for voice in self.voices if voice["id"] in ids])
        return self._answer_one(request, *request.path.removeprefix("/").split("/", 1))

    def _answer_one(self, request: Request, kind: str, id: str = "") -> Response:
        entries = {"voices": self.voices, "fine-tunes": self.fine_tunes}.get(kind, [])
        found = [entry for entry in entries if entry["id"] == id]
        if not found:
            return _refuse(404, "Not found", f"There is nothing with the ID {id}.")
        if request.method == "DELETE":
            entries.remove(found[0])
            return Response(204, b"")
        return as_json(found[0])

    def _list(self, request: Request, entries: list[dict[str, Any]]) -> Response:
        limit = request.number("limit", 10)
        if not 1 <= limit <= 100:
            return _refuse(400, "Invalid limit", "limit must be between 1 and 100.")
        start = 0
        if cursor := request.query.get("starting_after"):
            ids = [str(entry.get("id")) for entry in entries]
            if cursor not in ids:
                return _refuse(400, "Invalid cursor", f"There is nothing with the ID {cursor}.")
            start = ids.index(cursor) + 1
        return as_json({"data": entries[start : start + min(limit, self.largest_page)]})


def _refuse(code: int, title: str, message: str) -> Response:
    return as_json({"error_code": None, "title": title, "message": message, "request_id": "request-1"}, code)
