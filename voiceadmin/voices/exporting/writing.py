"""Cloned voices as the body of the JSON route or as a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from voiceadmin.tabular import ExportFormat, format_records
from voiceadmin.voices.json_body import FIELDS, voice_to_json
from voiceadmin.voices.types.rows import VoiceRow

RESPONSE_FRAME = '{"success": true, "cloned_voices": [', "]}"


def format_response(records: bytes | str | None) -> bytes:
    """The body of the JSON route: `{"success":true,"cloned_voices":[…]}` in UTF-8.

    records: the JSON of every voice, commas between them; None for no voices.
    """
    written = records.encode() if isinstance(records, str) else records or b""
    return b"".join((b'{"success":true,"cloned_voices":[', written, b"]}"))


def format_file(rows: Iterable[VoiceRow], format: ExportFormat) -> Iterator[str]:
    """The text of a file of these voices, in pieces; `read_voices` reads each format back to the same rows."""
    return format_records(FIELDS, map(voice_to_json, rows), format, RESPONSE_FRAME)
