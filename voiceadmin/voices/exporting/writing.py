"""Voices as the response of the JSON route or as a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.voices.json_body import FIELDS, voice_to_json
from voiceadmin.voices.types.rows import VoiceRow

# The text before and after the voices of a JSON file, so that it reads like the API's response.
RESPONSE_FRAME = '{"success": true, "cloned_voices": [', "]}"


def format_response(json_bodies: bytes | str | None) -> bytes:
    """Return the body of the JSON route, `{"success":true,"cloned_voices":[…]}` in UTF-8.

    Args:
        json_bodies: the JSON of every voice, separated by commas; None for no voices.
    """
    encoded = json_bodies.encode() if isinstance(json_bodies, str) else json_bodies or b""
    return b"".join((b'{"success":true,"cloned_voices":[', encoded, b"]}"))


def format_file(rows: Iterable[VoiceRow], format: ExportFormat) -> Iterator[str]:
    """Yield the text of a file of voices, in pieces. `read_voices` reads every format back to the same rows."""
    return format_records(FIELDS, map(voice_to_json, rows), format, RESPONSE_FRAME)
