"""Rows as the text of a CSV, JSON or NDJSON file, in pieces."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

# What a spreadsheet may take for the beginning of a formula, the full-width twins included. Apostrophes before it
# belong to the pattern, so that a text that already looks escape_formula gets one more, and loses only that one again.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\0＝＋－＠]")


def escape_formula(text: str) -> str:
    """The text as a cell: with a leading apostrophe if a spreadsheet could run it."""
    return "'" + text if _FORMULA.match(text) else text


def unescape_formula(cell: str) -> str:
    """The text that `escape_formula` made this cell from."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class ExportFormat(StrEnum):
    """The formats in which voices leave the store."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def encode_json(value: Any) -> bytes:
    """Any other answer, in UTF-8 and in the order in which it was put together."""
    return _encode(value).encode()


def format_records(
    fields: Sequence[str],
    records: Iterable[Mapping[str, Any]],
    format: ExportFormat,
    frame: tuple[str, str] = ("[", "]"),
) -> Iterator[str]:
    """One record a line: as JSON, or as CSV under a head, with texts escaped and whatever is no plain value as JSON.

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
            return escape_formula(value)
        case dict() | list():
            return _encode(value)
        case _:
            return value


def _taken(line: io.StringIO) -> str:
    text = line.getvalue()
    line.seek(0)
    line.truncate()
    return text
