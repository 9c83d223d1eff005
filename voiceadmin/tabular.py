"""Records as the text of a CSV, JSON or NDJSON file, in pieces."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

# Beginnings that a spreadsheet may treat as a formula, including full-width characters. Leading apostrophes are part
# of the pattern: a text that already looks escaped gets one more, so that unescaping restores it.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\0＝＋－＠]")


def escape_formula(text: str) -> str:
    """Return a text as a CSV cell, with a leading apostrophe if a spreadsheet could execute it."""
    return "'" + text if _FORMULA.match(text) else text


def unescape_formula(cell: str) -> str:
    """Return the text that `escape_formula` turned into this cell."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class ExportFormat(StrEnum):
    """File formats of exports."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def encode_json(value: Any) -> bytes:
    """Return a value as compact JSON in UTF-8. Keys keep their order."""
    return _encode(value).encode()


def format_records(
    fields: Sequence[str],
    records: Iterable[Mapping[str, Any]],
    format: ExportFormat,
    frame: tuple[str, str] = ("[", "]"),
) -> Iterator[str]:
    """Yield the text of a file with one record per line.

    Args:
        fields: the header of a CSV file. In CSV, texts are escaped, and lists and objects are written as JSON.
        frame: the text before and after the records of a JSON file.
    """
    match format:
        case ExportFormat.JSON:
            return _format_json(records, frame)
        case ExportFormat.NDJSON:
            return (_encode(record) + "\n" for record in records)
        case ExportFormat.CSV:
            return _format_csv(fields, records)


def _format_json(records: Iterable[Mapping[str, Any]], frame: tuple[str, str]) -> Iterator[str]:
    yield frame[0]
    for index, record in enumerate(records):
        yield ("," if index else "") + "\n" + _encode(record)
    yield f"\n{frame[1]}\n"


def _format_csv(fields: Sequence[str], records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(fields)
    for record in records:
        yield _empty(buffer)
        writer.writerow(map(_format_cell, record.values()))
    yield _empty(buffer)


def _format_cell(value: Any) -> Any:
    match value:
        case str():
            return escape_formula(value)
        case dict() | list():
            return _encode(value)
        case _:
            return value


def _empty(buffer: io.StringIO) -> str:
    """Empty a buffer, and return what it contained."""
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
