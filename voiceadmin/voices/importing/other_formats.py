"""Recognize files that are no list of the platform's voices, and say what they are."""

from __future__ import annotations

import re

from voiceadmin.voices.importing.types import refuse
from voiceadmin.voices.json_body import FIELDS

REMEDY = "Import the response of the platform's route /api/v1/assistants/ID/cloned-voices."


# Fields that only the voices of this provider have, from the references of their APIs.
PROVIDER_FIELDS = {
    "ElevenLabs": {"voice_id", "available_for_tiers", "high_quality_base_model_ids"},
    "Resemble": {"uuid", "default_language", "voice_type"},
    "Inworld": {"voiceId", "langCode", "displayName"},
    "Cartesia": {"is_owner", "is_public", "embedding"},
}


def refuse_other_text(buffer: str, position: int) -> None:
    """Refuse a text that begins like a web page or like the headers of an HTTP response."""
    begin = buffer[position : position + 200]
    if begin.startswith("<"):
        refuse("is a web page or XML.", f"Check the address and the sign-in of the call. {REMEDY}")
    if re.match(r"HTTP/[0-9.]+ [0-9]{3}", begin):
        refuse("begins with HTTP headers.", "Call curl without -i or --include.")


def refuse_other_list(name: str, first: object) -> None:
    """Refuse a JSON object without the list “cloned_voices”. name, first: of another list in it; "" for none."""
    refuse_list_of_provider(first)
    if isinstance(first, dict) and first.keys() & set(FIELDS):
        refuse(f"has its list under “{name}” instead of “cloned_voices”.", "Rename it, or import the list alone.")
    refuse("has no list “cloned_voices”.", REMEDY)


def refuse_list_of_provider(first: object) -> None:
    """Refuse the list of voices of a TTS provider. first: its first value."""
    if not isinstance(first, dict) or {"provider", "status"} <= first.keys():
        return
    for provider, fields in PROVIDER_FIELDS.items():
        if first.keys() & fields:
            refuse(f"is a list of voices of {provider}, not of the platform.", REMEDY)
