"""A stand-in of Burki, the platform: https://docs.burki.dev."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.upstream.server import Request, Response, StandIn, as_json

ORGANIZATION_ID = 2
ASSISTANTS = "/api/v1/assistants"
VOICES = f"{ASSISTANTS}/cloned-voices"


def make_voice(voice_id: int, **fields: Any) -> dict[str, Any]:
    """A cloned voice that is ready."""
    voice = {
        "id": voice_id,
        "name": f"Voice {voice_id}",
        "provider": "elevenlabs",
        "provider_voice_id": f"provider-voice-{voice_id}",
        "language": "en",
        "gender": None,
        "status": "ready",
        "quality_score": None,
        "created_at": "2026-01-10T08:00:00Z",
        "last_used_at": None,
        "synthesis_count": 0,
    }
    return voice | fields


def make_assistant(assistant_id: int, voice_id: str = "rachel", **fields: Any) -> dict[str, Any]:
    """An assistant with a voice of ElevenLabs, and with credentials in every place that can hold some."""
    assistant = {
        "id": assistant_id,
        "user_id": 5,
        "organization_id": ORGANIZATION_ID,
        "name": f"Assistant {assistant_id}",
        "description": None,
        "is_active": True,
        "voice_mode": "cascade",
        "tts_settings": {
            "provider": "elevenlabs",
            "voice_id": voice_id,
            "model_id": None,
            "provider_config": {"api_key": "secret-1", "xi_api_key": "secret-2"},
        },
        "api_keys": {"openai": "secret-3"},
        "llm_settings": {"api_key": "secret-4"},
        "twilio_config": {"auth_token": "secret-5"},
        "telnyx_config": {"api_key": "secret-6"},
        "created_at": "2026-02-01T09:00:00Z",
        "updated_at": "2026-02-03T10:11:12Z",
    }
    return assistant | fields


class BurkiWorld:
    """A server with several organizations.

    Attributes:
        assistants: of all organizations.
        voices: of each organization.
        organizations: the name of each.
        keys: the organization of each key.
        has_organization_address: whether there is a list of voices besides those of the assistants.
        has_count: whether there is an address that counts assistants.
        has_text_ids: whether ids are sent as text.
        has_bare_voices: whether the list of voices has no object around it.
        has_wrapped_assistants: whether the list of assistants has an object around it.
    """

    def __init__(self, assistants: Iterable[dict[str, Any]] = (), voices: Iterable[dict[str, Any]] = ()) -> None:
        self.assistants = list(assistants)
        self.voices: dict[int, list[dict[str, Any]]] = {ORGANIZATION_ID: list(voices)}
        self.organizations = {ORGANIZATION_ID: "Harbour"}
        self.keys = {"key": ORGANIZATION_ID}
        self.has_organization_address = True
        self.has_count = True
        self.has_text_ids = False
        self.has_bare_voices = False
        self.has_wrapped_assistants = False

    def start(self) -> StandIn:
        """A server that does not run yet."""
        return StandIn(self.answer)

    def answer(self, request: Request) -> Response:
        """Answer a request as Burki does."""
        organization_id = self.keys.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if organization_id is None:
            return _refuse(401, "Could not validate credentials")
        if request.path == ASSISTANTS:
            return self._list_assistants(request, organization_id)
        if request.path == f"{ASSISTANTS}/me/organization":
            return self._describe_organization(organization_id)
        if request.path == f"{ASSISTANTS}/count" and self.has_count:
            return as_json({"count": len(self._find_assistants(request, organization_id))})
        if request.path == VOICES and self.has_organization_address:
            return self._list_voices(request, organization_id)
        return self._answer_assistant(request, organization_id)

    def _describe_organization(self, organization_id: int) -> Response:
        return as_json(
            {
                "organization_id": self._convert_id(organization_id),
                "organization_name": self.organizations[organization_id],
                "user_id": 5,
                "user_email": "person@example.com",
                "user_role": "admin",
            }
        )

    def _list_assistants(self, request: Request, organization_id: int) -> Response:
        skip, limit = request.number("skip", 0), request.number("limit", 100)
        if skip < 0 or not 1 <= limit <= 1000:
            return _refuse_input(["query", "limit"], "Input should be less than or equal to 1000", "less_than_equal")
        found = self._find_assistants(request, organization_id)
        page = [self._convert(assistant) for assistant in found[skip : skip + limit]]
        if self.has_wrapped_assistants:
            return as_json({"items": page, "total": len(found), "skip": skip, "limit": limit})
        return as_json(page)

    def _find_assistants(self, request: Request, organization_id: int) -> list[dict[str, Any]]:
        is_active_only = request.query.get("active_only", "false") == "true"
        return [
            assistant
            for assistant in self.assistants
            if assistant["organization_id"] == organization_id and (assistant["is_active"] or not is_active_only)
        ]

    def _answer_assistant(self, request: Request, organization_id: int) -> Response:
        """Answer a request to an address below one assistant."""
        word, _, rest = request.path.removeprefix(f"{ASSISTANTS}/").partition("/")
        if not word.isdecimal():
            return _refuse_input(["path", "assistant_id"], "Input should be a valid integer", "int_parsing")
        owned = {(assistant["id"], assistant["organization_id"]): assistant for assistant in self.assistants}
        assistant = owned.get((int(word), organization_id))
        if assistant is None:
            return _refuse(404, f"Assistant with ID {word} not found in your organization")
        if not rest:
            return as_json(self._convert(assistant))
        if rest == "cloned-voices":
            return self._list_voices(request, organization_id)
        if request.method == "DELETE" and rest.startswith("cloned-voices/"):
            return self._delete_voice(rest.removeprefix("cloned-voices/"), organization_id)
        return _refuse(404, "Not Found")

    def _list_voices(self, request: Request, organization_id: int) -> Response:
        filters = {name: request.query[name] for name in ("status", "provider") if name in request.query}
        voices = [
            self._convert(voice)
            for voice in self.voices.get(organization_id, [])
            if all(voice[name] == value for name, value in filters.items())
        ]
        return as_json(voices if self.has_bare_voices else {"success": True, "cloned_voices": voices})

    def _delete_voice(self, voice_id: str, organization_id: int) -> Response:
        voices = self.voices[organization_id]
        found = [voice for voice in voices if str(voice["id"]) == voice_id]
        if not found:
            return _refuse(404, f"Cloned voice with ID {voice_id} not found")
        voices.remove(found[0])
        return as_json({"success": True, "message": "Cloned voice deleted successfully"})

    def _convert(self, entry: dict[str, Any]) -> dict[str, Any]:
        return {
            name: self._convert_id(value) if name in ("id", "organization_id") else value
            for name, value in entry.items()
        }

    def _convert_id(self, value: Any) -> Any:
        return str(value) if self.has_text_ids else value


def _refuse(status: int, detail: str) -> Response:
    return as_json({"detail": detail}, status)


def _refuse_input(location: list[str], message: str, word: str) -> Response:
    return as_json({"detail": [{"loc": location, "msg": message, "type": word}]}, 422)
