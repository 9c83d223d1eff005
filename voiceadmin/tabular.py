"""Records as the text of a CSV, JSON or NDJSON file, in pieces."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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

# Finds every text that `escape_formula` or `escape_inner_formulas` changes, and some others, in texts that follow line
# breaks.
_POSSIBLE_FORMULA = re.compile(f"[;\t\r\n]{_INNER_FORMULA}")

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


Rows = Sequence[Sequence[Any]]


class ExportFormat(LabelledEnum):
    """File formats of exports."""

    JSON = "json", "JSON"
    NDJSON = "ndjson", "NDJSON"
    CSV = "csv", "CSV"
    # CSV with a byte order mark, safe also in spreadsheets that separate cells by semicolons or tabs.
    EXCEL = "excel", "CSV for Excel"

    @property
    def is_csv(self) -> bool:
        """Return whether files of this format are CSV."""
        return self in (ExportFormat.CSV, ExportFormat.EXCEL)

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
    if format.is_csv:
        return format_csv(fields, ([[*map(_as_cell, record.values())]] for record in records), format)
    return format_objects(([_encode(record)] for record in records), format, frame)


def format_objects(batches: Iterable[Sequence[str]], format: ExportFormat, frame: tuple[str, str]) -> Iterator[str]:
    """Yield the text of a JSON or NDJSON file with one object per line, in one piece for each batch.

    Args:
        batches: of objects as JSON.
        frame: the text before and after the objects of a JSON file.
    """
    if format is ExportFormat.NDJSON:
        yield from ("".join([f"{encoded}\n" for encoded in batch]) for batch in batches)
        return
    yield frame[0]
    separator = "\n"
    for batch in batches:
        yield separator + ",\n".join(batch)
        separator = ",\n"
    yield f"\n{frame[1]}\n"


def format_csv(fields: Sequence[str], batches: Iterable[Rows], format: ExportFormat) -> Iterator[str]:
    """Yield the text of a CSV file, in one piece for each batch.

    Args:
        fields: the header.
        batches: of rows of texts, numbers and None. Texts are escaped.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    escape = escape_inner_formulas if format is ExportFormat.EXCEL else escape_formula
    buffer.write("\ufeff" if format is ExportFormat.EXCEL else "")
    writer.writerow(fields)
    for batch in batches:
        writer.writerows(_escape_rows(batch, escape))
        yield _empty(buffer)
    yield _empty(buffer)  # the header, if there is no batch


def _escape_rows(rows: Rows, escape: Callable[[str], str]) -> Rows:
    """Return rows with escaped texts. One search finds out that none of them needs it, which is the usual case."""
    texts = "\n".join([cell for row in rows for cell in row if type(cell) is str])
    if not _POSSIBLE_FORMULA.search(f"\n{texts}"):
        return rows
    return [[escape(cell) if type(cell) is str else cell for cell in row] for row in rows]


def _as_cell(value: Any) -> Any:
    match value:
        case str():
            return str(value)
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
