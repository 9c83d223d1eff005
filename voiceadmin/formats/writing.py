"""Voices on their way out: the API's answer as a body, and whole lists as JSON, NDJSON and CSV in pieces."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from voiceadmin.formats.guard import guarded
from voiceadmin.formats.record import FIELDS, write_record
from voiceadmin.shapes import VoiceRow
from voiceadmin.vocabulary import ExportFormat

ANSWER = '{"success": true, "cloned_voices": [', "]}"
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def as_answer(records: bytes | str | None) -> bytes:
    """The body of the JSON route: `{"success":true,"cloned_voices":[…]}` in UTF-8.

    records: the JSON of every voice, commas between them; None for no voices.
    """
    written = records.encode() if isinstance(records, str) else records or b""
    return b"".join((b'{"success":true,"cloned_voices":[', written, b"]}"))


def as_json(value: Any) -> bytes:
    """Any other answer, in UTF-8 and in the order in which it was put together."""
    return _encode(value).encode()


def as_file(rows: Iterable[VoiceRow], format: ExportFormat) -> Iterator[str]:
    """The text of a file of these voices, in pieces; `read_voices` reads each format back to the same rows."""
    return as_lines(FIELDS, map(write_record, rows), format, ANSWER)


def as_lines(
    fields: Sequence[str],
    records: Iterable[Mapping[str, Any]],
    format: ExportFormat,
    frame: tuple[str, str] = ("[", "]"),
) -> Iterator[str]:
    """One record a line: as JSON, or as CSV under a head, with texts guarded and whatever is no plain value as JSON.

    frame: what stands around the records where all of them together are JSON.
    """
    if format is ExportFormat.JSON:
        yield frame[0]
        for number, record in enumerate(records):
            yield ("," if number else "") + "\n" + _encode(record)
        yield f"\n{frame[1]}\n"
        return
    if format is ExportFormat.NDJSON:
        for record in records:
            yield _encode(record) + "\n"
        return
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(fields)
    for record in records:
        yield _taken(line)
        writer.writerow(map(_cell, record.values()))
    yield _taken(line)


def _cell(value: Any) -> Any:
    match value:
        case str():
            return guarded(value)
        case dict() | list():
            return _encode(value)
        case _:
            return value


def _taken(line: io.StringIO) -> str:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text
