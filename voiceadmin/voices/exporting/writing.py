"""Cloned voices as the body of the JSON route or as a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from voiceadmin.tabular import ExportFormat, as_lines
from voiceadmin.voices.json_body import FIELDS, write_record
from voiceadmin.voices.types.rows import VoiceRow

ANSWER = '{"success": true, "cloned_voices": [', "]}"


def as_answer(records: bytes | str | None) -> bytes:
    """The body of the JSON route: `{"success":true,"cloned_voices":[…]}` in UTF-8.

    records: the JSON of every voice, commas between them; None for no voices.
    """
    written = records.encode() if isinstance(records, str) else records or b""
    return b"".join((b'{"success":true,"cloned_voices":[', written, b"]}"))


def as_file(rows: Iterable[VoiceRow], format: ExportFormat) -> Iterator[str]:
    """The text of a file of these voices, in pieces; `read_voices` reads each format back to the same rows."""
    return as_lines(FIELDS, map(write_record, rows), format, ANSWER)
