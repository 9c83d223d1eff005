"""Records as the text of a CSV, JSON or NDJSON file, in pieces."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from voiceadmin.enums import LabelledEnum

# First characters by which a spreadsheet may recognize a formula, including full-width ones.
_DANGEROUS = "[=+\\-@\t\r\n\0＝＋－＠]"

# Leading apostrophes are part of the pattern: a text that already looks escaped gets one more, so that unescaping
# restores it.
_FORMULA = f"'*{_DANGEROUS}"

# The same inside of a cell, where a spreadsheet that does not separate cells by commas would begin another one. It
# would drop quotation marks at the beginning.
_INNER_FORMULA = f"['\"]*{_DANGEROUS}"
_AFTER_SEPARATOR = "(?<=[;\t\r\n])"

# Where an apostrophe is inserted. `escape_formula` also inserts one where a text inside of a cell looks escaped, so
# that one function can unescape all files.
_FORMULA_START = re.compile(f"\\A(?={_FORMULA})|{_AFTER_SEPARATOR}(?='{_INNER_FORMULA})")
_ANY_FORMULA_START = re.compile(f"\\A(?={_FORMULA})|{_AFTER_SEPARATOR}(?={_INNER_FORMULA})")

_ESCAPED_FORMULA = re.compile(f"\\A'(?={_FORMULA})|{_AFTER_SEPARATOR}'(?={_INNER_FORMULA})")


def escape_formula(text: str) -> str:
    """Return a text as a CSV cell, with a leading apostrophe if a spreadsheet could execute it."""
    return _FORMULA_START.sub("'", text)


def escape_inner_formulas(text: str) -> str:
    """Return a text as a CSV cell that no spreadsheet executes, even if it separates cells by semicolons or tabs."""
    return _ANY_FORMULA_START.sub("'", text)


def unescape_formula(cell: str) -> str:
    """Return the text that `escape_formula` or `escape_inner_formulas` turned into this cell."""
    return _ESCAPED_FORMULA.sub("", cell)


class ExportFormat(LabelledEnum):
    """File formats of exports."""

    JSON = "json", "JSON"
    NDJSON = "ndjson", "NDJSON"
    CSV = "csv", "CSV"
    # CSV with a byte order mark, safe also in spreadsheets that separate cells by semicolons or tabs.
    EXCEL = "excel", "CSV for Excel"

    @property
    def file_extension(self) -> str:
        """Return the end of a file's name, without the dot."""
        return (ExportFormat.CSV if self is ExportFormat.EXCEL else self).value


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
            return _format_csv(fields, records, escape_formula)
        case ExportFormat.EXCEL:
            return chain(["\ufeff"], _format_csv(fields, records, escape_inner_formulas))


def _format_json(records: Iterable[Mapping[str, Any]], frame: tuple[str, str]) -> Iterator[str]:
    yield frame[0]
    for index, record in enumerate(records):
        yield ("," if index else "") + "\n" + _encode(record)
    yield f"\n{frame[1]}\n"


def _format_csv(
    fields: Sequence[str], records: Iterable[Mapping[str, Any]], escape: Callable[[str], str]
) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(fields)
    for record in records:
        yield _empty(buffer)
        writer.writerow(_format_cell(value, escape) for value in record.values())
    yield _empty(buffer)


def _format_cell(value: Any, escape: Callable[[str], str]) -> Any:
    match value:
        case str():
            return escape(value)
        case dict() | list():
            return escape(_encode(value))
        case _:
            return value


def _empty(buffer: io.StringIO) -> str:
    """Empty a buffer, and return what it contained."""
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
